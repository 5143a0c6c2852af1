"""Linear CKA between all layers of a network: one streaming pass against pairwise loops.

    python benchmarks/cka.py [--architecture resnet8] [--images 100] [--batch 50] [--json PATH]

Both arms compute the minibatch CKA (Nguyen, Raghu and Kornblith 2021) of every pair of convolutions
and linear layers on the same images, in one process, in turns, both in strict float32:

    pairwise  as it is commonly written for two networks: two forward passes that keep all
              activations, and for every pair of layers the Gram matrices anew, three HSICs and
              their .item()
    engine    passband.probes.cka: each activation becomes a Gram matrix when it is there, and one
              product gives all pairs

A ratio is printed only if both matrices agree with double precision and the engine timed against
itself gives 1. The network is not trained: neither speed nor the guard depends on it. On a CPU
these are seconds of processor time, which other programs do not lengthen much.

    python benchmarks/cka.py --memory

prints instead how much memory either arm takes on the CPU as images and layers grow, each in a
process of its own: the peak of its resident memory above what network and images need.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from paired import forth_and_back, synchronise, verdict
from torch import Tensor, nn

from passband import compute as computing
from passband import models
from passband.data.preparation import prepare
from passband.data.storage import load
from passband.files import write_json
from passband.probes.cka import layer_grams
from passband.spectra.similarity import cka, hsic_unbiased

ALIKE = 0.1  # the engine against itself may differ by this much, or the run is void
AGREE = 1e-4  # largest difference of a CKA from double precision

Arm = Callable[[nn.Module, list[Tensor]], Tensor]  # (model, batches of images) to CKA [L, L]


# The arms


def pairwise(model: nn.Module, batches: list[Tensor]) -> Tensor:
    """CKA of all pairs with everything recomputed for each pair."""
    layers = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    kept: list[Tensor] = []
    handles = [
        layer.register_forward_hook(lambda _, __, outputs: kept.append(outputs)) for layer in layers
    ]
    count = len(layers)
    hsics = np.zeros((count, count, 3))
    with torch.no_grad():
        for images in batches:
            kept.clear()
            model(images)
            first = list(kept)
            kept.clear()
            model(images)
            for i, left in enumerate(first):
                x = left.flatten(1)
                k = (x @ x.T).fill_diagonal_(0)
                hsics[i, :, 0] += hsic(k, k)
                for j, right in enumerate(kept):
                    y = right.flatten(1)
                    m = (y @ y.T).fill_diagonal_(0)
                    hsics[i, j, 1] += hsic(k, m)
                    hsics[i, j, 2] += hsic(m, m)
    for handle in handles:
        handle.remove()
    return torch.from_numpy(hsics[..., 1] / np.sqrt(hsics[..., 0] * hsics[..., 2]))


def hsic(k: Tensor, m: Tensor) -> float:
    """The unbiased HSIC of two Gram matrices [n, n] whose diagonals are zero."""
    n = len(k)
    ones = torch.ones(n, 1, dtype=k.dtype, device=k.device)
    value = torch.trace(k @ m).item()
    value += (ones.T @ k @ ones @ ones.T @ m @ ones).item() / ((n - 1) * (n - 2))
    value -= (ones.T @ k @ m @ ones).item() * 2 / (n - 2)
    return value / (n * (n - 3))


def engine(model: nn.Module, batches: list[Tensor]) -> Tensor:
    """CKA of all pairs as the probe layer_similarity computes it."""
    hsics = [
        hsic_unbiased(torch.stack(list(layer_grams(model, images).values()))) for images in batches
    ]
    return cka(torch.stack(hsics).mean(0)).cpu()


ARMS: dict[str, Arm] = {"pairwise": pairwise, "engine": engine}


# Measuring


def exact(model: nn.Module, batches: list[Tensor]) -> Tensor:
    """The same matrix with network, activations and Gram matrices in double precision."""
    model.double()
    result = engine(model, [images.double() for images in batches])
    model.float()
    return result


def timed(arm: Arm, model: nn.Module, batches: list[Tensor]) -> float:
    """Seconds for all batches."""
    device = batches[0].device
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    synchronise(device)
    started = clock()
    arm(model, batches)
    synchronise(device)
    return clock() - started


def measure(model: nn.Module, batches: list[Tensor], blocks: int) -> dict[str, np.ndarray]:
    """Seconds [blocks, 2] of each arm; a block runs the arms forth and back."""
    arms = {name: partial(timed, arm, model, batches) for name, arm in ARMS.items()}
    return forth_and_back(arms, blocks)


def peak_memory(name: str, architecture: str, count: int, batch: int) -> float:
    """MiB that an arm takes at its peak, in this process, which has done nothing before."""
    torch.set_num_threads(1)
    model = models.build(architecture, 1, 10, 32, seed=0).eval().requires_grad_(False)
    images = torch.rand(count, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    ARMS[name](model, [images[:4]])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ARMS[name](model, list(images.split(batch)))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def memory_table() -> None:
    """Print the peaks for two networks and growing numbers of images."""
    print(f"{'network':<18}{'images':>8}{'batch':>8}{'pairwise':>12}{'engine':>10}   MiB, float32")
    for architecture in ("resnet8", "resnet20_hardtanh"):
        for count, batch in ((100, 100), (400, 100), (1600, 100), (400, 400)):
            peaks = []
            for name in ARMS:
                with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                    one = alone.submit(peak_memory, name, architecture, count, batch)
                    peaks.append(one.result())
            print(f"{architecture:<18}{count:>8}{batch:>8}{peaks[0]:>12.0f}{peaks[1]:>10.0f}")


# The report


def report(result: dict) -> None:
    """Print guards and, if they hold, the table."""
    print(
        f"Linear CKA: {result['layers']} layers of {result['architecture']}, {result['images']} "
        f"images of {result['dataset']} in batches of {result['batch']}\n{result['device']}, "
        f"{result['threads']} thread(s), float32, torch {result['torch']}\n"
    )
    for name, difference in result["difference"].items():
        passed = verdict(difference <= AGREE)
        print(f"{name:<10} largest difference from float64: {difference:.1e}  {passed}")
    print(
        f"control    engine against itself {result['control']:.2f}  "
        f"{verdict(result['control_passed'])}\n"
    )
    if not result["valid"]:
        print("No ratio: a guard failed. If it is the control, the machine is unsteady: run again.")
        return
    for name, seconds in result["seconds"].items():
        print(f"{name:<10}{np.mean(seconds):>10.3f} s")
    by_block = ", ".join(f"{ratio:.1f}" for ratio in result["ratios"])
    print(f"engine is faster by {np.median(result['ratios']):.1f} (by block: {by_block})")


def main() -> int:
    """Run everything; 0 if the ratio is valid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="resnet8", choices=models.names())
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--batch", type=int, default=50, help="images in a Gram matrix, at least 4")
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    options = parser.parse_args()
    if options.memory:
        memory_table()
        return 0

    compute = computing.choose(options.threads)
    with TemporaryDirectory() as folder:
        prepare("fashion-mnist-sample", Path(folder))
        test = load(Path(folder), "test")
    channels, side = test.images.shape[1:3]
    model = models.build(options.architecture, channels, len(test.classes), side, seed=0)
    model = compute.place(model.eval().requires_grad_(False))
    count = min(options.images, len(test.labels)) // options.batch * options.batch
    if count == 0 or options.batch < 4:
        parser.error("give a batch of at least 4 images, and at least as many images")
    images = compute.images(test.images[:count].to(compute.device))
    batches = list(images.split(options.batch))

    expected = exact(model, batches)
    difference = {
        name: (arm(model, batches) - expected).abs().max().item() for name, arm in ARMS.items()
    }
    times = measure(model, batches, options.blocks)
    control = float(np.median(times["engine"][:, 0] / times["engine"][:, 1]))
    result = {
        "architecture": options.architecture,
        "layers": len(expected),
        "dataset": test.title,
        "images": count,
        "batch": options.batch,
        **compute.describe(),
        "difference": difference,
        "control": control,
        "control_passed": abs(control - 1) <= ALIKE,
        "seconds": {name: pairs.tolist() for name, pairs in times.items()},
        "ratios": (times["pairwise"].sum(1) / times["engine"].sum(1)).tolist(),
    }
    result["valid"] = result["control_passed"] and max(difference.values()) <= AGREE
    report(result)
    if options.json:
        write_json(options.json, result)
    return 0 if result["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
