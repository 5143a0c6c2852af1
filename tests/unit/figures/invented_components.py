"""Invented predictions for low and high components, as their probe writes them."""

from pathlib import Path

import numpy as np
from invented_images import CLASSES
from invented_networks import Invented

RADII = (4, 8, 12, 16)
SHAPES = {"disc": "disc", "svd": "svd_energy_of_disc"}


def components(root: Path, method: str = "natural", count: int = 12, **options) -> dict:
    """An entry of a model on which `count` images follow their high component with the disc of
    radius 4, fewer with larger ones and a third as many with singular values."""
    network = Invented(root, method, **options)
    side, n = network.side, network.n
    labels = np.arange(n) % len(CLASSES)
    arrays, rows, described = {"labels": labels, "predicted": labels}, [], {}
    for name, shape in SHAPES.items():
        for radius in RADII:
            low = f"{name}-low-{radius}"
            following = max(0, count - radius + 4) // (1 if name == "disc" else 3)
            follows = (np.arange(n) < following).astype(np.uint8)
            chosen = np.flatnonzero(follows)[:8]
            images = network.random.random((len(chosen), 1, side, side), dtype=np.float32)
            high = 0.3 * (images - images.mean((2, 3), keepdims=True))
            arrays |= {
                f"predicted_low_{low}": np.where(follows, (labels + 1) % 10, labels),
                f"predicted_high_{low}": labels,
                f"follows_high_{low}": follows,
                f"energy_low_{low}": np.full(n, 0.9, np.float32),
                f"indices_{low}": chosen,
                f"images_{low}": images,
                f"low_{low}": images - high,
                f"high_{low}": high,
            }
            size = f"radius={radius};inclusive=False"
            described[low] = f"filter={low};shape={shape};keep=low;{size}"
            condition = f"components={low}+{name}-high-{radius};shape={shape};{size}"
            rows += [
                (condition, "images_following_high", following, n, "images"),
                (condition, "follows_high", 100 * following / n, n, "percent"),
            ]
    metadata = {"classes": CLASSES, "filters": described}
    return network.write("components", rows, arrays, metadata).entry()
