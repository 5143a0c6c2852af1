"""An input filter: the network is trained on filtered or rescaled images."""

from torch import Tensor

from passband.options import FilterName, Rescaling
from passband.spectra.filters import apply
from passband.spectra.scaling import rescaled
from passband.training.parts import PARTS


@PARTS.register("input_filter", role="input filter")
def input_filter(
    images: Tensor, *, filter: FilterName | None = None, rescale: Rescaling | None = None
) -> Tensor:
    """Filter or rescale training images after augmentation; validation images stay as they are.

    Args:
        filter: the filter to apply; no filtering if left out.
        rescale: applied after the filter: `image-max` divides every image by its own largest value,
            `image-max-bytes` also rounds it down to multiples of 1/255; no rescaling if left out.
    """
    return rescaled(images if filter is None else apply(filter, images), rescale)
