"""Resolving models: trained by a recipe, imported as published, or derived from another model."""

from collections.abc import Mapping
from pathlib import Path

from passband.data.published import PUBLISHED
from passband.data.registry import DATASETS, get
from passband.errors import UserError
from passband.options import Names
from passband.plan.files import Files
from passband.plan.names import check_known, substitute
from passband.plan.recipes import resolve_recipe
from passband.plan.rows import resolve_row
from passband.plan.substitutions import substitutions, trained_with
from passband.plan.tasks import check_network, check_trainable

TRAINED, DERIVED = ("dataset", "architecture", "recipe"), ("of", "transform")
PUBLISHED_KEY = "weights"  # optional key of a trained model


def resolve_models(
    files: Files,
    recipes: Mapping[str, Mapping],
    config: Mapping,
    titles: Mapping[str, str],
    names: Names,
    paper_names: Names,
    schemas: Path,
) -> tuple[dict[str, dict], dict[str, dict], dict[str, dict], dict[str, dict]]:
    """Resolve all models.

    A model with published weights is imported if the scale keeps its data set and architecture;
    otherwise it is trained by its recipe.

    Args:
        files: the rows of all config files.
        recipes: recipes by name, with the scale's changes.
        config: the config of the run; its substitutions apply.
        titles: titles of architectures by name.
        names: known names, attacks as training sees them.
        paper_names: known names, attacks as the papers have them.
        schemas: the folder workflow/schemas.

    Returns:
        Models by slug, with the paper's and the scale's data set and architecture, and how their
        training differs from the paper's (`trained_with`, `substitutions`); trainings by model id
        (dataset, architecture and resolved recipe); derived models by model id (the trained
        model's id as `of`, and the resolved `transform`); imported models by model id (dataset,
        architecture and `weights`).

    Raises:
        UserError: names the model.
    """
    models, trainings, derived, imported = {}, {}, {}, {}
    for slug, row in files.models.items():
        _check_kind(slug, row)
    for slug, row in files.models.items():
        if "of" in row:
            continue
        dataset = substitute(row["dataset"], config["datasets"])
        architecture = substitute(row["architecture"], config["architectures"])
        check_known(f"dataset of model '{slug}'", [row["dataset"], dataset], DATASETS)
        check_known(f"architecture of model '{slug}'", [row["architecture"], architecture], titles)
        check_known(f"recipe of model '{slug}'", [row["recipe"]], recipes)
        _check_weights(slug, row)
        check_network(slug, dataset, architecture)
        name = row["recipe"]
        recipe = resolve_recipe(name, recipes[name], dataset, names, schemas)
        paper_recipe = resolve_recipe(
            name, files.recipes[name], row["dataset"], paper_names, schemas
        )
        unchanged = (dataset, architecture) == (row["dataset"], row["architecture"])
        published = row.get(PUBLISHED_KEY) if unchanged else None
        if not published:
            check_trainable(slug, dataset, recipe)
        model = f"{dataset}_{architecture}_{published or name}"
        models[slug] = {
            "slug": slug,
            "paper": row["paper"],
            "model": model,
            "origin": "imported" if published else "trained",
            "dataset": dataset,
            "dataset_title": DATASETS[dataset].title,
            "paper_dataset": row["dataset"],
            "paper_dataset_title": get(row["dataset"]).title,
            "architecture": architecture,
            "architecture_title": titles[architecture],
            "paper_architecture": row["architecture"],
            "paper_architecture_title": titles[row["architecture"]],
            "method": recipe["method"],
            "recipe": recipe,
            "trained_with": {} if published else trained_with(recipe, paper_recipe),
            "substitutions": [] if published else substitutions(recipe, paper_recipe),
        }
        network = {"dataset": dataset, "architecture": architecture}
        if published:
            imported[model] = network | {"weights": published}
        else:
            trainings[model] = network | {"recipe": recipe}
    for slug, row in files.models.items():
        if "of" not in row:
            continue
        check_known(f"of in model '{slug}'", [row["of"]], models)
        check_known(f"transform of model '{slug}'", [row["transform"]], files.transforms)
        source = models[row["of"]]
        if source["origin"] != "trained":
            raise UserError(
                f"model '{slug}' is derived from '{row['of']}', which is {source['origin']} "
                "itself: name a trained model."
            )
        name = row["transform"]
        transform = {key: value for key, value in files.transforms[name].items() if key != "paper"}
        resolved = resolve_row("transform", name, transform, names, ("method",))
        model = f"{source['model']}--{name}"
        models[slug] = source | {
            "slug": slug,
            "paper": row["paper"],
            "model": model,
            "origin": "derived",
            "method": resolved["method"],
        }
        derived[model] = {"of": source["model"], "transform": resolved}
    return {slug: models[slug] for slug in files.models}, trainings, derived, imported


def _check_weights(slug: str, row: Mapping) -> None:
    """Raise UserError if a model's published weights are unknown or of another network."""
    name = row.get(PUBLISHED_KEY)
    if name is None:
        return
    check_known(f"weights of model '{slug}'", [name], PUBLISHED)
    fitting = PUBLISHED[name].architecture
    if fitting != row["architecture"]:
        raise UserError(
            f"model '{slug}' has the weights {name}, which are those of {fitting}, not of "
            f"{row['architecture']}: name another architecture, or no weights."
        )


def _check_kind(slug: str, row: Mapping) -> None:
    """Raise UserError unless a row has exactly the keys of a trained or of a derived model."""
    wanted = DERIVED if set(row) & set(DERIVED) else TRAINED
    keys = set(row) - {"paper"}
    for key in wanted:
        if key not in keys:
            raise UserError(f"model '{slug}' lacks the key '{key}'; add it.")
    for key in sorted(keys - {*wanted, *([PUBLISHED_KEY] if wanted == TRAINED else [])}):
        raise UserError(
            f"model '{slug}' has '{key}' beside {', '.join(wanted)}: a model is either trained "
            f"({', '.join(TRAINED)}) or derived ({', '.join(DERIVED)}); keep one kind."
        )
