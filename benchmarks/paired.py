"""What the benchmarks share: arms that are timed in turns, and a network to time them on."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from torch import nn

from passband import models
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import ImageSet, load
from passband.training.engine import train


def forth_and_back(arms: Mapping[str, Callable[[], float]], blocks: int) -> dict[str, np.ndarray]:
    """What each arm returns [blocks, 2], its seconds; a block runs all arms forth and back."""
    times = {name: [] for name in arms}
    for block in range(blocks):
        found = {name: [] for name in arms}
        for name in [*arms, *reversed(arms)]:
            found[name].append(arms[name]())
        for name, pair in found.items():
            times[name].append(pair)
        print(f"block {block + 1} of {blocks}", file=sys.stderr, flush=True)
    return {name: np.array(pairs) for name, pairs in times.items()}


def warmed_up(
    folder: Path, architecture: str, recipe: dict, compute: Compute
) -> tuple[nn.Module, ImageSet, ImageSet]:
    """A network after a short training on the embedded sample; training and test images."""
    prepare("fashion-mnist-sample", folder / "data")
    training, test = (load(folder / "data", split) for split in ("train", "test"))
    channels, side = training.images.shape[1:3]
    model = models.build(architecture, channels, len(training.classes), side, seed=0)
    few = training._replace(images=training.images[:4000], labels=training.labels[:4000])
    train(
        recipe,
        few,
        model,
        name="warm-up",
        seed=0,
        data_sha256="",
        compute=compute,
        checkpoint=folder / "state",
    )
    return model, training, test
