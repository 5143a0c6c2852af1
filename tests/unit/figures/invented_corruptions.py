"""Invented answers under corruptions, as their probe writes them."""

from pathlib import Path

import numpy as np
from invented_networks import Invented

NETWORK = "preact_resnet18_plain_end"
NAMES = ["fog", "frost", "gaussian_noise", "saturate"]
TITLES = ["Fog", "Frost", "Gaussian noise", "Saturate"]
SOURCES = dict.fromkeys(NAMES, "generated") | {"frost": "generated with procedural frost"}
BIAS = [[12.0, 13.0], [10.0, 11.0], [3.5, 3.7], [14.0, 15.0]]  # by corruption and severity
CLEAN = {"natural": 93, "JaFR": 93, "PGD-AT": 79}
ACCURACY = {  # percent, by corruption and severity
    "natural": [[90, 80], [85, 65], [60, 40], [93, 85]],
    "JaFR": [[90, 82], [85, 75], [70, 50], [93, 85]],
    "PGD-AT": [[70, 40], [75, 65], [78, 74], [78, 74]],
}


def corrupted_model(root: Path, method: str, *, seed: int = 0, n: int = 200) -> dict:
    """An entry of a model of which exactly these shares of the images are right."""
    network = Invented(root, method, seed=seed, network=NETWORK, n=n)
    hardness = 100 * (np.arange(n) + 0.5) / n

    def right(percent) -> np.ndarray:
        return (hardness < np.asarray(percent)[..., None]).astype(np.uint8)

    correct, clean = right(ACCURACY[method]), right(CLEAN[method])
    rows = [("corruption=none", "accuracy", 100 * clean.mean(), n, "percent")]
    rows += [
        (
            f"corruption={name};severity={severity};images={SOURCES[name]}",
            *("accuracy", 100 * correct[row, column].mean(), n, "percent"),
        )
        for row, name in enumerate(NAMES)
        for column, severity in enumerate((1, 5))
    ]
    arrays = {
        "correct": correct, "correct_clean": clean, "severities": np.array([1, 5]),
        "change_bias": np.array(BIAS, np.float32),
    }  # fmt: skip
    told = {"corruptions": NAMES, "titles": TITLES, "sources": SOURCES}
    network.write("corruptions", rows, arrays, told)
    return network.entry()
