"""Invented measurements of adversarially trained networks, as training and probes write them."""

import re
from pathlib import Path

import numpy as np
from invented_artifacts import attacked, entry, lowpass

from passband.measurements import MEASURED, write_measurement
from passband.runs import write_run

ATTACKS = ["pgd-20", "gn", "fgsm", "bim-20", "tpgd-20", "cw-20"]
# percent correct without an attack and under each of ATTACKS, without a filter
ACCURACY = np.array([78.0, 43.0, 71.0, 49.0, 43.0, 62.0, 40.0])
BITS = ["QM-32+FAT", "QM-4", "QM-4+FAT", "QM-2", "QM-2+FAT"]
METHODS = {  # by number of the paper's table
    1: ["PGD-7-AT"],
    2: ["PGD-7-AT", *(f"PGD-7-AT (batch {size})" for size in (256, 128, 64, 32))],
    3: ["PGD-7-AT"]
    + [f"PGD-7-AT+{of}-{kind}" for kind in ("mixup", "cutout", "cutmix") for of in "AC"],
    4: ["PGD-7-AT"] * 4,
    5: ["PGD-7-AT", *(f"PGD-7-AT+{bits}" for bits in BITS)],
}
NETWORKS = {  # ours for the paper's, its parameters and its number of layers
    "resnet20_hardtanh": ("resnet8_hardtanh", 78042, 9),
    "mobilenet_v2": ("mobilenet_v2_tiny", 45210, 14),
    "efficientnet_b0": ("efficientnet_tiny", 39110, 27),
    "wrn_34_10": ("resnet8", 78330, 8),
}
OF_JAFR = {"preact_resnet18_plain_end": ("preact_resnet8", 77850, 9)}
FILES = {"run": "run.json", "history": "history.csv", "curves": "curves.csv"}
TITLES = {
    "resnet20_hardtanh": "ResNet-20 (hardtanh)", "mobilenet_v2": "MobileNet-V2",
    "efficientnet_b0": "EfficientNet-B0", "wrn_34_10": "WRN-34-10",
    "resnet8_hardtanh": "ResNet-8 (hardtanh)", "mobilenet_v2_tiny": "MobileNet-V2 (tiny)",
    "efficientnet_tiny": "EfficientNet (tiny)", "resnet8": "ResNet-8",
    "preact_resnet18_plain_end": "PreActResNet-18", "preact_resnet8": "PreActResNet-8",
}  # fmt: skip


class Invented:
    """The files of one model and seed; a method adds a probe's and returns the whole."""

    def __init__(
        self, root: Path, method="PGD-7-AT", *, seed=0, title="Fashion-MNIST sample",
        network="resnet20_hardtanh", architecture=None, side=32, n=400,
        batch_size=None,
    ):  # fmt: skip
        self.batch_size = batch_size
        substitute, self.parameters, self.layers = (NETWORKS | OF_JAFR)[network]
        self.architecture, self.method, self.seed = architecture or substitute, method, seed
        self.model = f"{title}_{self.architecture}_{method}"
        self.folder = root / self.model / f"seed-{seed}"
        self.title, self.network, self.side, self.n = title, network, side, n
        self.robust = method != "natural"
        self.random = np.random.default_rng([seed, len(self.model), side])
        self.probes: dict[str, dict[str, str]] = {}
        self.recorded: dict[str, tuple[Path, list[dict]]] = {}

    def entry(self) -> dict:
        usual = int((re.findall(r"batch (\d+)", self.method) or [512])[0])
        recipe = {"batch_size": self.batch_size or usual}
        run = {"parameters": self.parameters, "recipe": recipe}
        write_run(self.folder / "run.json", run, self.recorded)
        files = {name: str(self.folder / file) for name, file in FILES.items()}
        return entry(
            self.model,
            {name: path for name, path in files.items() if name in ("run", *self.recorded)},
            self.probes,
            method=self.method,
            seed=self.seed,
            dataset=self.title.lower(),
            dataset_title=self.title,
            architecture=self.architecture,
            architecture_title=TITLES[self.architecture],
            paper_architecture=self.network,
            paper_architecture_title=TITLES[self.network],
            recipe=recipe | {"parts": {}, "recorders": {}},
            trained_with={"batch_size": [recipe["batch_size"], usual]},
        )

    def attacked(self, change=0.0, broken=False) -> "Invented":
        """filtered-attacks; `broken` lets FGSM break more than 20 steps do."""
        sizes = [2 * round(share * self.side / 16) for share in (4, 5, 6, 7, 8)]
        filtered = np.array([-2.0, -0.5, 0, 0, 0]), np.array([2.0, 1.5, 1, 0.5, 0])
        percent = ACCURACY + change
        if broken:
            percent[1 + ATTACKS.index("fgsm")] = 20
        rows = percent[:, None] + np.stack([filtered[0], *[filtered[1]] * len(ATTACKS)])
        hardness = 100 * (np.arange(self.n) + 0.5) / self.n
        correct = (hardness < rows[..., None]).astype(np.uint8)
        table = [
            (f"{attacked(name)};{lowpass(f'{part}-8', self.side)}", "accuracy", 100 * bits.mean(),
             self.n, "percent")
            for name, by_size in zip(["none", *ATTACKS], correct, strict=True)
            for part, bits in zip((4, 5, 6, 7, 8), by_size, strict=True)
        ]  # fmt: skip
        arrays = {"bandwidths": np.array(sizes), "correct": correct}
        return self.write("filtered-attacks", table, arrays, {"attacks": ATTACKS})

    def clean(self, percent=78.0) -> "Invented":
        """pgd-20, the attack's own job."""
        bits = (np.arange(self.n) < percent * self.n / 100).astype(np.uint8)
        rows = [
            (attacked(name), "accuracy", 100 * part.mean(), self.n, "percent")
            for name, part in (("none", bits), ("pgd-20", bits // 2))
        ]
        return self.write("pgd-20", rows, {"correct": bits // 2, "correct_clean": bits}, {})

    def spectra(self, images=12) -> "Invented":
        """input-spectra: natural images fall off quickly, the difference less so."""
        half, side = self.side // 4 * 2, self.side
        away = np.abs(np.mgrid[:side, :side] - side // 2).max(0)
        arrays, rows = {}, []
        for name, top, fall in (
            ("clean", 400, 0.35),
            ("adversarial", 410, 0.33),
            ("difference", 9, 0.15),
        ):
            spectrum = top * np.exp(-fall * away) * self.random.uniform(0.8, 1.2, (side, side))
            inside = spectrum[side // 4 : -side // 4, side // 4 : -side // 4]
            share = (inside**2).sum() / (spectrum**2).sum()
            shares = np.clip(share + 0.01 * self.random.normal(size=images), 0, 1)
            rings = top * np.exp(-fall * np.arange(side // 2 + 1))[:, None]
            arrays[f"spectrum_{name}"] = spectrum.astype(np.float32)
            arrays[f"energy_share_{name}"] = shares.astype(np.float32)
            arrays[f"dc_share_{name}"] = (shares / 4).astype(np.float32)
            arrays[f"amplitude_by_radius_{name}"] = np.repeat(rings, images, 1).astype(np.float32)
            condition = f"attack=pgd-20;shown={name};square={half}"
            rows.append((condition, "energy_share", float(shares.mean()), images, "ratio"))
        return self.write("input-spectra", rows, arrays, {"attack": "pgd-20", "bandwidth": half})

    def kernels(self, probe="first-kernels", channels=3, count=16, all_layers=True) -> "Invented":
        """Kernels of `count` outputs; those of a robust model are smooth and alike in channels."""
        smooth = 0.8 if self.robust else 0.1
        weights = [self._kernels(smooth, channels, count)]
        weights += [self._kernels(smooth, count, count) for _ in range(self.layers - 2)]
        maps = [np.abs(np.fft.fft(each.reshape(len(each), -1))) for each in weights]
        shares = [_high_share(each) for each in maps]
        differences = [np.abs(np.diff(weights[0], axis=axis)).reshape(count, -1) for axis in (2, 3)]
        scale = np.sqrt((weights[0] ** 2).mean((1, 2, 3)))
        arrays = {
            "weights": weights[0],
            "frequency_map": maps[0],
            "high_share": shares[0],
            "high_share_by_layer": np.array([share.mean() for share in shares]),
            "total_variation": np.concatenate(differences, 1).mean(1) / scale,
            "sign_agreement": np.full(count, 0.8 if self.robust else 0.5),
        }
        if all_layers:
            arrays |= {f"frequency_map_{layer}": each for layer, each in enumerate(maps)}
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        condition = f"layer=0;kernels={count}"
        mean = float(arrays["total_variation"].mean())
        rows = [(condition, "total_variation", mean, 0, "ratio")]
        return self.write(probe, rows, arrays, {"layer": "conv1"})

    def similarity(self) -> "Invented":
        """layer-similarity: the layers of a robust model drift apart faster."""
        place = np.arange(self.layers)
        away = np.abs(place[:, None] - place) / self.layers
        cka = np.exp(-(2.2 if self.robust else 0.9) * away).astype(np.float32)
        third = self.layers // 3
        mean = float(cka[:third, -third:].mean())
        rows = [
            (f"attack=pgd-20;estimator={name};batch=100", "shallow_deep_cka", value, 500, "ratio")
            for name, value in (("unbiased", mean), ("biased", mean + 0.1))
        ]
        arrays = {
            "cka": cka,
            "cka_biased": cka,
            "shallow_deep_by_batch": mean + np.float32([-2, -1, 0, 1, 2]) / 50,
        }
        metadata = {"layers": [f"conv{i}" for i in place], "attack": "pgd-20", "batch": 100}
        return self.write("layer-similarity", rows, arrays, metadata)

    def curves(self, epochs=12, recorder="first-activation") -> "Invented":
        """curves.csv with the ratios of the first activation."""
        grown = (5.0 if self.robust else 1.0) * np.arange(1, epochs + 1) / epochs
        ratio = 1 + grown + 0.08 * self.random.normal(size=epochs)
        scales = {
            "per_channel": 1,
            "summed": 0.5,
            "frobenius": 1.1,
            "spectral": 3.2,
            "across_channels": 0.2,
        }
        rows = [
            {
                "epoch": epoch + 1, "recorder": recorder, "split": "train",
                "condition": f"definition={name}", "metric": "low_high_ratio",
                "value": scale * ratio[epoch], "n_images": 512,
            }
            for epoch in range(epochs)
            for name, scale in scales.items()
        ]  # fmt: skip
        self.recorded["curves"] = self.folder / "curves.csv", rows
        return self

    def _kernels(self, smooth: float, inputs: int, outputs: int) -> np.ndarray:
        rows, columns = np.mgrid[-1:2, -1:2]
        slope = self.random.normal(size=(outputs, 1, 2, 1, 1))
        ramp = 1 + slope[:, :, 0] * rows / 2 + slope[:, :, 1] * columns / 2
        return smooth * ramp + (1 - smooth) * self.random.normal(size=(outputs, inputs, 3, 3))

    def write(self, probe, rows, arrays, metadata) -> "Invented":
        """A probe's files: tidy rows (condition, metric, value, images, unit), and arrays."""
        labels = {
            "dataset": self.title, "architecture": self.architecture, "method": self.method,
            "model": self.model, "seed": self.seed, "probe": probe,
        }  # fmt: skip
        csv, file = self.folder / f"{probe}.csv", self.folder / f"{probe}.safetensors"
        rows = [labels | dict(zip(MEASURED, row, strict=True)) for row in rows]
        write_measurement(csv, file, rows, arrays, metadata)
        self.probes[probe] = {"csv": str(csv), "arrays": str(file)}
        return self


def _high_share(amplitudes: np.ndarray) -> np.ndarray:
    length = amplitudes.shape[1]
    middle = [4 * min(i, length - i) >= length for i in range(length)]
    return (amplitudes[:, middle] ** 2).sum(1) / (amplitudes**2).sum(1)


def attacked_models(root: Path, table: int, seeds=(0,), **options) -> list[dict]:
    """Entries of the models of one of the paper's tables; each is a little better than the last."""
    names = list(NETWORKS) if table == 4 else ["resnet20_hardtanh"] * len(METHODS[table])
    return [
        Invented(root, method, seed=seed, network=network, **options)
        .attacked(place / 2 + seed)
        .entry()
        for place, (method, network) in enumerate(zip(METHODS[table], names, strict=True))
        for seed in seeds
    ]
