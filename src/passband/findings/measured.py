"""What a scale measured, grouped by data set and network, and the contrasts that claims take."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from passband.files import read_arrays, read_metadata
from passband.findings.contrast import MODEL_WORDS, Contrast, Term
from passband.findings.scores import SCORES, NotMeasured, bandwidth_of
from passband.findings.statistics import (
    LEVEL,
    Interval,
    combination,
    mean_interval,
    sample_interval,
)


class Paper(NamedTuple):
    """The networks that a paper's claims are about if they name none, and how the slugs of its
    models begin."""

    usual: tuple[str, ...]
    slugs: str


PAPERS = {
    "fourier_study": Paper(("resnet20",), "fs-"),
    "sar": Paper(("resnet18",), "sar-"),
}
TITLES = {"mobilenet_v2": "MobileNet-V2", "efficientnet_b0": "EfficientNet"}


@dataclass(frozen=True)
class Group:
    """The models of one architecture, measured on one data set.

    stands_in: the data set takes the place of those that the claim names.
    arrays: method -> seed -> probe -> path of what it stored.
    network: the architecture in words. names_network: whether reasons name it, since the claim is
    judged on several.
    network_stands_in: the architecture takes the place of one that the claim names.
    """

    dataset: str
    title: str
    stands_in: bool
    arrays: Mapping[str, Mapping[int, Mapping[str, str]]]
    network: str
    names_network: bool = False
    network_stands_in: bool = False

    @property
    def where(self) -> str:
        """The data set as reasons name it, with the network if there are several."""
        place = f"{self.title} with {self.network}" if self.names_network else self.title
        stand_ins = {"data": self.stands_in, "network": self.network_stands_in}
        replaced = " and ".join(name for name, replaces in stand_ins.items() if replaces)
        return f"{place} (in place of the paper's {replaced})" if replaced else place

    def read(self, method: str, probe: str) -> dict[int, dict[str, np.ndarray]]:
        """Arrays that a probe stored for each seed of a model; NotMeasured if there are none."""
        seeds = {}
        for seed, paths in self.arrays.get(method, {}).items():
            if probe in paths and Path(paths[probe]).is_file():
                seeds[seed] = _stored(paths[probe])
        if not seeds:
            name = model_words(method)
            raise NotMeasured(f"the {name} has no measurement '{probe}' on {self.title}")
        return seeds

    def joined(self, others: Sequence["Group"]) -> "Group":
        """The models of several networks on one data set, each as "METHOD with NETWORK"."""
        arrays = {
            f"{method} with {group.network}": seeds
            for group in (self, *others)
            for method, seeds in group.arrays.items()
        }
        return replace(self, arrays=arrays, names_network=False)

    def scores(self, term: Term) -> dict[int, np.ndarray]:
        """Scores [N] of one term for each seed, without its factor."""
        function = SCORES[term.score]
        arrays = self.read(term.method, function.kind.probe)
        return {seed: function(one, *term.arguments) for seed, one in arrays.items()}

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """Interval of the mean of a contrast, paired over the common images or batches and seeds;
        kernels are independent samples, and training runs are paired by seed."""
        scores = [self.scores(term) for term in contrast.terms]
        try:
            if sample_of(contrast) == "kernels":
                alone = [sample_interval(list(seeds.values()), level) for seeds in scores]
                sums = combination([term.factor for term in contrast.terms], alone)
                effect, low, high = (value + contrast.constant for value in sums[:3])
                return Interval(effect, low, high, sums.n)
            stacks = on_common_images(scores)
            factors = [term.factor for term in contrast.terms]
            total = sum(factor * stack for factor, stack in zip(factors, stacks, strict=True))
            total = total + contrast.constant
            if sample_of(contrast) == "training runs":
                return mean_interval(total[:, 0], level=level)
            return mean_interval(total, span_of(contrast), level)
        except ValueError:
            kind = f"the {sample_of(contrast)} have no finite score"
            raise NotMeasured(f"{kind} '{contrast.terms[0].score}' on {self.title}") from None

    def bandwidth(self, contrast: Contrast, share: str) -> int:
        """The bandwidth in this data set's images that a share of the side stands for."""
        first = contrast.terms[0]
        arrays = self.read(first.method, SCORES[first.score].kind.probe)
        return bandwidth_of(next(iter(arrays.values())), share)


def groups_for(
    paper: str,
    datasets: Collection[str],
    architectures: Collection[str],
    transfers: bool,
    models: Sequence[Mapping],
) -> list[Group]:
    """What a claim of `paper` about `datasets` is judged on: measured data sets, each with one of
    the networks that were measured on it.

    architectures: the networks that the claim names. If it names none, it is judged on the paper's
    usual one, or on what a scale puts in its place.

    The data sets are the claim's own and, if it transfers, those that stand in for them at this
    scale; likewise the networks. A claim that does not transfer needs all of its own data sets,
    and all networks that it names; NotMeasured says what is missing.
    """
    networks = architectures or usual_networks(paper)
    with_network = f" with {listed(map(network_title, architectures))}" if architectures else ""
    about = [entry for entry in models if entry["paper_architecture"] in networks]
    own = [entry for entry in about if entry["dataset"] in datasets]
    missing = [name for name in datasets if name not in {entry["dataset"] for entry in own}]
    if not transfers:
        if missing:
            raise NotMeasured(
                f"the claim needs {_titles(missing, models)}{with_network}, which is not measured"
            )
        pairs = {(entry["dataset"], entry["architecture"]) for entry in own}
        absent = [
            one for one in architectures if any((name, one) not in pairs for name in datasets)
        ]
        if absent:
            names = listed(map(network_title, absent))
            raise NotMeasured(f"the claim needs {names}, which is not measured")
    substitutes = [
        entry
        for entry in about
        if entry["dataset"] != entry["paper_dataset"] and entry["dataset"] not in datasets
    ]
    named = [entry for entry in substitutes if entry["paper_dataset"] in missing]
    chosen = own + (named or ([] if own else substitutes)) if transfers else own
    if not chosen:
        raise NotMeasured(
            f"no model is measured on {_titles(datasets, models)}{with_network}, nor on a stand-in"
        )

    def fit(entry: Mapping) -> tuple[bool, ...]:
        """Sorts the models that the claim is about before others of the same method."""
        return (
            not entry["slug"].startswith(_paper(paper).slugs),
            entry["paper_architecture"] not in networks,
            entry["paper_dataset"] not in datasets,
        )

    pairs = dict.fromkeys((entry["dataset"], entry["architecture"]) for entry in chosen)
    several = len({network for _, network in pairs}) > 1
    groups = []
    for dataset, network in pairs:
        here = [
            one for one in models if (one["dataset"], one["architecture"]) == (dataset, network)
        ]
        groups.append(
            Group(
                dataset,
                here[0]["dataset_title"],
                dataset not in datasets,
                _arrays(sorted(here, key=fit)),
                network_title(network),
                several,
                bool(architectures) and network not in architectures,
            )
        )
    return groups


def usual_networks(paper: str) -> tuple[str, ...]:
    """The networks that a paper's claims are about if they name none."""
    return _paper(paper).usual


def _paper(name: str) -> Paper:
    """A paper of one's own is about ResNet-18, and its models begin with its name."""
    return PAPERS.get(name, Paper(("resnet18",), f"{name}-"))


def network_title(architecture: str) -> str:
    """An architecture's id as the papers write it.

    >>> network_title("resnet152"), network_title("wrn_34_10"), network_title("mobilenet_v2")
    ('ResNet-152', 'WRN-34-10', 'MobileNet-V2')
    """
    if architecture in TITLES:
        return TITLES[architecture]
    return architecture.replace("resnet", "ResNet-").replace("wrn", "WRN").replace("_", "-")


def on_common_images(per_seed: Sequence[Mapping[int, np.ndarray]]) -> list[np.ndarray]:
    """Stack each model's values [..., N] over the seeds that all of them have, in order of the
    seeds: [S, ..., N].

    Probes measure the first so many test images, so values of different probes are of the same
    images up to the smallest N; the others are cut off.
    """
    seeds = sorted(set.intersection(*(set(values) for values in per_seed)))
    if not seeds:
        raise NotMeasured("the models that the claim compares have no seed in common")
    count = min(values[seed].shape[-1] for values in per_seed for seed in seeds)
    return [np.stack([values[seed][..., :count] for seed in seeds]) for values in per_seed]


def model_words(method: str) -> str:
    """A model in words, from its method, or from "METHOD with NETWORK".

    >>> model_words("SAR"), model_words("PGD-AT with ResNet-18")
    ('SAR model', 'robust model with ResNet-18')
    """
    name, joint, network = method.partition(" with ")
    return f"{MODEL_WORDS.get(name, f'{name} model')}{joint}{network}"


def sample_of(contrast: Contrast) -> str:
    """What the scores of a contrast are counted in: images, batches, kernels, training runs."""
    return SCORES[contrast.terms[0].score].kind.sample


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


def listed(names: Iterable[str]) -> str:
    """
    >>> listed(["CIFAR-10", "CIFAR-100", "SVHN"]), listed(["SVHN"])
    ('CIFAR-10, CIFAR-100 and SVHN', 'SVHN')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _titles(datasets: Collection[str], models: Sequence[Mapping]) -> str:
    titles = {entry["paper_dataset"]: entry["paper_dataset_title"] for entry in models}
    return listed(titles.get(name, name) for name in datasets)


def _arrays(entries: Sequence[Mapping]) -> dict[str, dict[int, dict[str, str]]]:
    """One model per method, the first one; entries of one model add up."""
    chosen = {entry["method"]: entry["model"] for entry in reversed(entries)}
    runs: dict[str, dict[int, dict[str, str]]] = {}
    for entry in entries:
        if entry["model"] == chosen[entry["method"]]:
            arrays = {probe: paths["arrays"] for probe, paths in entry["probes"].items()}
            if "training" in entry:
                arrays["history"] = entry["training"]["history"]
            runs.setdefault(entry["method"], {}).setdefault(entry["seed"], {}).update(arrays)
    return runs


def _stored(path: str) -> dict[str, np.ndarray]:
    if Path(path).suffix == ".csv":
        return {name: column.to_numpy() for name, column in pd.read_csv(path).items()}
    attacks = read_metadata(path).get("attacks")
    return read_arrays(path) | ({"attacks": np.array(attacks)} if attacks else {})
