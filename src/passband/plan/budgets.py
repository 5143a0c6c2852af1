"""Numbers of images that do not fit each other, refused before anything runs."""

from collections.abc import Callable, Mapping
from itertools import count

from passband.data.registry import DATASETS
from passband.errors import UserError


def check_training(training: Mapping, limit: int | None) -> None:
    """Refuse a training that has fewer images than a batch, or holds none out to select by.

    Args:
        training: dataset, architecture and resolved recipe.
        limit: the scale's train_images.

    Raises:
        UserError: one sentence with the least number that works.
    """
    recipe, dataset = training["recipe"], training["dataset"]
    images, owner = available(dataset, "train", limit), f"the recipe of '{recipe['method']}'"
    if images is None:
        return
    fraction, batch = recipe["validation"]["fraction"], recipe["batch_size"]
    held_out = round(images * fraction)
    if images - held_out < batch:
        about = (batch - 0.5) / (1 - fraction)
        enough = _least(lambda one: one - round(one * fraction) >= batch, about)
        raise UserError(
            f"{owner} has batch_size {batch}, but {images - held_out} images to train on ({images} "
            f"without the {held_out} held out): lower batch_size{_or_raise(enough, dataset)}."
        )
    if held_out == 0 and recipe["select"] != "last":
        enough = _least(lambda one: round(one * fraction) > 0, 0.5 / fraction)
        raise UserError(
            f"{owner} selects by {recipe['select']}, but holds out none of {images} images: raise "
            f"validation.fraction{_or_raise(enough, dataset)}."
        )


def _least(fits: Callable[[int], bool], about: float) -> int:
    """The least number of images that fits, which lies within a few of another number."""
    return next(one for one in count(max(1, int(about) - 3)) if fits(one))


def _or_raise(enough: int, dataset: str) -> str:
    possible = enough <= DATASETS[dataset].sizes["train"]
    return f", or raise train_images to at least {enough}" if possible else ""


def available(dataset: str, split: str, limit: int | None = None) -> int | None:
    """The number of images of a split, at most `limit`; None where the registry does not know."""
    known = [one for one in (DATASETS[dataset].sizes.get(split), limit) if one is not None]
    return min(known, default=None)
