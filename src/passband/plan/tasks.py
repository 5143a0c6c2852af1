"""Classification and detection: what belongs to which, checked before anything runs."""

from collections.abc import Mapping

from passband.data.registry import DATASETS
from passband.dependencies import declared
from passband.errors import UserError

USUAL = "classification"


def task_of(registry: str, name: str) -> str:
    """The task of a registered network or probe."""
    return declared(registry)[name].settings.get("task", USUAL)


def check_network(slug: str, dataset: str, architecture: str) -> None:
    """Raise UserError for a model whose network and data set have different tasks."""
    wanted, found = DATASETS[dataset].task, task_of("models", architecture)
    if wanted != found:
        raise UserError(
            f"model '{slug}' has {architecture}, a network for {found}, on {dataset}, a data set "
            f"for {wanted}: choose another network or data set, in its row or in the scale."
        )


def check_trainable(slug: str, dataset: str, recipe: Mapping) -> None:
    """Raise UserError for a training without images, or of a detector with what it does not do.

    Args:
        slug: the model.
        dataset: its data set at this scale.
        recipe: resolved.
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
    """Raise UserError for an artifact that measures detectors as classifiers, or the reverse.

    Args:
        artifact: its id.
        row: resolved.
        models: resolved models by slug.
        probes: resolved probes by name; what is none of them is an attack.
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
