"""Invented measurements of models on low-pass images, in the shapes that the probes write."""

from pathlib import Path

import numpy as np
import pandas as pd
from invented_artifacts import attacked, entry, lowpass

from passband.files import sha256, write_arrays, write_text
from passband.measurements import CHECKSUM

PAPER_DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet": "Tiny ImageNet"}
METHODS = ("natural", "L-model", "PGD-AT")
HALF = {"name": "lowpass-4-8", "shape": "square", "keep": "low", "bandwidth": "4/8"}
CLASSES = [
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
]


def synthetic_models(
    root: Path, datasets: dict[str, tuple[str, int]], methods=METHODS, seeds=(0,)
) -> list[dict]:
    """Write the measurements of every data set (paper's id -> (title, side)), method and seed."""
    models = []
    for place, (paper_dataset, (title, side)) in enumerate(datasets.items()):
        dataset = title.lower().replace(" ", "-")
        for method in methods:
            for seed in seeds:
                model = f"{dataset}_resnet8_sar-{method}"
                maker = _Maker(root / model / f"seed-{seed}", model, dataset, method, seed, side)
                probes = maker.probes(channels=1 if place == 0 else 3)
                part = {"input_filter": {"filter": HALF}} if method == "L-model" else {}
                models.append(
                    entry(
                        model,
                        {},
                        probes,
                        method=method,
                        seed=seed,
                        dataset=dataset,
                        dataset_title=title,
                        paper_dataset=paper_dataset,
                        paper_dataset_title=PAPER_DATASETS[paper_dataset],
                        recipe={"parts": part, "recorders": {}},
                    )
                )
    return models


class _Maker:
    """Writes the probes' files of one model and seed."""

    def __init__(self, folder, model, dataset, method, seed, side):
        self.folder, self.side, self.n = folder, side, 200
        self.name = (dataset, "resnet8", method, model, seed)
        self.place = METHODS.index(method)
        self.random = np.random.default_rng([seed, self.place, side])
        self.top = (91, 88, 80)[self.place]
        self.half = (0.55, 0.25, 0.15)[self.place]  # share of the side with half the accuracy
        self.robust = (0.5, 1.5, 58)[self.place]

    def probes(self, channels):
        folder = self.folder
        folder.mkdir(parents=True)
        self.lowpass()
        self.pgd()
        self.bands()
        self.spectrum()
        self.heatmap()
        self.examples(channels)
        names = sorted({path.stem for path in folder.iterdir()})
        kinds = {"csv": "csv", "arrays": "safetensors"}
        return {
            name: {kind: str(folder / f"{name}.{ending}") for kind, ending in kinds.items()}
            for name in names
        }

    def table(self, probe, rows):
        columns = ["dataset", "architecture", "method", "model", "seed"]
        frame = pd.DataFrame(
            [(*self.name, probe, *row) for row in rows],
            columns=[*columns, "probe", "condition", "metric", "value", "n_images", "unit"],
        )
        write_text(self.folder / f"{probe}.csv", frame.to_csv(index=False))

    def accuracy(self, condition, percent):
        return self.row(condition, self.right(percent))

    def right(self, percent):
        return (self.random.random(self.n) < percent / 100).astype(np.uint8)

    def row(self, condition, correct):
        return condition, "accuracy", 100 * correct.mean(), self.n, "percent"

    def curve(self, share):
        def rise(x):
            return 1 / (1 + np.exp(-12 * (x - self.half)))

        return 10 + (self.top - 10) * (rise(share) - rise(0)) / (rise(1) - rise(0))

    def lowpass(self):
        shares = np.arange(1, 9) / 8
        correct = [self.right(self.curve(share)) for share in shares]
        names = [lowpass(f"{round(8 * share)}-8", self.side) for share in shares]
        self.table("lowpass", [self.row(*one) for one in zip(names, correct, strict=True)])
        sizes = (shares * self.side).astype(int)
        self.store("lowpass", bandwidths=sizes, correct=np.stack(correct))

    def pgd(self):
        clean, robust = self.right(self.top), self.right(self.robust)
        rows = [self.row(attacked("none"), clean), self.row(attacked("pgd-20"), robust)]
        self.table("pgd-20", rows)
        self.store("pgd-20", correct=robust, correct_clean=clean)

    def bands(self):
        rows = []
        for keep, power in (("low", 0.6), ("high", 2.5)):
            for share in np.arange(9) / 8:
                value = self.top - (self.top - self.robust) * share**power
                described = lowpass(f"{round(8 * share)}-8", self.side, keep)
                condition = f"{attacked('pgd-20')};perturbation_{described}"
                rows.append(self.accuracy(condition, value))
        self.table("pgd-20-bands", rows)
        self.store("pgd-20-bands", bandwidths_low=np.arange(9) * self.side // 8)

    def radius(self):
        frequency = np.arange(self.side) - self.side // 2
        return np.abs(np.stack(np.meshgrid(frequency, frequency))).max(0) / (self.side / 2)

    def spectrum(self):
        falloff = (0.6, 2.5, 4.0)[self.place]
        spectrum = np.exp(-falloff * self.radius()) * self.random.uniform(
            0.8, 1.2, (self.side,) * 2
        )
        if self.place == 1:
            spectrum *= np.where(self.radius() < 0.5, 2, 1)
        images = self.random.uniform(0.9, 1.1, 12)
        ring = np.exp(-falloff * np.arange(self.side // 2 + 1) / (self.side / 2))
        sizes = np.arange(2, self.side + 1, 2)
        share = (sizes / self.side) ** (2 / (1 + falloff))
        self.table("pgd-20-spectrum", [])
        self.store(
            "pgd-20-spectrum",
            bandwidths=sizes,
            spectrum=spectrum.astype(np.float32),
            amplitude_by_radius=np.outer(ring, images).astype(np.float32),
            energy_share=np.outer(share, np.ones(12)).astype(np.float32),
            dc_share=(0.01 * images).astype(np.float32),
        )

    def heatmap(self):
        radius = self.radius()
        error = (0.15 + 0.5 * radius, 0.5 - 0.4 * radius, 0.35 - 0.2 * radius)[self.place]
        error = error + self.random.normal(0, 0.02, error.shape)
        wrong_clean = np.zeros(self.n, np.uint8)
        wrong_clean[: int(self.n * (100 - self.top) / 100)] = 1
        wrong = np.zeros((514, self.n), np.uint8)
        row = ("basis=mean;norm=4", "error_rate", 100 * error.mean(), self.n, "percent")
        self.table("fourier-heatmap", [row])
        self.store("fourier-heatmap", error=error.clip(0, 1), wrong_clean=wrong_clean, wrong=wrong)

    def examples(self, channels):
        count, side = 12, self.side
        rows, columns = np.mgrid[:side, :side] / side
        centres = self.random.uniform(0.3, 0.7, (count, channels, 2, 1, 1))
        images = np.exp(-12 * ((rows - centres[:, :, 0]) ** 2 + (columns - centres[:, :, 1]) ** 2))
        noise = self.random.normal(size=images.shape)
        keep = np.fft.ifftshift(np.exp(-2 * self.place * self.radius()))
        noise = np.sign(np.fft.ifft2(np.fft.fft2(noise) * keep).real) * 8 / 255
        spectrum = np.abs(np.fft.fftshift(np.fft.fft2(noise), axes=(-2, -1))).mean(1)
        labels = self.random.integers(0, 10, count)
        single = {"images": images, "perturbation": noise, "filtered": images, "spectrum": spectrum}
        self.table("examples", [])
        self.store(
            "examples",
            {"classes": CLASSES, "bandwidth": side // 4, "attack": "pgd-20"},
            labels=labels,
            predicted=labels,
            predicted_adversarial=labels if self.place == 2 else (labels + 1) % 10,
            **{name: array.astype(np.float32) for name, array in single.items()},
        )

    def store(self, probe, metadata=None, **arrays):
        told = {**(metadata or {}), CHECKSUM: sha256(self.folder / f"{probe}.csv")}
        write_arrays(self.folder / f"{probe}.safetensors", arrays, told)
