"""Refuse, while planning, what networks that normalise by the moments of their batch cannot do.

Their outputs depend on the whole batch: a single image has no moments, and attacks must keep all
images of the batch.
"""

from collections.abc import Iterable, Mapping

from passband.dependencies import declared
from passband.errors import UserError
from passband.plan.budgets import training_images
from passband.quantities import held_out


def has_batch_moments(architecture: str) -> bool:
    """Whether an architecture is registered with `batch_moments=True`."""
    return declared("models")[architecture].settings.get("batch_moments", False)


def check_batch_moments(
    models: Mapping[str, Mapping],
    artifacts: Iterable[Mapping],
    probes: Mapping[str, Mapping],
    attacks: Mapping[str, Mapping],
    config: Mapping,
) -> None:
    """Refuse batches of one image and attacks that drop images for networks with batch moments.

    Args:
        models: resolved, by slug.
        artifacts: resolved, each with its models and probes.
        probes: resolved, by name.
        attacks: resolved, by name.
        config: of the run, for its numbers of images.

    Raises:
        UserError: names the recipe, the probe or the key.
    """
    concerned = {slug for slug, row in models.items() if has_batch_moments(row["architecture"])}
    for slug in sorted(concerned):
        _check_training(models[slug], config["train_images"])
    for artifact in artifacts:
        for slug in concerned & set(artifact["models"]):
            for name in artifact["probes"]:
                row = probes.get(name) or {"attack": attacks[name]}
                _check_probe(f"probe '{name}'", row, models[slug])


def _check_training(model: Mapping, limit: int | None) -> None:
    recipe, owner = model["recipe"], f"the recipe of '{model['method']}'"
    rows = (*recipe["parts"].values(), recipe["validation"])
    _check_attacks(owner, [row.get("attack") for row in rows], model)
    for key, row in recipe["recorders"].items():
        if row.get("images") == 1:
            raise _one_image(f"recorder '{key}' of {owner} has images: 1", model)
    images, size = training_images(model, limit), recipe["batch_size"]
    if images is None:
        return
    aside = held_out(images, recipe["validation"]["fraction"])
    if aside == 1 or (aside and recipe["validation"].get("images") == 1):
        raise _one_image(f"{owner} validates on one image", model)
    if size == 1 or (images - aside) % size == 1:
        raise _one_image(f"{owner} cuts {images - aside} images into batches of {size}", model)


def _check_probe(owner: str, row: Mapping, model: Mapping) -> None:
    if row.get("images") == 1:
        raise _one_image(f"{owner} has images: 1", model)
    _check_attacks(owner, [row.get("attack"), *row.get("attacks", [])], model)


def _check_attacks(owner: str, attacks: Iterable[Mapping | None], model: Mapping) -> None:
    for attack in attacks:
        if attack and drops_images(attack):
            raise UserError(
                f"{owner} has attack '{attack['name']}', which drops images from the batch, but "
                f"the outputs of {model['architecture']} depend on the whole batch: choose an "
                "attack that keeps all images, such as fgsm or pgd without restarts, or another "
                "network."
            )


def drops_images(attack: Mapping) -> bool:
    """Whether a resolved attack may continue with only some images of its batch."""
    settings = declared("attacks")[attack["attack"]].settings
    return settings.get("drops_images", False) or attack.get("restarts", 1) > 1


def _one_image(what: str, model: Mapping) -> UserError:
    return UserError(
        f"{what}, which leaves a batch of one image, but {model['architecture']} normalises by the "
        "moments of the batch: change the number of images or batch_size so that every batch has "
        "two."
    )
