"""The plan of a scale: all config files resolved and checked against each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from passband.data.registry import DATASETS, get
from passband.dependencies import declared
from passband.errors import UserError
from passband.findings.check import check_findings
from passband.options import Known
from passband.plan.artifacts import check_listed, check_reference, resolve_artifact
from passband.plan.batch_moments import check_batch_moments
from passband.plan.budgets import check_training
from passband.plan.chosen import left_out, made, with_fewer_models
from passband.plan.files import Files, read_files
from passband.plan.folders import check_folder
from passband.plan.marks import check_mark, expected_of, filled, mark_of
from passband.plan.models import resolve_models
from passband.plan.names import check_distinct, check_known, check_names, check_patterns, patched
from passband.plan.reading import scale_config
from passband.plan.recipes import resolve_recipe
from passband.plan.rows import ELSEWHERE, check_filter, filters_in, known_rows, resolve_row
from passband.plan.searches import check_searches
from passband.plan.substitutions import with_labels
from passband.plan.tasks import check_measured, check_task, task_of
from passband.plan.texts import check_drawn
from passband.training.recipes import shared_prefixes

KEPT = ("scale", "results_root", "data_root", "data_mirror")  # what no scale's file has


class Plan(NamedTuple):
    """A resolved scale. All values are plain data, serialisable as JSON.

    scale: name, title, mark and expected run time. models: rows by slug, with substitutions.
    trainings: dataset, architecture, recipe and shared prefix (a name or None) by model id.
    derived: source model and transform by model id. imported: dataset, architecture and published
    weights by model id. shared_prefixes: what several trainings have in common, and the epoch
    `until` which they do, by name. attacks, filters, probes, scores, papers:
    rows by name. targets: rows of all artifacts by name; artifacts: of those that the scale makes;
    left_out: of the others, see `chosen.left_out`. findings: rows with their paper. preconditions:
    rows by paper and name. themes, architectures: titles by name.
    """

    scale: dict
    seeds: list[int]
    models: dict[str, dict]
    trainings: dict[str, dict]
    derived: dict[str, dict]
    imported: dict[str, dict]
    shared_prefixes: dict[str, dict]
    attacks: dict[str, dict]
    filters: dict[str, dict]
    probes: dict[str, dict]
    scores: dict[str, dict]
    papers: dict[str, dict]
    targets: dict[str, dict]
    artifacts: dict[str, dict]
    left_out: dict[str, dict]
    findings: list[dict]
    preconditions: dict[str, dict]
    themes: dict[str, str]
    architectures: dict[str, str]


def plan(config: Mapping, root: Path) -> Plan:
    """Resolve the config of a run into a plan.

    Args:
        config: as `reading.scale_config` returns it.
        root: the project's folder, with config/, reports/ and workflow/schemas/.

    Raises:
        UserError: the first mistake, in one sentence.
    """
    schemas = root / "workflow" / "schemas"
    check_names("scale", [config["scale"]])
    _check_folders(config)
    files = read_files(root)
    titles = {name: one.settings.get("title", name) for name, one in declared("models").items()}
    check_names("architecture", titles)
    check_names("dataset", DATASETS)
    _check_substitutes(config, files)

    attacks = {name: resolve_row("attack", name, row, {}) for name, row in files.attacks.items()}
    filters = {name: resolve_row("filter", name, row, {}) for name, row in files.filters.items()}
    names = {
        "attack": known_rows("attack", attacks),
        "filter": known_rows("filter", filters),
        "architecture": {name: Known(name) for name in titles},
        "corruption": {name: Known(name) for name in declared("data/corruptions")},
    }
    in_training = names["attack"] | {
        name: names["attack"][other] for name, other in config["training_attacks"].items()
    }
    probes = {
        name: resolve_row("probe", name, patched(row, config["probes"], name), names, ELSEWHERE)
        for name, row in files.probes.items()
    }
    for name in set(probes) & set(attacks):
        raise UserError(f"'{name}' names both an attack and a probe; rename the probe.")
    recipes = {name: patched(row, config["recipes"], name) for name, row in files.recipes.items()}
    for_training = names | {"attack": in_training}
    for name, recipe in recipes.items():
        for dataset in (None, *recipe.get("per_dataset", {})):
            resolve_recipe(name, recipe, dataset, for_training, schemas)

    models, trainings, derived, imported = resolve_models(
        files, recipes, config, titles, for_training, names, schemas
    )
    papers = {name: with_labels(name, row, models.values()) for name, row in files.papers.items()}
    for row in trainings.values():
        check_training(row, config["train_images"])
    _check_probes(probes, models, config)
    measured = known_rows("probe", probes) | {name: Known(name, "attack") for name in attacks}
    measured = {name: Known(name, row.function) for name, row in measured.items()}
    targets = {
        name: resolve_artifact(
            name,
            row,
            models,
            config["datasets"],
            files.printed[row["paper"]],
            names | {"probe": measured},
            root,
        )
        for name, row in files.artifacts.items()
    }
    for name, row in targets.items():
        check_measured(name, row, models, probes)
        check_listed(row, probes)
    check_batch_moments(models, targets.values(), probes, attacks, config)
    check_searches(models, targets, probes, attacks)
    _check_findings(files, models, targets, probes, attacks, titles)
    artifacts = {name: targets[name] for name in made(config, targets)}
    artifacts = with_fewer_models(config, artifacts, models)
    targets |= artifacts
    for name, row in targets.items():
        check_reference(name, row["options"], [models[slug] for slug in row["models"]])
    unchanged = scale_config({key: config[key] for key in KEPT}, root)
    mark = mark_of(config, unchanged)
    check_mark(mark)
    check_drawn("mark", mark)
    for model, row in models.items():
        check_drawn(f"method of model '{model}'", row["method"])
    for paper, described in papers.items():
        check_drawn(f"methods of paper '{paper}'", described.get("methods", {}))
    for name, row in targets.items():
        check_drawn(f"artifact '{name}'", [row["title"], files.artifacts[name].get("options", {})])
        shown = [models[slug] for slug in row["models"]]
        words = filled(mark, shown, row["datasets"], config), row.get("fewer")
        row["mark"] = " · ".join(filter(None, words))
    used = [models[slug] for row in artifacts.values() for slug in row["models"]]
    return Plan(
        scale={
            "name": config["scale"],
            "title": config["title"],
            "mark": filled(mark, used, (), config),
            "expected": expected_of(config, unchanged),
        },
        seeds=config["seeds"],
        models=models,
        trainings=trainings,
        derived=derived,
        imported=imported,
        shared_prefixes=shared_prefixes(trainings),
        attacks=attacks,
        filters=filters,
        probes=probes,
        scores=files.scores,
        papers=papers,
        targets=targets,
        artifacts=artifacts,
        left_out=left_out(targets, artifacts, config, root),
        findings=files.findings,
        preconditions=files.preconditions,
        themes=files.themes,
        architectures=titles,
    )


def _check_folders(config: Mapping) -> None:
    for key in ("results_root", "data_root", "data_mirror"):
        if config[key] is not None:
            check_folder(key, config[key])
    if config["data_mirror"] and not Path(config["data_mirror"]).expanduser().is_dir():
        raise UserError(
            f"data_mirror is {config['data_mirror']}, but there is no such folder; correct it, or "
            "set it to null."
        )


def _check_substitutes(config: Mapping, files: Files) -> None:
    """Raise UserError for a name in the scale that is unknown."""
    trained = [row for row in files.models.values() if "of" not in row]
    for kind in ("dataset", "architecture"):
        used = {row[kind] for row in trained if kind in row}
        used |= set(DATASETS) if kind == "dataset" else set(declared("models"))
        check_known(f"{kind} in the scale's {kind}s", config[f"{kind}s"], used)
    replaced = config["training_attacks"]
    known = {*replaced, *replaced.values()}
    check_known("attack in the scale's training_attacks", known, files.attacks)
    check_patterns("recipe in the scale's recipes", config["recipes"], files.recipes)
    check_patterns("probe in the scale's probes", config["probes"], files.probes)


def _check_probes(probes: Mapping, models: Mapping, config: Mapping) -> None:
    """Raise UserError for unknown data sets and splits, and for filters that do not fit."""
    sides: dict[str, set[int]] = {}
    for model in models.values():
        dataset = get(model["dataset"])
        sides.setdefault(dataset.task, set()).add(dataset.side)
    for name, probe in probes.items():
        if "dataset" in probe:
            check_known(f"dataset of probe '{name}'", [probe["dataset"]], DATASETS)
            check_task(name, probe)
        for key in ("corruptions", "severities"):
            check_distinct(f"probe '{name}': {key}", probe.get(key) or [])
        if "split" in probe:
            splits = get(probe["dataset"]).splits if "dataset" in probe else ("train", "test")
            check_known(f"split of probe '{name}'", [probe["split"]], splits)
        if "attack" in probe and any(key in probe for key in ELSEWHERE):
            raise UserError(
                f"probe '{name}' measures stored perturbations, which exist for the test split of "
                "the model's data set only: remove dataset and split, or the attack."
            )
        measured = sides.get(task_of("probes", probe["probe"]), {32})
        here = {get(probe["dataset"]).side} if "dataset" in probe else measured
        for filter in filters_in(probe):
            for side in here:
                check_filter(f"probe '{name}'", filter, side)


def _check_findings(
    files: Files,
    models: Mapping,
    artifacts: Mapping,
    probes: Mapping,
    attacks: Mapping,
    titles: Mapping,
) -> None:
    """Check the findings of all papers against what will be measured."""
    measured: dict[str, set[str]] = {}
    places: dict[str, set[tuple[str, str]]] = {}
    for row in models.values():
        place = row["paper_dataset"], row["paper_architecture"]
        places.setdefault(row["method"], set()).add(place)
        found = measured.setdefault(row["method"], {"training"})
        for recorder, recorded in row["recipe"]["recorders"].items():
            behind = ["none", *(filter["name"] for filter in recorded.get("filters") or ())]
            found |= {f"training:{recorder}", *(f"training:{recorder}:{one}" for one in behind)}
    for row in artifacts.values():
        for slug in row["models"]:
            measured[models[slug]["method"]] |= set(row["probes"])
    functions = {name: row["probe"] for name, row in probes.items()}
    functions |= dict.fromkeys(attacks, "attack") | {"training": "training"}
    run = {name: [name] for name in attacks} | {
        name: [attack["name"] for attack in (row.get("attack"), *row.get("attacks", [])) if attack]
        for name, row in probes.items()
    }
    for paper, described in files.papers.items():
        check_findings(
            [row for row in files.findings if row["paper"] == paper],
            paper=described,
            preconditions=files.preconditions.get(paper, {}),
            themes=files.themes,
            scores=files.scores,
            probes=functions,
            attacks=run,
            filters={name: _filters_of_claims(row) for name, row in probes.items()}
            | {"training": ["none", *files.filters]},
            measured=measured,
            places=places,
            networks=titles,
            datasets=DATASETS,
        )


def _filters_of_claims(probe: Mapping) -> list[str]:
    """The filters by which claims name what a probe measures: of two components the low one's."""
    low, *_ = declared("probes")[probe["probe"]].settings.get("complements", (None,))
    return [filter["name"] for filter in filters_in(probe if low is None else probe[low])]
