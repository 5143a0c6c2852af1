"""What a scale measured, grouped by data set, and the contrasts that claims take from it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from passband.files import read_arrays
from passband.findings.contrast import MODEL_WORDS, Contrast, Term
from passband.findings.scores import SCORES, NotMeasured, bandwidth_of
from passband.findings.statistics import LEVEL, Interval, mean_interval

Value = TypeVar("Value")


@dataclass(frozen=True)
class Group:
    """The models measured on one data set.

    stands_in: the data set takes the place of those that the claim names.
    arrays: method -> seed -> probe -> path of what it stored.
    """

    dataset: str
    title: str
    stands_in: bool
    arrays: Mapping[str, Mapping[int, Mapping[str, str]]]

    @property
    def where(self) -> str:
        """The data set as reasons name it."""
        return f"{self.title} (in place of the paper's data)" if self.stands_in else self.title

    def read(self, method: str, probe: str) -> dict[int, dict[str, np.ndarray]]:
        """Arrays that a probe stored for each seed of a model; NotMeasured if there are none."""
        seeds = {}
        for seed, paths in self.arrays.get(method, {}).items():
            if probe in paths and Path(paths[probe]).is_file():
                seeds[seed] = read_arrays(paths[probe])
        if not seeds:
            name = MODEL_WORDS.get(method, method)
            raise NotMeasured(f"the {name} has no measurement '{probe}' on {self.title}")
        return seeds

    def scores(self, term: Term) -> dict[int, np.ndarray]:
        """Per-image scores [N] of one term for each seed, without its factor."""
        function = SCORES[term.score]
        arrays = self.read(term.method, function.kind.probe)
        return {seed: function(one, *term.arguments) for seed, one in arrays.items()}

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """Interval of the mean of a contrast, paired over the images and the common seeds."""
        stacks = on_common_seeds([self.scores(term) for term in contrast.terms], np.stack)
        if len({stack.shape for stack in stacks}) > 1:
            raise NotMeasured(f"the scores come from different numbers of images of {self.title}")
        total = sum(term.factor * stack for term, stack in zip(contrast.terms, stacks, strict=True))
        try:
            return mean_interval(total + contrast.constant, span_of(contrast), level)
        except ValueError as error:
            raise NotMeasured(f"{error} on {self.title}") from None

    def bandwidth(self, contrast: Contrast, share: str) -> int:
        """The bandwidth in this data set's images that a share of the side stands for."""
        first = contrast.terms[0]
        arrays = self.read(first.method, SCORES[first.score].kind.probe)
        return bandwidth_of(next(iter(arrays.values())), share)


def groups_for(
    paper: str, datasets: Collection[str], transfers: bool, models: Sequence[Mapping]
) -> list[Group]:
    """The measured data sets that a claim of `paper` about `datasets` is judged on.

    These are the claim's own data sets and, if it transfers, those that stand in for them at this
    scale. A claim that does not transfer needs all of its own; NotMeasured names what is missing.
    """
    own = [entry for entry in models if entry["dataset"] in datasets]
    missing = [name for name in datasets if name not in {entry["dataset"] for entry in own}]
    if not transfers and missing:
        raise NotMeasured(f"the claim needs {_listed(missing, models)}, which is not measured")
    substitutes = [
        entry
        for entry in models
        if entry["dataset"] != entry["paper_dataset"] and entry["dataset"] not in datasets
    ]
    named = [entry for entry in substitutes if entry["paper_dataset"] in missing]
    chosen = own + (named or ([] if own else substitutes)) if transfers else own
    if not chosen:
        raise NotMeasured(f"no model is measured on {_listed(datasets, models)}, nor on a stand-in")
    return [
        _group(paper, name, name not in datasets, models)
        for name in dict.fromkeys(entry["dataset"] for entry in chosen)
    ]


def on_common_seeds(
    per_seed: Sequence[Mapping[int, Value]], join: Callable[[list[Value]], np.ndarray]
) -> list[np.ndarray]:
    """Join each model's values over the seeds that all of them have, in order of the seeds."""
    seeds = sorted(set.intersection(*(set(values) for values in per_seed)))
    if not seeds:
        raise NotMeasured("the models that the claim compares have no seed in common")
    return [join([values[seed] for seed in seeds]) for values in per_seed]


def span_of(contrast: Contrast) -> tuple[float, float] | None:
    """Smallest and largest value of a contrast of right and wrong answers, else None."""
    spans = [SCORES[term.score].kind.span for term in contrast.terms]
    if None in spans:
        return None
    ends = [
        sorted((term.factor * low, term.factor * high))
        for term, (low, high) in zip(contrast.terms, spans, strict=True)
    ]
    low, high = (contrast.constant + sum(end) for end in zip(*ends, strict=True))
    return low, high


def _listed(datasets: Collection[str], models: Sequence[Mapping]) -> str:
    titles = {entry["paper_dataset"]: entry["paper_dataset_title"] for entry in models}
    *first, last = (titles.get(name, name) for name in datasets)
    return f"{', '.join(first)} and {last}" if first else last


def _group(paper: str, dataset: str, stands_in: bool, models: Sequence[Mapping]) -> Group:
    """One model per method, the paper's own before another's; entries of one model add up."""
    here = [entry for entry in models if entry["dataset"] == dataset]
    here.sort(key=lambda entry: not entry["slug"].startswith(f"{paper}-"))
    chosen = {entry["method"]: entry["model"] for entry in reversed(here)}
    runs: dict[str, dict[int, dict[str, str]]] = {}
    for entry in here:
        if entry["model"] == chosen[entry["method"]]:
            arrays = {probe: paths["arrays"] for probe, paths in entry["probes"].items()}
            runs.setdefault(entry["method"], {}).setdefault(entry["seed"], {}).update(arrays)
    return Group(dataset, here[0]["dataset_title"], stands_in, runs)
