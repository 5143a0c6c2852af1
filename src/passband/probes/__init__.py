"""Probes: measurements of a trained model, one file each.

    probe(subject, **constants) -> Measurement

A probe whose task is not classification is registered with its `task`, and one that asks for the
recipe of the model with `recipe=True`. It returns per-image arrays (what findings and figures read)
and summary rows (what tables and people read). An argument named `attack` asks for that attack's
stored perturbations; attacks in `attacks` are run by the probe itself. An argument named
`corruptions` asks for corrupted versions of the images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor, nn

from passband.compute import Compute
from passband.data.storage import CorruptedImages
from passband.registry import Registry

PROBES = Registry("probe", __name__)


@dataclass(frozen=True)
class Subject:
    """A frozen model and the test images that it is measured on.

    images uint8 [N, C, H, W] and labels int64 [N] on the device; perturbation float32
    [N, C, H, W] if the probe names an attack. `trained` is the same network as it was trained, in
    eval mode: its batch normalisation is not folded into the convolutions. input_filter: the
    resolved options of this part of its recipe; empty without one. recipe: the whole resolved
    recipe, for probes that ask for it. corrupted: corrupted versions of the images, if the probe
    asks for them and they are stored.

    For a detector, images, labels float32 [N, K, 6] and sizes int64 [N, 2] are those of
    `passband.data.storage.SceneSet`, on the CPU.
    """

    model: nn.Module
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    seed: int
    compute: Compute
    perturbation: Tensor | None = None
    trained: nn.Module | None = None
    input_filter: Mapping[str, object] = field(default_factory=dict)
    sizes: Tensor | None = None
    corrupted: CorruptedImages | None = None
    recipe: Mapping[str, object] = field(default_factory=dict)

    @property
    def side(self) -> int:
        """Height and width of the images in pixels."""
        return self.images.shape[-1]

    def first(self, count: int) -> "Subject":
        """The same subject on its first `count` images."""
        noise = None if self.perturbation is None else self.perturbation[:count]
        sizes = None if self.sizes is None else self.sizes[:count]
        images, labels = self.images[:count], self.labels[:count]
        return replace(self, images=images, labels=labels, perturbation=noise, sizes=sizes)


@dataclass
class Measurement:
    """Named arrays, and one row (condition, metric, value, n_images, unit) per summary value."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    rows: list[tuple[str, str, float, int, str]] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)

    def accuracy(self, condition: str, correct: np.ndarray) -> None:
        """Add the row of an accuracy in percent from per-image results (0 or 1) [N]."""
        self.rows.append(
            (condition, "accuracy", 100 * float(correct.mean()), len(correct), "percent")
        )


def stored(tensor: Tensor) -> np.ndarray:
    """A tensor as an array to store; bool becomes uint8."""
    array = tensor.detach().cpu().numpy()
    return array.astype(np.uint8) if array.dtype == bool else array
