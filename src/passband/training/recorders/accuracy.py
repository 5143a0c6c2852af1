"""Accuracy after each epoch, on images as they are and behind filters."""

from typing import Literal

from torch import Tensor

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
    rescale_unfiltered: bool = False,
) -> list[Row]:
    """Accuracy on the first images of a split, unfiltered and behind each filter.

    Args:
        split: `test`, or `train` for the images that the model is trained on, not augmented.
        images: number of images, the first ones of the split.
        filters: the filters, each measured separately.
        rescale: `image-max` divides every filtered image by its own largest value,
            `image-max-bytes` also rounds it down to multiples of 1/255.
        rescale_unfiltered: whether unfiltered images are rescaled, too.
    """
    data = subject.train if split == "train" else subject.test
    shown, labels = data.images[:images], data.labels[:images]
    measured = frozen(subject.model)

    def row(filter: dict | None, how: Rescaling | None) -> Row:
        def change(some: Tensor, _: slice) -> Tensor:
            return rescaled(apply(filter, some) if filter else some, how)

        right = predictions(measured, shown, subject.compute, change) == labels
        condition = describe(filter, shown.shape[-1]) if filter else "filter=none"
        percent = 100 * right.double().mean().item()
        return Row(split, condition + described(how), "accuracy", percent, len(labels))

    unfiltered = row(None, rescale if rescale_unfiltered else None)
    return [unfiltered, *(row(filter, rescale) for filter in filters or ())]
