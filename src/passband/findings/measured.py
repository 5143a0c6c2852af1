"""What a scale measured, grouped by data set and network, and the contrasts that claims take."""

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from passband.files import read_arrays, read_json, read_metadata
from passband.findings.contrast import Contrast, Language, Term
from passband.findings.scores import Arrays, NotMeasured, bandwidth_of
from passband.intervals import LEVEL
from passband.intervals.accuracies import accuracy_interval
from passband.intervals.estimates import Interval, combination, mean_interval, sample_interval
from passband.runs import read_epochs
from passband.text import listed

Stored = str | Mapping[str, str]
INDEPENDENT = ("kernels", "blocks")  # samples that are others in every model and seed


@dataclass(frozen=True)
class Group:
    """The models of one architecture, measured on one data set.

    stands_in: the data set takes the place of those that the claim names.
    arrays: method -> seed -> probe -> path of what it stored; for `training` the paths of a run.
    language: what the claim's paper calls models.
    network: the architecture in words. names_network: whether reasons name it, since the claim is
    judged on several.
    network_stands_in: the architecture takes the place of one that the claim names.
    masking: what speaks for false robustness, by method and attack, as `flags` returns it.
    """

    dataset: str
    title: str
    stands_in: bool
    arrays: Mapping[str, Mapping[int, Mapping[str, Stored]]]
    network: str
    language: Language
    names_network: bool = False
    network_stands_in: bool = False
    masking: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The data set as reasons name it, with the network if there are several."""
        place = f"{self.title} with {self.network}" if self.names_network else self.title
        stand_ins = {"data": self.stands_in, "network": self.network_stands_in}
        replaced = " and ".join(name for name, replaces in stand_ins.items() if replaces)
        return f"{place} (in place of the paper's {replaced})" if replaced else place

    def read(self, method: str, measurement: str) -> dict[int, Arrays]:
        """Arrays of a model by seed; NotMeasured if there are none.

        measurement: the name of a probe, or "training:<recorder>".
        """
        seeds = {}
        probe = measurement.partition(":")[0]
        for seed, stored in self.arrays.get(method, {}).items():
            if probe in stored and (found := read_stored(stored[probe])):
                seeds[seed] = found
        if not seeds:
            name = self.language.model(method)
            raise NotMeasured(f"the {name} has no measurement '{measurement}' on {self.title}")
        return seeds

    def estimate(
        self,
        methods: Sequence[str],
        measurement: str,
        estimator: Callable[[Sequence[Mapping[int, Arrays]]], Interval],
    ) -> Interval:
        """What a function makes of the arrays of some models, each by seed."""
        try:
            return estimator([self.read(method, measurement) for method in methods])
        except NotMeasured as missing:
            place = "" if self.title in str(missing) else f" on {self.title}"
            raise NotMeasured(f"{missing}{place}") from None

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
        arrays = self.read(term.method, term.score.measurement)
        return {seed: term.score.values(one, term.arguments) for seed, one in arrays.items()}

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """Interval of the mean of a contrast, paired over the common images or batches and seeds;
        kernels and blocks of steps are independent samples, and training runs are paired by seed.
        The accuracy of one model has the interval that it has in the figures."""
        scores = [self.scores(term) for term in contrast.terms]
        try:
            if contrast.sample in INDEPENDENT:
                alone = [sample_interval(list(seeds.values()), level) for seeds in scores]
                sums = combination([term.factor for term in contrast.terms], alone)
                effect, low, high = (value + contrast.constant for value in sums[:3])
                return Interval(effect, low, high, sums.n)
            stacks = on_common_images(scores)
            if contrast.is_accuracy:
                (stack,) = stacks
                n = stack.shape[1]
                return Interval(*accuracy_interval(stack.mean(axis=1).tolist(), n, level), n)
            factors = [term.factor for term in contrast.terms]
            total = sum(factor * stack for factor, stack in zip(factors, stacks, strict=True))
            total = total + contrast.constant
            if contrast.sample == "training runs":
                return mean_interval(total[:, 0], level=level)
            return mean_interval(total, contrast.span(total.shape[1]), level)
        except ValueError:
            kind = f"the {contrast.sample} have no finite score"
            name = contrast.terms[0].score.name
            raise NotMeasured(f"{kind} '{name}' on {self.title}") from None

    def bandwidth(self, contrast: Contrast, share: str) -> int:
        """The bandwidth in this data set's images that a share of the side stands for."""
        first = contrast.terms[0]
        arrays = self.read(first.method, first.score.measurement)
        return bandwidth_of(next(iter(arrays.values())), share)


def groups_for(
    finding: Mapping,
    models: Sequence[Mapping],
    usual: Collection[str],
    titles: Mapping[str, str],
    language: Language,
    masking: Mapping[str, Mapping[str, str]],
) -> list[Group]:
    """What a claim is judged on: measured data sets, each with one of the networks that were
    measured on it.

    usual: the networks of a claim that names none. titles: those of networks, by id. masking: what
    speaks for false robustness, by model.

    The data sets are the claim's own and, if it transfers, those that stand in for them at this
    scale; likewise the networks. A claim that does not transfer needs all of its own data sets,
    and all networks that it names; NotMeasured says what is missing.
    """
    datasets, transfers = finding["datasets"], finding["transfers"]
    architectures = finding.get("architectures", [])
    networks = architectures or usual

    def named(ids: Collection[str]) -> str:
        return listed(titles.get(one, one) for one in ids)

    with_network = f" with {named(architectures)}" if architectures else ""
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
            raise NotMeasured(f"the claim needs {named(absent)}, which is not measured")
    substitutes = [
        entry
        for entry in about
        if entry["dataset"] != entry["paper_dataset"] and entry["dataset"] not in datasets
    ]
    fitting = [entry for entry in substitutes if entry["paper_dataset"] in missing]
    chosen = own + (fitting or ([] if own else substitutes)) if transfers else own
    if not chosen:
        raise NotMeasured(
            f"no model is measured on {_titles(datasets, models)}{with_network}, nor on a stand-in"
        )

    def fit(entry: Mapping) -> tuple[bool, ...]:
        """Sorts the models that the claim is about before others of the same method."""
        return (
            entry["paper"] != paper_of(finding),
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
        here = _chosen(sorted(here, key=fit))
        groups.append(
            Group(
                dataset,
                here[0]["dataset_title"],
                dataset not in datasets,
                _arrays(here),
                here[0]["architecture_title"],
                language,
                several,
                bool(architectures) and network not in architectures,
                {
                    entry["method"]: masking[entry["model"]]
                    for entry in here
                    if entry["model"] in masking
                },
            )
        )
    return groups


def as_methods(models: Sequence[Mapping], variants: Mapping[str, str]) -> list[Mapping]:
    """Count models of a network's variants as models of that network; their methods differ.

    Args:
        models: entries, one per model and seed.
        variants: `variants` of paper.yaml, from variant to network; at a scale that substitutes
            the network, both count as its substitute.
    """
    keys = ("paper_architecture", "architecture", "architecture_title")
    networks = {one["paper_architecture"]: {key: one[key] for key in keys} for one in models}
    return [one | networks.get(variants.get(one["paper_architecture"]), {}) for one in models]


def paper_of(finding: Mapping) -> str:
    """
    >>> paper_of({"id": "mine.table1.a"}), artifact_of({"id": "mine.table1.a"})
    ('mine', 'mine.table1')
    """
    return finding["id"].partition(".")[0]


def artifact_of(finding: Mapping) -> str:
    """The artifact that a finding is about: its id without the letter."""
    return finding["id"].rpartition(".")[0]


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


def _titles(datasets: Collection[str], models: Sequence[Mapping]) -> str:
    titles = {entry["paper_dataset"]: entry["paper_dataset_title"] for entry in models}
    return listed(titles.get(name, name) for name in datasets)


def _chosen(entries: Sequence[Mapping]) -> list[Mapping]:
    """The entries of one model per method, the first one."""
    models = {entry["method"]: entry["model"] for entry in reversed(entries)}
    return [entry for entry in entries if entry["model"] == models[entry["method"]]]


def _arrays(entries: Sequence[Mapping]) -> dict[str, dict[int, dict[str, Stored]]]:
    """Paths by method and seed; entries of one model add up."""
    runs: dict[str, dict[int, dict[str, Stored]]] = {}
    for entry in entries:
        stored = {probe: paths["arrays"] for probe, paths in entry["probes"].items()}
        run = runs.setdefault(entry["method"], {}).setdefault(entry["seed"], {})
        run.update({**stored, "training": entry["files"]})
    return runs


def read_stored(stored: Stored) -> dict[str, np.ndarray]:
    """What a probe or a training run stored; empty if there is no such file."""
    if isinstance(stored, Mapping):
        columns = _columns(stored) | _curves(stored) | _told(stored)
        return {name: np.array(values) for name, values in columns.items()}
    if not Path(stored).is_file():
        return {}
    told = read_metadata(stored)
    names = {key: np.array(told[key]) for key in ("attacks", "corruptions") if told.get(key)}
    return read_arrays(stored) | names


def _columns(files: Mapping[str, str]) -> dict[str, list[float]]:
    """The columns of a history."""
    rows = _rows(files, "history")
    return {name: [_float(row[name]) for row in rows] for name in (rows[0] if rows else ())}


def _curves(files: Mapping[str, str]) -> dict[str, list[float]]:
    """The values of curves.csv epoch by epoch, by "<recorder>|<condition>|<metric>"."""
    found: dict[str, list[float]] = {}
    for row in sorted(_rows(files, "curves"), key=lambda row: int(row["epoch"])):
        name = "|".join((row["recorder"], row["condition"], row["metric"]))
        found.setdefault(name, []).append(_float(row["value"]))
    return found


def _told(files: Mapping[str, str]) -> dict[str, list[float]]:
    """What run.json tells: the peak learning rate, and the first epoch of each part."""
    if "history" not in files:
        return {}
    run = read_json(files["run"])
    starts = {f"start|{part}": [epoch] for part, epoch in run.get("starts", {}).items()}
    return starts | {"peak_rate": [run["recipe"]["optimizer"]["learning_rate"]]}


def _rows(files: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """The rows of a table of a training; none if the model was not trained or not recorded."""
    return list(csv.DictReader(io.StringIO(read_epochs(files, name)))) if name in files else []


def _float(text: str) -> float:
    return float(text) if text else float("nan")
