"""Accuracy without an attack, on images as they are or as the model saw them in training."""

from torch import Tensor

from passband.evaluation import predictions
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.filters import apply, describe
from passband.spectra.scaling import described, rescaled


@PROBES.register("accuracy")
def accuracy(subject: Subject, *, as_trained: bool = False) -> Measurement:
    """Accuracy without an attack (hfc, table 1).

    Args:
        as_trained: apply the input filter of the model's recipe, if it has one.
    """
    seen = subject.input_filter if as_trained else {}
    filter, rescale = seen.get("filter"), seen.get("rescale")

    def change(images: Tensor, _: slice) -> Tensor:
        return rescaled(images if filter is None else apply(filter, images), rescale)

    predicted = predictions(subject.model, subject.images, subject.compute, change)
    correct = stored(predicted == subject.labels)
    condition = describe(filter, subject.side) if filter else "filter=none"
    found = Measurement({"correct": correct})
    found.accuracy(condition + described(rescale), correct)
    return found
