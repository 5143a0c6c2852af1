"""What the benchmarks share: arms that are timed in turns, and a network to time them on."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from passband import models
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import ImageSet, load
from passband.training.engine import train


def synchronise(device: torch.device) -> None:
    """Wait for a GPU to finish its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(step: Callable[[], object], count: int, device: torch.device) -> float:
    """Seconds per step over `count` steps."""
    synchronise(device)
    started = time.perf_counter()
    for _ in range(count):
        step()
    synchronise(device)
    return (time.perf_counter() - started) / count


@contextmanager
def switches(
    tf32: bool = False, search: bool = False, deterministic: bool = False
) -> Iterator[None]:
    """Set PyTorch's global switches within the block, and restore them afterwards.

    tf32: whether float32 convolutions may use TF32, as they may by PyTorch's default. search:
    whether cuDNN tries its kernels for every new shape. deterministic: whether equal inputs must
    give equal bits.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic
    mode = torch.get_deterministic_debug_mode()
    cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = tf32, search, deterministic
    torch.set_deterministic_debug_mode("warn" if deterministic else "default")
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = before
        torch.set_deterministic_debug_mode(mode)


def forth_and_back(
    arms: Mapping[str, Callable[[], float]], blocks: int, seconds: float = math.inf
) -> dict[str, np.ndarray]:
    """What each arm returns [blocks, 2], its seconds; a block runs all arms forth and back.

    After `seconds` no further block begins.
    """
    times = {name: [] for name in arms}
    end = time.monotonic() + seconds
    for block in range(blocks):
        if block and time.monotonic() > end:
            break
        found = {name: [] for name in arms}
        for name in [*arms, *reversed(arms)]:
            found[name].append(arms[name]())
        for name, pair in found.items():
            times[name].append(pair)
        print(f"block {block + 1} of {blocks}", file=sys.stderr, flush=True)
    return {name: np.array(pairs) for name, pairs in times.items()}


def median_with_interval(values: np.ndarray) -> dict:
    """The median, with its 95 % bootstrap interval over the blocks."""
    chosen = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(np.median(values[chosen], axis=1), [0.025, 0.975])
    return {"median": float(np.median(values)), "low": float(low), "high": float(high)}


def interval(ratio: dict) -> str:
    """A ratio and its interval."""
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def verdict(passed: bool) -> str:
    """How a guard is printed."""
    return "ok" if passed else "FAILED"


def warmed_up(
    folder: Path, architecture: str, recipe: dict, compute: Compute
) -> tuple[nn.Module, ImageSet, ImageSet]:
    """A network after a short training on the embedded sample; training and test images."""
    prepare("fashion-mnist-sample", folder / "data")
    training, test = (load(folder / "data", split) for split in ("train", "test"))
    channels, side = training.images.shape[1:3]
    model = models.build(architecture, channels, len(training.classes), side, seed=0)
    few = training._replace(images=training.images[:4000], labels=training.labels[:4000])
    train(
        recipe,
        few,
        model,
        name="warm-up",
        seed=0,
        data_sha256="",
        compute=compute,
        checkpoint=folder / "state",
    )
    return model, training, test
