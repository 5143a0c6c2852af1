"""Stateless random numbers: every draw is a function of (seed, purpose, image index, position).

The draws for an image do not depend on the batch, the number of workers, the device or a
resumption, because there is no stream from which they are consumed. Each image has a SplitMix64
sequence of its own (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA
2014), whose start is hashed from the key and the index; torch's wrapping int64 arithmetic computes
all sequences at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import prod

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Clock:
    """The epoch and the batch of a training whose step is captured once and replayed.

    Numbers that a step computes on the host from these two, above all the keys of its draws, are
    `Timed`. The device reads them from tensors, which `set` fills before every step.
    """

    def __init__(self):
        self._epoch = self._number = self._asked = 0
        self._shown: list[Shown] = []
        self.epoch = Timed(self, lambda: self._epoch)
        self.number = Timed(self, lambda: self._number)

    def set(self, epoch: int, number: int) -> None:
        """Go to a batch of an epoch, both counted from 0."""
        self._epoch, self._number, self._asked = epoch, number, 0
        for shown in self._shown:
            if (value := shown.timed.value()) != shown.value:
                shown.tensor.fill_(value)
                shown.value = value

    def show(self, timed: "Timed", dtype: torch.dtype, device: torch.device) -> Tensor:
        """The value as a 0-d tensor.

        Every step must ask for the same values in the same order: it gets the first step's tensors.
        """
        if self._asked == len(self._shown):
            value = timed.value()
            tensor = torch.full((), value, dtype=dtype, device=device)
            self._shown.append(Shown(timed, tensor, value))
        self._asked += 1
        return self._shown[self._asked - 1].tensor


@dataclass(frozen=True)
class Timed:
    """A number that is computed from a clock; as text it would no longer follow it."""

    clock: Clock
    value: Callable[[], int | float] = field(compare=False)

    def __str__(self) -> str:
        raise TypeError("a number that changes with the epoch or batch cannot be text: use key_of")

    def __int__(self) -> int:
        return int(self.value())


@dataclass
class Shown:
    """A number that is computed from a clock, its tensor, and the value that the tensor holds."""

    timed: Timed
    tensor: Tensor
    value: int | float


Number = int | float | Timed


def timely(function: Callable[..., Number], *arguments: object) -> Number:
    """function(*arguments), as a `Timed` number if one of the arguments is `Timed`."""
    for argument in arguments:
        if isinstance(argument, Timed):
            return Timed(
                argument.clock,
                lambda: function(
                    *(one.value() if isinstance(one, Timed) else one for one in arguments)
                ),
            )
    return function(*arguments)


def on_device(number: Number, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A number as a 0-d tensor, which follows its clock if it has one."""
    if isinstance(number, Timed):
        return number.clock.show(number, dtype, device)
    return torch.full((), number, dtype=dtype, device=device)


def key_of(*words: object) -> int:
    """A 63-bit key from any words, e.g. key_of(seed, "shuffle", epoch); `Timed` if a word is."""
    return timely(_hashed, *words)


def _hashed(*words: object) -> int:
    text = "\x1f".join(map(str, words)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift_right(x: Tensor, count: int) -> Tensor:
    return (x >> count) & ((1 << (64 - count)) - 1)


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift_right(x, 30)) * _signed(MIX[0])
    x = (x ^ _shift_right(x, 27)) * _signed(MIX[1])
    return x ^ _shift_right(x, 31)


@dataclass(frozen=True)
class Draws:
    """Random numbers for the images at `indices` (int64 [N], on the wanted device) under `key`."""

    key: int | Timed
    indices: Tensor

    def take(self, chosen: Tensor) -> "Draws":
        """The same draws for a subset (bool mask or positions) of the images."""
        return Draws(self.key, self.indices[chosen])

    def bits(self, purpose: object, shape: tuple[int, ...] = ()) -> Tensor:
        """Uniform int64 bits [N, *shape]."""
        key = on_device(key_of(self.key, purpose), torch.int64, self.indices.device)
        starts = _mix(self.indices * _signed(GOLDEN) + key)
        steps = torch.arange(1, prod(shape) + 1, device=self.indices.device) * _signed(GOLDEN)
        return _mix(starts[:, None] + steps).view(len(self.indices), *shape)

    def uniform(self, purpose: object, shape: tuple[int, ...] = ()) -> Tensor:
        """Uniform float32 in [0, 1), [N, *shape], on the grid of multiples of 2^-24."""
        return _shift_right(self.bits(purpose, shape), 40).float().mul_(2.0**-24)

    def normal(self, purpose: object, shape: tuple[int, ...] = ()) -> Tensor:
        """Standard normal float32 [N, *shape] (Box and Muller 1958), at most 5.8 from zero."""
        radius = self.uniform((purpose, "radius"), shape).mul_(-1).log1p_().mul_(-2).sqrt_()
        return radius * self.uniform((purpose, "angle"), shape).mul_(2 * math.pi).cos_()

    def signs(self, purpose: object, shape: tuple[int, ...] = ()) -> Tensor:
        """Fair random signs, float32 -1 or +1, [N, *shape]."""
        return 1.0 - 2.0 * (self.bits(purpose, shape) < 0).float()

    def integers(self, purpose: object, high: int, shape: tuple[int, ...] = ()) -> Tensor:
        """Uniform int64 in [0, high), [N, *shape]; high must be far below 2^24."""
        return _shift_right(self.bits(purpose, shape), 32) * high >> 32


def permutation(key: int, count: int, device: torch.device | str = "cpu") -> Tensor:
    """A uniform random permutation of range(count), int64 [count]."""
    indices = torch.arange(count, device=device)
    return torch.argsort(Draws(key, indices).bits("permutation"), stable=True)
