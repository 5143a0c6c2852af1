"""Figures and tables: validating their options and deriving their inputs from them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from passband.data.registry import DATASETS
from passband.dependencies import declared
from passband.errors import UserError
from passband.options import Known, Names, named, read_row
from passband.plan.budgets import available
from passband.plan.names import check_known, substitute
from passband.plan.rows import check_filter, filters_in
from passband.text import listed

FIGURES, CHECKS = "figures", "findings/masking"


def resolve_artifact(
    name: str,
    row: Mapping,
    models: Mapping[str, Mapping],
    datasets: Mapping[str, str],
    printed: list[str],
    names: Names,
    root: Path,
) -> dict:
    """Resolve an artifact.

    Args:
        name: id of the artifact.
        row: its row of a paper's artifacts.yaml.
        models: all models by slug; slugs that are the same model at this scale are shown once.
        datasets: the scale's substitutions of data sets.
        printed: names of the printed tables of the artifact's paper.
        names: known names; attacks count as probes, too.
        root: the project's folder.

    Returns:
        The row with `id`, `notes`, the resolved `options`, and the `probes` and `datasets` that
        the options name.

    Raises:
        UserError: names the artifact and the key.
    """
    owner, notebook = f"artifact '{name}'", row["notebook"]
    functions = declared(FIGURES)
    check_known(f"notebook of {owner}", [notebook], functions)
    if not (root / "reports" / "notebooks" / f"{notebook}.py").exists():
        raise UserError(
            f"{owner}: the template reports/notebooks/{notebook}.py does not exist; add it."
        )
    check_known(f"model of {owner}", row["models"], models)
    keywords, given = functions[notebook].keywords, row.get("options", {})
    here = {one: Known(substitute(one, datasets)) for one in DATASETS}
    known = {
        **names,
        "dataset": here,
        "printed": {one: Known(one) for one in printed},
        "check": {one: Known(check) for one, check in declared(CHECKS).items()},
    }
    options = read_row(f"{owner}, options", keywords, given, known)
    _check_image(owner, options)
    for filter in filters_in(options) if "dataset" in options else ():
        check_filter(owner, filter, DATASETS[options["dataset"]].side)

    def mentioned(what: str) -> list[str]:
        pairs = ((keywords[key].kind, value) for key, value in given.items())
        return list(dict.fromkeys(one for pair in pairs for one in named(*pair, what)))

    distinct = {models[slug]["model"]: slug for slug in reversed(row["models"])}
    return {
        "id": name,
        "notes": [],
        **row,
        "models": [slug for slug in row["models"] if slug in distinct.values()],
        "options": options,
        "probes": mentioned("probe"),
        "datasets": [substitute(one, datasets) for one in mentioned("dataset")],
    }


def check_listed(row: Mapping, probes: Mapping[str, Mapping]) -> None:
    """Refuse a filter that the artifact's probe does not measure.

    Args:
        row: the resolved artifact; the setting `listed` of its figure maps an option, a list of
            filters, to the argument of the probe that must have them all.
        probes: resolved, by name.

    Raises:
        UserError: names the artifact, the filter and the probe.
    """
    options = row["options"]
    for key, argument in declared(FIGURES)[row["notebook"]].settings.get("listed", {}).items():
        known = [f"'{filter['name']}'" for filter in probes[options["probe"]][argument]]
        for name in (filter["name"] for filter in options[key]):
            if f"'{name}'" not in known:
                raise UserError(
                    f"artifact '{row['id']}': {key} has '{name}', but {argument} of probe "
                    f"'{options['probe']}' has only {listed(known)}: name one of them, or add it "
                    "there."
                )


def check_reference(name: str, options: Mapping, models: Sequence[Mapping]) -> None:
    """Refuse errors relative to a model that a data set of the artifact does not have.

    Args:
        name: id of the artifact.
        options: of the artifact.
        models: rows of the models that it shows.

    Raises:
        UserError: names the artifact, the model and the data set.
    """
    reference = options.get("relative_to")
    for dataset in dict.fromkeys(model["dataset"] for model in models) if reference else ():
        methods = [model["method"] for model in models if model["dataset"] == dataset]
        if reference not in methods:
            raise UserError(
                f"artifact '{name}': relative_to is '{reference}', but it shows no such model on "
                f"{dataset}, only {', '.join(dict.fromkeys(methods))}; add the model, take it from "
                "the scale's list 'without', or name another method."
            )


def _check_image(owner: str, options: Mapping) -> None:
    """Refuse an image that the data set beside it does not have."""
    size = available(options["dataset"], "test") if "dataset" in options else None
    if size is not None and options.get("image", 0) >= size:
        raise UserError(
            f"{owner}: image is {options['image']}, but the test split of {options['dataset']} has "
            f"{size} images, counted from 0."
        )
