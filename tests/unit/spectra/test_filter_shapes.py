"""A filter shape is one function: registered here, it works wherever filters do."""

from collections.abc import Iterator
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from passband.compute import Compute
from passband.options import FilterSize
from passband.probes import PROBES, Subject
from passband.spectra.filters import FILTERS, apply, describe, size_of

LOW = {"name": "diamond-4", "shape": "diamond", "keep": "low", "radius": 4}
HIGH = LOW | {"name": "diamond-4-rest", "keep": "high"}


def diamond(images: Tensor, *, keep: Literal["low", "high"], radius: FilterSize) -> Tensor:
    """Keep the frequencies within a distance of the DC component, or all others.

    Args:
        keep: `low` for the diamond, `high` for what is outside of it.
        radius: largest sum of both frequencies that is inside.
    """
    side = images.shape[-1]
    signed = torch.fft.fftfreq(side, 1 / side)
    inside = signed[:, None].abs() + signed.abs() <= radius
    spectrum = torch.fft.fft2(images) * (inside if keep == "low" else ~inside)
    return torch.fft.ifft2(spectrum).real


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The diamond among the shapes, for one test."""
    FILTERS.names()
    monkeypatch.setattr(FILTERS, "_functions", dict(FILTERS._functions))
    monkeypatch.setattr(FILTERS, "_settings", dict(FILTERS._settings))
    FILTERS.register("diamond", size="radius")(diamond)


def waves(*frequencies: tuple[int, int], side: int = 32) -> Tensor:
    """One plane wave [1, side, side] for each (row, column) frequency."""
    position = 2 * torch.pi * torch.arange(side) / side
    return torch.stack(
        [
            torch.cos(row * position[:, None] + column * position)[None]
            for row, column in frequencies
        ]
    )


def test_low_and_high_add_up_to_the_image():
    images = torch.rand(4, 3, 32, 32, dtype=torch.float64)
    together = apply(LOW, images) + apply(HIGH, images)
    torch.testing.assert_close(together, images, atol=1e-12, rtol=0)


def test_the_diamond_is_no_disc():
    images = waves((0, 4), (2, 2), (2, 3), (0, 5))
    kept = apply(LOW, images).flatten(1).norm(dim=1) / images.flatten(1).norm(dim=1)
    torch.testing.assert_close(kept, torch.tensor([1.0, 1, 0, 0]), atol=1e-5, rtol=0)


def test_size_and_condition_follow_from_the_registration():
    assert size_of(LOW | {"radius": "1/8"}, 28) == 4  # 3.5, rounded to a whole number, not even
    assert size_of(LOW | {"radius": "3/32"}, 32) == 3
    assert describe(HIGH, 32) == "filter=diamond-4-rest;shape=diamond;keep=high;radius=4"


class Loud(nn.Module):
    """Says class 1 where an image varies."""

    def forward(self, images: Tensor) -> Tensor:
        varies = images.std((1, 2, 3)) - 0.1
        return torch.stack([torch.zeros_like(varies), varies], 1)


def test_probes_measure_behind_it():
    images = (255 * (0.5 + 0.4 * waves((0, 2), (0, 6), (1, 1)))).round().byte()
    compute = Compute(torch.device("cpu"), torch.float32)
    labels = torch.ones(3, dtype=torch.int64)
    given = Subject(Loud(), images, labels, ("flat", "varies"), 0, compute)
    found = PROBES["filtered_accuracy"](given, filters=[LOW, HIGH])
    assert found.arrays["correct"].tolist() == [[1, 0, 1], [0, 1, 0]]
    assert found.arrays["bandwidths"].tolist() == [4, 4]
    assert [row[0] for row in found.rows] == [
        "filter=diamond-4;shape=diamond;keep=low;radius=4",
        "filter=diamond-4-rest;shape=diamond;keep=high;radius=4",
    ]


@pytest.mark.parametrize("shape, size", [("square", "bandwidth"), ("disc", "radius")])
def test_no_images_are_filtered_to_none(shape, size):
    row = {"name": "low", "shape": shape, "keep": "low", size: 4}
    assert apply(row, torch.zeros(0, 3, 8, 8)).shape == (0, 3, 8, 8)
