"""An input filter: the network is trained on filtered images."""

from torch import Tensor

from passband.options import FilterName
from passband.spectra.filters import apply
from passband.training.parts import PARTS


@PARTS.register("input_filter", role="input filter")
def input_filter(images: Tensor, *, filter: FilterName) -> Tensor:
    """Filter the training images after augmentation; validation images stay as they are.

    Args:
        filter: the filter that images pass before the network sees them.
    """
    return apply(filter, images)
