"""Derived models: transforms of another model's weights, without training, one file each.

    transform(model, *, ...) -> model

The model comes as it was trained, in eval mode, and may be changed in place.
"""

from passband.registry import Registry

TRANSFORMS = Registry("transform", __name__)
