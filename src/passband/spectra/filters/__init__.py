"""Filters of images, one file per shape, with a common signature.

    filter(images, *, keep, <size>, ...) -> filtered images

`images`: float (..., H, W); `keep` is the part that is left, "low" or "high". The result is real
and not clipped. A shape is registered with these settings. size: the name of its size argument.
step: shares of the image side are rounded to a multiple of it, 1 by default; None for a size that
does not depend on the side. sizes: by `keep`, the smallest and the largest size that do not remove
the whole image; the largest is "side", "below side" or "corner", the distance of the farthest
frequency from the DC component, rounded down. Without it all sizes from 0 to the side are accepted.
inclusive_sizes: the same of a filter with `inclusive`, where it differs.
"""

from torch import Tensor

from passband.quantities import size_at
from passband.registry import Registry

FILTERS = Registry("filter shape", __name__)


def apply(filter: dict, images: Tensor) -> Tensor:
    """Filter images by a resolved row of config/filters.yaml.

    Args:
        filter: name, shape and the arguments of the shape's function.
        images: float (..., H, W).

    Returns:
        The filtered images, float (..., H, W).
    """
    if not images.numel():  # FFTs refuse empty batches
        return images
    constants = {key: value for key, value in filter.items() if key not in ("name", "shape")}
    size = FILTERS.settings(filter["shape"])["size"]
    constants[size] = size_of(filter, images.shape[-1])
    return FILTERS[filter["shape"]](images, **constants)


def size_of(filter: dict, side: int) -> int | float:
    """The size of a resolved filter for images of a side, in pixels or frequencies; as given if it
    does not depend on the side."""
    settings = FILTERS.settings(filter["shape"])
    size, step = filter[settings["size"]], settings.get("step", 1)
    return size if step is None else size_at(side, size, step)


def describe(filter: dict, side: int) -> str:
    """A resolved filter as part of a measurement's condition, every constant named.

    >>> row = {"name": "lowpass-1-2", "shape": "square", "keep": "low", "bandwidth": "1/2"}
    >>> describe(row, 32)
    'filter=lowpass-1-2;shape=square;keep=low;bandwidth=16'
    """
    size = FILTERS.settings(filter["shape"])["size"]
    constants = filter | {size: size_of(filter, side)}
    return ";".join(
        f"{'filter' if key == 'name' else key}={value}" for key, value in constants.items()
    )
