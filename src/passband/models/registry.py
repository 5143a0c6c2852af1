"""Which architectures exist, by name."""

from collections.abc import Callable

import torch
from torch import nn

from passband.errors import unknown

Builder = Callable[[int, int, int], nn.Module]

_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Decorate a builder `(channels, classes, side) -> nn.Module` to make it known as `name`.

    Raises ValueError when the name is taken.
    """

    def add(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"architecture '{name}' is registered twice")
        _BUILDERS[name] = builder
        return builder

    return add


def names() -> list[str]:
    """The registered architectures, sorted."""
    return sorted(_BUILDERS)


def build(name: str, channels: int, classes: int, side: int, seed: int) -> nn.Module:
    """A new network on the CPU, in training mode, whose initial weights depend on `seed` only.

    channels and side describe the images [N, channels, side, side]; the global random state is
    left as it was. Raises UserError for an architecture that nobody registered.
    """
    if name not in _BUILDERS:
        raise unknown("architecture", name, _BUILDERS)
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        return _BUILDERS[name](channels, classes, side)
