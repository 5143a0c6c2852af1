"""Classification and detection: networks, data sets and probes must have the same task."""

from collections.abc import Mapping

from passband.data.registry import DATASETS
from passband.dependencies import declared
from passband.errors import UserError

USUAL = "classification"


def task_of(registry: str, name: str) -> str:
    """The task of a registered network or probe."""
    return declared(registry)[name].settings.get("task", USUAL)


def check_task(name: str, probe: Mapping) -> None:
    """Raise UserError if a probe and the data set that it names have different tasks."""
    wanted, found = task_of("probes", probe["probe"]), DATASETS[probe["dataset"]].task
    if wanted != found:
        raise UserError(
            f"probe '{name}' measures {wanted}, but its dataset is {probe['dataset']}, a data set "
            f"for {found}: choose another data set."
        )


def check_network(slug: str, dataset: str, architecture: str) -> None:
    """Raise UserError if the network and the data set of a model have different tasks."""
    wanted, found = DATASETS[dataset].task, task_of("models", architecture)
    if wanted != found:
        raise UserError(
            f"model '{slug}' has {architecture}, a network for {found}, on {dataset}, a data set "
            f"for {wanted}: choose another network or data set, in its row or in the scale."
        )


def check_trainable(slug: str, dataset: str, recipe: Mapping) -> None:
    """Raise UserError if a training has no images, or if its recipe does not fit a detector.

    Args:
        slug: the model.
        dataset: its data set at this scale.
        recipe: the resolved recipe.
    """
    if "train" not in DATASETS[dataset].splits:
        raise UserError(
            f"model '{slug}' cannot be trained on {dataset}, which has no training images: name "
            "published weights under `weights` of its row, or another data set in the scale."
        )
    if DATASETS[dataset].task == USUAL:
        return
    augmentation, validation = recipe["augmentation"], recipe["validation"]
    unfit = [
        *recipe["parts"],
        *(["recorders"] if recipe["recorders"] else []),
        *(["augmentation.pad"] if augmentation["pad"] else []),
        *(["validation.fraction"] if validation["fraction"] else []),
    ]
    if unfit:
        raise UserError(
            f"model '{slug}' is a detector, but the recipe of '{recipe['method']}' has {unfit[0]}, "
            "which only trainings of classifiers have: remove it or set it to 0."
        )


def check_measured(artifact: str, row: Mapping, models: Mapping, probes: Mapping) -> None:
    """Raise UserError if an artifact measures detectors as classifiers, or vice versa.

    Args:
        artifact: its id.
        row: the resolved artifact.
        models: resolved models by slug.
        probes: resolved probes by name; other names are attacks.
    """
    for name in row["probes"]:
        wanted = task_of("probes", probes[name]["probe"]) if name in probes else USUAL
        for slug in row["models"]:
            found = DATASETS[models[slug]["dataset"]].task
            if wanted != found:
                raise UserError(
                    f"artifact '{artifact}' measures '{name}', which is for {wanted}, of model "
                    f"'{slug}', which is for {found}: remove one of them."
                )
