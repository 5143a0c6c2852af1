"""Accuracies under corruptions and mean corruption errors, with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from passband.figures.load import probe_arrays, probe_metadata
from passband.figures.tables import BEST, FEW, PERCENT
from passband.findings.measured import on_common_images
from passband.intervals.estimates import answers_interval, mean_interval, relative_errors

if TYPE_CHECKING:
    import pandas as pd

CLEAN, MCE, CORRUPTION, B_LOW = "clean", "mCE", "corruption:", "B_low:"  # metrics
RELATIVE = "percent of the reference's error"
ROUNDED = 0.05  # what rounded accuracies can change in an mCE

Answers = Mapping[int, np.ndarray]  # by seed, [1 + K, N] in percent: clean, then each corruption


def answers_of(entries: Sequence[dict], probe: str, order: Sequence[str]) -> Answers:
    """The right answers of a model on clean images and under each corruption, in percent.

    Args:
        entries: one per seed.
        probe: of the corruptions.
        order: the corruptions in the order that is wanted.
    """
    found = {}
    for entry in entries:
        arrays, names = probe_arrays(entry, probe), probe_metadata(entry, probe)["corruptions"]
        rows = [names.index(name) for name in order]
        means = arrays["correct"][rows].mean(1)
        found[entry["seed"]] = 100 * np.concatenate([arrays["correct_clean"][None], means])
    return found


def accuracy_cells(answers: Mapping[str, Answers], metrics: Sequence[str]) -> list[dict]:
    """The accuracies of models and their intervals over images and seeds, row by row.

    Args:
        answers: by method.
        metrics: what the rows of the answers are called.

    Returns:
        method, metric, value, ci_low, ci_high, n_images, unit, format and rank: BEST where the
        interval of the paired difference to the next best excludes zero.
    """
    cells = []
    for place, metric in enumerate(metrics):
        here = {
            method: {seed: one[place] for seed, one in seeds.items()}
            for method, seeds in answers.items()
        }
        best = _best(here)
        for method, seeds in here.items():
            interval = answers_interval(np.stack([*seeds.values()]))
            cells.append(_cell(method, metric, interval, PERCENT, BEST if method == best else ""))
    return cells


def error_cells(answers: Mapping[str, Answers], reference: str) -> list[dict]:
    """The mean corruption errors of models, as `accuracy_cells`; none if the reference makes no
    error under some corruption."""
    cells = []
    for method, seeds in answers.items():
        pair = on_common_images([seeds, answers[reference]])
        try:
            scores = relative_errors(*(100 - one[:, 1:] for one in pair))
        except ValueError:
            return []
        interval = mean_interval(scores)
        if interval.n < FEW:  # few answers may all agree, which says nothing of others
            interval = interval._replace(low=np.nan, high=np.nan)
        cells.append(_cell(method, MCE, interval, RELATIVE, ""))
    return cells


def recomputed_errors(table: "pd.DataFrame", reference: str) -> dict[str, float]:
    """The mean corruption errors that follow from printed accuracies, by method.

    Only of methods that the table has with all the corruptions of the reference.

    Args:
        table: rows of `passband.printed.read_printed`.
        reference: the method that errors are relative to.
    """
    rows = table[table["metric"].str.startswith(CORRUPTION)]
    errors = 100 - rows.pivot_table(index="metric", columns="method", values="value")
    if reference not in errors:
        return {}
    ratios = errors.div(errors[reference], axis=0).dropna(axis=1)
    return (100 * ratios.mean()).to_dict()


def _cell(method: str, metric: str, interval, unit: str, rank: str) -> dict:
    return {
        "method": method, "metric": metric, "value": interval.effect, "ci_low": interval.low,
        "ci_high": interval.high, "n_images": interval.n, "unit": unit, "format": ".1f",
        "rank": rank,
    }  # fmt: skip


def _best(answers: Mapping[str, Answers]) -> str:
    """The method of the highest accuracy, if it is certainly above the next; else empty."""
    means = {method: np.mean([*seeds.values()]) for method, seeds in answers.items()}
    first, *others = sorted(means, key=lambda method: -means[method])
    if not others:
        return ""
    better, worse = on_common_images([answers[first], answers[others[0]]])
    return first if mean_interval(better - worse, span=(-100, 100)).low > 0 else ""
