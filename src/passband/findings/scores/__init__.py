"""Scores: the quantities that claims are written in, one file per kind of measurement.

    function(arrays, *arguments, **constants) -> float [N]

`arrays` are what a probe stored for one model and seed, with the names of its attacks as
`attacks` and of its corruptions as `corruptions` if it has several; those of a training are its
curves, "<recorder>|<condition>|<metric>", and the columns of its history. Positional arguments are
written in the claims, keyword arguments in the rows of config/scores.yaml, which name the
measurement that a score reads.

A function is registered with these settings. probe: the probe function whose arrays it reads,
`attack` for the accuracy under one attack, `training` for a training run. unit: percent, points
(of percent, for what is a difference already) or nothing. span: smallest and largest value, of
scores that come from right and wrong answers; COUNT stands for N. sample: what N counts. Images
(the default) and batches are the same ones for every model and are compared in pairs, kernels and
blocks (of timed training steps) are another sample in every model and seed, and training runs are
one value per seed. attacked: whether it is an accuracy under attack, which false robustness would
raise; not where a claim's attack is CLEAN.
"""

import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from passband.errors import UserError
from passband.quantities import size_at
from passband.registry import Registry

SCORES = Registry("score function", __name__)

Arrays = Mapping[str, np.ndarray]

CLEAN = "clean"
COUNT = "count"


class Score(NamedTuple):
    """A row of config/scores.yaml with its function.

    name: of the row. kind: name of the function. probe: the measurement that it reads. reads: what
    sentences call it, e.g. an attack; may be empty. printed: the metric of the papers' tables that
    it is, if it is one. constants: the function's keyword arguments. unit, span, sample, attacked:
    see the module.
    """

    name: str
    kind: str
    probe: str
    reads: str
    printed: str
    constants: Mapping[str, object]
    unit: str = ""
    span: tuple[float, float | str] | None = None
    sample: str = "images"
    attacked: bool = False

    @property
    def function(self) -> Callable[..., np.ndarray]:
        """The registered function."""
        return SCORES[self.kind]

    @property
    def arguments(self) -> list[inspect.Parameter]:
        """What a claim gives beside the model."""
        return _arguments(self.function)

    @property
    def measurement(self) -> str:
        """What has to be measured: the probe, or "training:<recorder>"."""
        recorder = self.constants.get("recorder")
        return f"{self.probe}:{recorder}" if recorder else self.probe

    def values(self, arrays: Arrays, arguments: tuple[Fraction | str, ...] = ()) -> np.ndarray:
        """The score of each image, or of what else is sampled [N]."""
        return self.function(arrays, *arguments, **self.constants)


@cache
def _arguments(function: Callable) -> list[inspect.Parameter]:
    parameters = inspect.signature(function).parameters.values()
    return [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD][1:]


ROW = {"score", "probe", "reads", "printed"}


def read_scores(rows: Mapping[str, Mapping]) -> dict[str, Score]:
    """The scores of config/scores.yaml; UserError for a row without its function or its probe."""
    return {name: _read(name, row) for name, row in rows.items()}


def _read(name: str, row: Mapping) -> Score:
    for key in ("score", "probe"):
        if key not in row:
            raise UserError(f"score '{name}' lacks the key '{key}'; add it.")
    settings = SCORES.settings(row["score"])
    return Score(
        name,
        row["score"],
        row["probe"],
        row.get("reads", ""),
        row.get("printed", ""),
        {key: value for key, value in row.items() if key not in ROW},
        **{key: value for key, value in settings.items() if key != "probe"},
    )


class NotMeasured(Exception):
    """What a claim needs is not among the measurements: a sentence that says what is missing."""


def bandwidth_of(arrays: Arrays, share: Fraction | str) -> int:
    """A share of the image side as the bandwidth at which the probes measure it."""
    sizes = [values for name, values in arrays.items() if name.startswith("bandwidths")]
    side = int(sizes[0].max()) if sizes else len(arrays["error"])
    return size_at(side, share, step=2)


def at(arrays: Arrays, share: Fraction, bandwidths: str = "bandwidths") -> int:
    """Index of the bandwidth that is `share` of the image side; NotMeasured if it is absent."""
    bandwidth = bandwidth_of(arrays, share)
    found = np.flatnonzero(arrays[bandwidths] == bandwidth)
    if not len(found):
        raise NotMeasured(f"bandwidth {bandwidth} was not measured")
    return int(found[0])
