"""Invented Jacobians and their spectra, as their probe writes them."""

from pathlib import Path

import numpy as np
from invented_images import CLASSES
from invented_networks import Invented

NETWORK = "preact_resnet18_plain_end"
BIASES = {0: 1.5, 0.001: 16.7, 0.01: 25.0}  # by weight of the regulariser
EXAMPLES = 4


def differentiated(root: Path, method: str, weight: float = 0, *, seed: int = 0) -> dict:
    """An entry of a model whose bias is that of its weight, of 40 images; clean accuracy and that
    under corruptions fall with the weight."""
    network = Invented(root, method, seed=seed, network=NETWORK, n=40)
    random, half = network.random, network.side // 2 + 1
    plane = 1 / (1 + np.hypot(*np.mgrid[:half, :half]))
    bias = BIASES[weight] + seed + random.normal(size=network.n)
    arrays = {
        "spectrum": plane ** (weight > 0),
        "spectrum_images": 100 * plane,
        "bias": bias - bias.mean() + BIASES[weight] + seed,
        "bias_images": 17 + random.normal(size=network.n),
        "alignment": random.uniform(0, 0.1, network.n),
        "jacobians": random.normal(size=(EXAMPLES, 3, network.side, network.side)),
    }
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    shape = (EXAMPLES, 3, network.side, network.side)
    arrays["images"] = random.integers(0, 256, shape).astype(np.uint8)
    arrays["labels"] = np.arange(EXAMPLES)
    rows = [("of=images", "low_frequency_bias", 17.0, network.n, "log")]
    network.write("jacobian-spectrum", rows, arrays, {"classes": CLASSES})

    right = (np.arange(network.n) < 36 - 100 * weight).astype(np.uint8)
    rows = [("attack=none", "accuracy", 100 * right.mean(), network.n, "percent")]
    network.write("fgsm", rows, {"correct": 0 * right, "correct_clean": right}, {})
    some = np.broadcast_to(right, (2, 3, network.n)).copy()
    some[1] = 0
    rows = [("corruption=fog;severity=1", "accuracy", 50.0, network.n, "percent")]
    network.write("corruptions", rows, {"correct": some}, {"corruptions": ["fog", "snow"]})
    found = network.entry()
    parts = {"jacobian_bias": {"weight": weight}} if weight else {}
    recipe = {
        "epochs": 30, "batch_size": 128, "parts": parts, "schedule": {"kind": "steps"},
        "augmentation": {"pad": 4, "flip": True}, "optimizer": {"kind": "sgd", "momentum": 0.9},
    }  # fmt: skip
    return found | {"recipe": found["recipe"] | recipe}
