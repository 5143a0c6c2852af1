"""Filters of images, one file per shape, with a common signature.

    filter(images, *, keep, <size>, ...) -> filtered images

`images`: float (..., H, W); `keep` is the part that is left, "low" or "high". The result is real
and not clipped. A shape is registered with the name of its `size` argument and the `step` to which
shares of the image side are rounded.
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
    constants = {key: value for key, value in filter.items() if key not in ("name", "shape")}
    size = FILTERS.settings(filter["shape"])["size"]
    constants[size] = size_of(filter, images.shape[-1])
    return FILTERS[filter["shape"]](images, **constants)


def size_of(filter: dict, side: int) -> int:
    """The size of a resolved filter in pixels or frequencies for images of a side."""
    settings = FILTERS.settings(filter["shape"])
    return size_at(side, filter[settings["size"]], settings.get("step", 1))


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
