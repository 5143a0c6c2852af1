"""Stateless random numbers: every draw is a function of (seed, purpose, image index, position).

The draws for an image do not depend on the batch, the number of workers, the device or a
resumption, because there is no stream from which they are consumed. Each image has a SplitMix64
sequence of its own (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA
2014), whose start is hashed from the key and the index; torch's wrapping int64 arithmetic computes
all sequences at once.
"""

import math
from dataclasses import dataclass
from hashlib import blake2b
from math import prod

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def key_of(*words: object) -> int:
    """A 63-bit key from any words, e.g. key_of(seed, "shuffle", epoch)."""
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

    key: int
    indices: Tensor

    def take(self, chosen: Tensor) -> "Draws":
        """The same draws for a subset (bool mask or positions) of the images."""
        return Draws(self.key, self.indices[chosen])

    def bits(self, purpose: object, shape: tuple[int, ...] = ()) -> Tensor:
        """Uniform int64 bits [N, *shape]."""
        starts = _mix(self.indices * _signed(GOLDEN) + key_of(self.key, purpose))
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
