"""Architectures: one file per family, found by themselves.

Every network takes float images [N, C, H, W] in [0, 1], not normalised, and returns logits
[N, classes]. To add one, put a file with a registered builder into this folder.
"""

from importlib import import_module
from pkgutil import iter_modules

from passband.models.folding import fold_batchnorm
from passband.models.registry import build, names, register

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["build", "fold_batchnorm", "names", "register"]
