"""Recorders: measurements repeated after each epoch of a training, one function each.

    recorder(subject, **keys) -> list of Row

A recipe lists them by a name of its own; their rows go to curves.csv. They must leave the model as
it is, and nothing that they measure selects an epoch.
"""

from typing import NamedTuple

from torch import nn

from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.registry import Registry

RECORDERS = Registry("recorder", __name__)


class Subject(NamedTuple):
    """A model in training with its images on its device.

    train: the images that it is trained on, without those held out. test: the test split, where a
    recorder asks for it.
    """

    model: nn.Module
    train: ImageSet
    test: ImageSet | None
    compute: Compute


class Row(NamedTuple):
    """One value of a curve; `condition` is key=value pairs joined by ";", "" for none."""

    split: str
    condition: str
    metric: str
    value: float
    n_images: int
