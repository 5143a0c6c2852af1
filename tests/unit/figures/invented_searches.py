"""Invented smallest perturbations, as their probe writes them."""

from pathlib import Path

import numpy as np
from invented_artifacts import content
from invented_networks import Invented

EPSILONS = (0.03, 0.06, 0.09)
SEARCHES = {"min-fgsm": "fgsm-{}-100", "min-pgd": "pgd-40-{}-100"}


def searched(root: Path, method: str = "natural", gap: float = 0, **options) -> dict:
    """An entry of a model of whose images four in five are right and a tenth cannot be fooled.

    The others are fooled evenly between 0 and 0.2, by PGD at half of that; attacks of a fixed
    epsilon leave a share `gap` more of all images right.
    """
    network = Invented(root, method, **options)
    place = (np.arange(network.n) + 0.5) / network.n
    smallest = np.where(place < 0.2, 0, 0.2 * (place - 0.2) / 0.7)
    smallest = np.where(place > 0.9, np.inf, smallest).astype(np.float32)
    clean = (place >= 0.2).astype(np.uint8)
    rows = [("attack=none", "accuracy", 100 * clean.mean(), network.n, "percent")]
    arrays, correct, names = {"correct_clean": clean}, [], []
    for search, fixed in SEARCHES.items():
        scale = 1 if search == "min-fgsm" else 0.5
        arrays[f"minimal_epsilon_{search}"] = scale * smallest
        for epsilon in EPSILONS:
            percent = 100 * np.mean(scale * smallest > epsilon)
            condition = f"attack={search};steps=40;epsilon={epsilon:.6g}"
            rows.append((condition, "accuracy", percent, network.n, "percent"))
        for epsilon in EPSILONS:
            names.append(fixed.format(round(100 * epsilon)))
            standing = (scale * smallest > epsilon) | (place > 0.9 - gap)
            correct.append((standing & (clean > 0)).astype(np.uint8))
            condition = f"attack={names[-1]};epsilon={epsilon:.6g}"
            rows.append((condition, "accuracy", 100 * correct[-1].mean(), network.n, "percent"))
    assert {*SEARCHES, *names} == set(content("probes.yaml")["minimal-epsilon"]["attacks"])
    arrays["correct"] = np.stack(correct)
    entry = network.write("minimal-epsilon", rows, arrays, {"attacks": names}).entry()
    return entry | {"paper": "hfc", "paper_architecture_title": "ResNet-18 (hfc)"}
