"""Invented detections on images and on their components, in the shapes that the probe writes."""

from pathlib import Path

import numpy as np
from invented_artifacts import entry

from passband.measurements import LABELS, MEASURED, write_measurement

CLASSES = ["Trouser", "Ankle boot"]
CONDITIONS = [
    "filter=none",
    "filter=disc-low-1-5;shape=disc;keep=low;radius=22;inclusive=False",
    "filter=disc-high-1-5;shape=disc;keep=high;radius=22;inclusive=False",
]
PRECISION = [(64.0, 79.0), (31.0, 41.0), (9.0, 14.0)]  # mAP and AP50
IMAGES = 150
GAINS = np.array([-0.6, -0.5, -0.4, 0.0, 0.3, 0.2, 0.1, -0.1])  # worse, then better


def detector(root: Path, seed: int = 0, sizes: tuple[int, int] = (48, 48)) -> dict:
    """The entry of a detector of scenes of two classes."""
    model = "fashion-scenes-sample_retinanet_small_detector"
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 1, (3, IMAGES)).astype(np.float32) * [[0.9], [0.6], [0.2]]
    named = ("Fashion scenes sample", "retinanet_small", "RetinaNet", model, seed, "detection")
    rows = []
    for place, condition in enumerate(CONDITIONS):
        for metric, value in zip(("mAP", "AP50"), PRECISION[place], strict=True):
            rows.append((condition, metric, value + seed, IMAGES + 10, "percent"))
        rows.append((condition, "score", scores[place].mean(), IMAGES, "ratio"))
        if place:
            better = 100 * (scores[place] > scores[0]).mean()
            rows.append((condition, "recognised_better", better, IMAGES, "percent"))
    labels = dict(zip(LABELS, named, strict=True))
    folder = root / model / f"seed-{seed}"
    paths = {"csv": folder / "detection.csv", "arrays": folder / "detection.safetensors"}
    write_measurement(
        *paths.values(),
        [labels | dict(zip(MEASURED, row, strict=True)) for row in rows],
        {"scores": scores.astype(np.float32), "image_numbers": np.arange(IMAGES)}
        | examples(random, sizes),
        {"classes": CLASSES, "filter": "disc-low-1-5"},
    )
    return entry(
        model,
        {},
        {"detection": {kind: str(path) for kind, path in paths.items()}},
        paper="hfc",
        method="RetinaNet",
        seed=seed,
        dataset="fashion-scenes-sample",
        dataset_title="Fashion scenes sample",
        paper_dataset="coco-val2017",
        paper_dataset_title="COCO",
        architecture="retinanet_small",
        architecture_title="RetinaNet (small)",
        paper_architecture="retinanet_resnet50_fpn",
        paper_architecture_title="RetinaNet (ResNet-50-FPN)",
    )


def examples(random: np.random.Generator, sizes: tuple[int, int]) -> dict[str, np.ndarray]:
    """Four images that are worse on their component and four that are better, one of them not."""
    count = len(GAINS)
    found = np.full((2, count, 10, 6), -1, np.float32)
    found[:, :, 0] = [6, 20, 26, 40, 1, 0.9]
    found[:, :, 1] = [30, 5, 44, 30, 0, 0.1]
    objects = np.full((count, 2, 6), -1, np.float32)
    objects[:, 0] = [5, 20, 25, 40, 1, 0]
    return {
        "example_numbers": np.arange(count),
        "example_gains": GAINS.astype(np.float32),
        "example_images": random.integers(0, 256, (2, count, 1, 48, 48)).astype(np.uint8),
        "example_sizes": np.tile(sizes, (count, 1)),
        "example_objects": objects,
        "example_detections": found,
    }
