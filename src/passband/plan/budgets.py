"""Numbers of images of trainings and probes; those that do not fit each other are refused."""

from collections.abc import Callable, Mapping

from passband.data.registry import DATASETS
from passband.errors import UserError
from passband.quantities import held_out

UNKNOWN = 10_000_000  # upper bound on the images of a user's own folder


def check_training(training: Mapping, limit: int | None) -> None:
    """Refuse a training that has fewer images than a batch, or holds none out to select by.

    Args:
        training: dataset, architecture and resolved recipe.
        limit: the scale's train_images.

    Raises:
        UserError: one sentence with the least number that works.
    """
    recipe, dataset = training["recipe"], training["dataset"]
    images, owner = training_images(training, limit), f"the recipe of '{recipe['method']}'"
    if images is None:
        return
    fraction, batch = recipe["validation"]["fraction"], recipe["batch_size"]
    aside = held_out(images, fraction)
    if images - aside < batch:
        more = _or_raise(dataset, lambda one: one - held_out(one, fraction) >= batch)
        raise UserError(
            f"{owner} has batch_size {batch}, but {images - aside} images to train on ({images} "
            f"without the {aside} held out): lower batch_size{more}."
        )
    if aside == 0 and recipe["select"] != "last":
        more = _or_raise(dataset, lambda one: held_out(one, fraction) > 0)
        raise UserError(
            f"{owner} selects by {recipe['select']}, but holds out none of {images} images: raise "
            f"validation.fraction{more}."
        )


def training_images(training: Mapping, limit: int | None) -> int | None:
    """Number of images of a training, including those held out; None if it is not known.

    Args:
        training: dataset and resolved recipe.
        limit: the scale's train_images.
    """
    limits = [one for one in (limit, training["recipe"].get("train_images")) if one is not None]
    return available(training["dataset"], "train", min(limits, default=None))


def _or_raise(dataset: str, enough: Callable[[int], bool]) -> str:
    """Advice to raise train_images, if the data set has enough images."""
    most = DATASETS[dataset].sizes.get("train", UNKNOWN)
    least = next(filter(enough, range(1, most + 1)), None)
    return f", or raise train_images to at least {least}" if least else ""


def most_measured(probe: Mapping, model: Mapping, config: Mapping) -> int | None:
    """The largest number of images that a probe measures of a split, the first ones; None for all.

    Of the images that a model is trained on, those that its training has.

    Args:
        probe: the resolved probe.
        model: the resolved model.
        config: of the run, for its numbers of images.
    """
    if probe.get("split") != "train":
        return config["test_images"]
    own = "dataset" not in probe and model["origin"] != "imported"
    limits = config["train_images"], model["recipe"].get("train_images") if own else None
    return min((one for one in limits if one is not None), default=None)


def available(dataset: str, split: str, limit: int | None = None) -> int | None:
    """The number of images of a split, at most `limit`; None where the registry does not know."""
    known = [one for one in (DATASETS[dataset].sizes.get(split), limit) if one is not None]
    return min(known, default=None)
