"""Scores: the quantities that claims are written in, one file per probe.

    score(arrays, *arguments) -> float [N]

`arrays` are what the probe stored for one model and seed, with the names of its attacks as
`attacks` if it has several; those of the probe `history` are the columns of history.csv. N counts
test images, or what else `kind` says. `kind` also tells which probe, in which unit the score is,
and between which values it lies when it comes from right and wrong answers.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from passband.quantities import bandwidth_at
from passband.registry import Registry

SCORES = Registry("score", __name__)

Arrays = Mapping[str, np.ndarray]


class Kind(NamedTuple):
    """Where a score comes from and how it reads.

    unit: "percent", "points" (of percent, for what is a difference already) or "" (pure number).
    words: what a list of scores calls it, e.g. the name of an attack.
    sample: what N counts. Images and batches are the same ones for every model and are compared
    in pairs, kernels are another sample in every model and seed, and training runs are one value
    per seed.
    """

    probe: str
    unit: str = ""
    span: tuple[float, float] | None = None
    words: str = ""
    sample: Literal["images", "batches", "kernels", "training runs"] = "images"


class NotMeasured(Exception):
    """What a claim needs is not among the measurements: a sentence that says what is missing."""


def score(name: str, kind: Kind) -> Callable[[Callable], Callable]:
    """Decorator: register a score under `name` and keep its kind with it."""

    def keep(function: Callable) -> Callable:
        function.kind = kind
        return SCORES.register(name)(function)

    return keep


def bandwidth_of(arrays: Arrays, share: Fraction | str) -> int:
    """A share of the image side as the bandwidth at which the probes measure it."""
    side = int(arrays["bandwidths"][-1]) if "bandwidths" in arrays else len(arrays["error"])
    return bandwidth_at(side, share)


def at(arrays: Arrays, share: Fraction) -> int:
    """Index of the bandwidth that is `share` of the image side; NotMeasured if it is absent."""
    bandwidth = bandwidth_of(arrays, share)
    found = np.flatnonzero(arrays["bandwidths"] == bandwidth)
    if not len(found):
        raise NotMeasured(f"bandwidth {bandwidth} was not measured")
    return int(found[0])
