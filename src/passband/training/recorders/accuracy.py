"""Accuracy after each epoch, on images as they are and behind filters."""

from typing import Literal

from passband.evaluation import frozen, predictions
from passband.options import FilterName, Images, Rescaling
from passband.spectra.filters import apply, describe
from passband.spectra.scaling import described, rescaled
from passband.training.recorders import RECORDERS, Row, Subject


@RECORDERS.register("accuracy")
def accuracy(
    subject: Subject,
    *,
    split: Literal["train", "test"],
    images: Images,
    filters: list[FilterName] | None = None,
    rescale: Rescaling | None = None,
) -> list[Row]:
    """Accuracy on the first images of a split, unfiltered and behind each filter.

    Args:
        split: `test`, or `train` for the images that the model is trained on, not augmented.
        images: number of images, the first ones of the split.
        filters: the filters, each measured separately.
        rescale: `image-max` divides every filtered image by its own largest value,
            `image-max-bytes` also rounds it down to multiples of 1/255; unfiltered images are
            not rescaled.
    """
    data = subject.train if split == "train" else subject.test
    shown, labels = data.images[:images], data.labels[:images]
    measured = frozen(subject.model)

    def percent(**options) -> float:
        right = predictions(measured, shown, subject.compute, **options) == labels
        return 100 * right.double().mean().item()

    rows = [Row(split, "filter=none", "accuracy", percent(), len(labels))]
    for filter in filters or ():
        condition = describe(filter, shown.shape[-1]) + described(rescale)
        value = percent(
            change=lambda some, _, filter=filter: rescaled(apply(filter, some), rescale)
        )
        rows.append(Row(split, condition, "accuracy", value, len(labels)))
    return rows
