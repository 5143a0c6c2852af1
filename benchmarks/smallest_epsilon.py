"""Searches for the smallest epsilon: this engine against foolbox 2.4.0, image by image and in time.

    python benchmarks/smallest_epsilon.py [--images 50] [--search NAME] [--json PATH]

All arms search for the same test images of one network, in one process, in float32, with the
constants of min-fgsm and min-pgd in config/attacks.yaml, which are foolbox's defaults:

    one by one  foolbox.run_sequential: an image after the other, as foolbox 1.x has it
    batched     foolbox.run_parallel, new in 2.x: the images' current passes share a batch
    engine      passband.attacks on the frozen network, channels_last

A ratio is printed only if the epsilons are the same to the search's resolution (but for --tolerance
of the images) and the engine timed against itself gives 1. Batches of other sizes round otherwise;
where that turns the sign of a gradient near zero, PGD goes another way. The network has two
convolutions and sees Fashion-MNIST at half size; it is trained at once. On a CPU these are seconds
of processor time. About a minute on one core.
"""

import argparse
import collections
import collections.abc
import math
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband import compute as computing
from passband.attacks import craft
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import load
from passband.draws import Draws
from passband.evaluation import frozen
from passband.files import write_json
from passband.plan import read_yaml
from passband.plan.rows import resolve_row

for name in ("Iterable", "Mapping"):  # foolbox 2 was written for Python before 3.10
    setattr(collections, name, getattr(collections.abc, name))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import foolbox

ROOT = Path(__file__).resolve().parents[1]
ROWS = read_yaml(ROOT / "config" / "attacks.yaml")
SEARCHES = {name: resolve_row("attack", name, ROWS[name], {}) for name in ("min-fgsm", "min-pgd")}
REFERENCES = {
    "min-fgsm": foolbox.attacks.GradientSignAttack,
    "min-pgd": foolbox.attacks.ProjectedGradientDescentAttack,
}
FGSM, PGD = SEARCHES["min-fgsm"], SEARCHES["min-pgd"]
RESOLUTIONS = {  # the finest size of the line; the last bisection from the first epsilon
    "min-fgsm": FGSM["largest"] / FGSM["sizes"] / FGSM["finer"],
    "min-pgd": PGD["first"] / 2 ** PGD["tries"],
}
ROUNDING = 1e-7  # of an epsilon near 1 in float32
ALIKE = 0.1  # the engine against itself may differ by this much, or the run is void
AT_LEAST = 1.0  # seconds of the engine before and after the other arms

Arm = Callable[[str, Tensor, Tensor], np.ndarray]  # (search, images, labels) to epsilons [N]


# The subject


def trained(steps: int = 120) -> tuple[nn.Module, Tensor, Tensor]:
    """A network after a short training, test images [N, 1, 16, 16] and labels."""
    with TemporaryDirectory() as folder:
        prepare("fashion-mnist-sample", Path(folder))
        (images, labels), (test, true) = (
            (F.avg_pool2d(part.images.float() / 255, 2), part.labels)
            for part in (load(Path(folder), "train"), load(Path(folder), "test"))
        )
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / steps)
        chosen = torch.arange(64 * step, 64 * (step + 1)) % len(images)
        optimizer.zero_grad()
        F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    return model.eval().requires_grad_(False), test, true


# The arms


class Single(nn.Module):
    """The network for images in double precision, which foolbox 2 makes under NumPy 2."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images.float())


def reference_arm(model: nn.Module, classes: int, device: torch.device, run: Callable) -> Arm:
    """A search of foolbox, by `run`, one of its two ways to go through images."""
    subject = foolbox.models.PyTorchModel(Single(model).eval(), (0, 1), classes, device=device)
    criterion = foolbox.criteria.Misclassification()

    def search(name: str, images: Tensor, labels: Tensor) -> np.ndarray:
        pixels, true = images.cpu().contiguous().numpy(), labels.cpu().numpy()
        distance = foolbox.distances.Linfinity
        found = run(REFERENCES[name], subject, criterion, pixels, true, distance=distance)
        epsilons = np.array([each.distance.value for each in found])
        return np.where(np.isfinite(epsilons), epsilons, 0)

    return search


def engine_arm(model: nn.Module, compute: Compute) -> Arm:
    """A search of passband."""
    logits_of = compute.logits_of(compute.place(frozen(model)))

    def search(name: str, images: Tensor, labels: Tensor) -> np.ndarray:
        draws = Draws(0, torch.arange(len(images), device=images.device))
        found = craft(SEARCHES[name], logits_of, images, labels, draws)
        return (found - images).abs().amax((1, 2, 3)).cpu().numpy()

    return search


# Measuring


def timed(arm: Callable[[], np.ndarray], cuda: bool) -> tuple[np.ndarray, float]:
    """The epsilons and the seconds; every arm ends with a copy to the CPU."""
    clock = time.perf_counter if cuda else time.process_time
    started = clock()
    found = arm()
    return found, clock() - started


def measure(arms: dict[str, Arm], name: str, images: Tensor, labels: Tensor) -> dict:
    """Epsilons and seconds of one search; the engine goes first and last."""
    run = {arm: partial(search, name, images, labels) for arm, search in arms.items()}
    run["engine"]()
    _, warm = timed(run["engine"], images.is_cuda)
    engine = ["engine"] * math.ceil(AT_LEAST / warm)
    epsilons, seconds = {}, {arm: [] for arm in arms}
    for arm in [*engine, *(arm for arm in arms if arm != "engine"), *engine]:
        epsilons[arm], taken = timed(run[arm], images.is_cuda)
        seconds[arm].append(taken)
        print(f"{name}: {arm}", file=sys.stderr, flush=True)
    away = {
        arm: np.abs(epsilons["engine"] - found)
        for arm, found in epsilons.items()
        if arm != "engine"
    }
    return {
        "epsilons": {arm: found.tolist() for arm, found in epsilons.items()},
        "largest_difference": {arm: float(each.max()) for arm, each in away.items()},
        "differ": {
            arm: np.flatnonzero(each > RESOLUTIONS[name] + ROUNDING).tolist()
            for arm, each in away.items()
        },
        "seconds": {arm: float(np.median(each)) for arm, each in seconds.items()},
        "control": float(np.divide(*np.median(np.reshape(seconds["engine"], (2, -1)), 1))),
    }


# The report


def report(result: dict) -> None:
    """Print guards and, if they hold, the ratios."""
    print(
        f"Smallest epsilon: {result['images']} images of Fashion-MNIST, {result['clean']} right "
        f"without an attack\n{result['device']}, "
        f"{result['threads']} thread(s), float32, torch {result['torch']}"
    )
    for name, one in result["searches"].items():
        print(f"\n{name}, to {RESOLUTIONS[name]:.1e}, in the l-infinity norm")
        for arm, difference in one["largest_difference"].items():
            count = len(one["differ"][arm])
            print(f"  {arm:<11} largest difference {difference:.1e}, {count} images beyond that")
        print(f"  same epsilons  {verdict(one['same_passed'])}")
        print(f"  control        {one['control']:.2f}  {verdict(one['control_passed'])}")
        if not (one["same_passed"] and one["control_passed"]):
            print("  No ratio: a guard failed. If it is the control, run again.")
            continue
        for arm, seconds in one["seconds"].items():
            print(f"  {arm:<11}{seconds:>9.3f} s{seconds / one['seconds']['engine']:>9.1f}")


def verdict(passed: bool) -> str:
    """How a guard is printed."""
    return "ok" if passed else "FAILED"


def main() -> int:
    """Run everything; 0 if the ratios are valid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--search", choices=list(SEARCHES), help="one of the two only")
    parser.add_argument("--tolerance", type=float, default=0.04, help="share that may differ")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args()

    compute = computing.choose(options.threads)
    model, images, labels = trained()
    compute = Compute(compute.device, torch.float32)
    model = model.to(compute.device)
    count = min(options.images, len(labels))
    images = images[:count].to(compute.device)
    labels = labels[:count].to(compute.device)
    reference = partial(reference_arm, model, 10, compute.device)
    arms = {
        "one by one": reference(foolbox.run_sequential),
        "batched": reference(foolbox.run_parallel),
        "engine": engine_arm(model, compute),
    }
    names = [options.search] if options.search else list(SEARCHES)
    searches = {name: measure(arms, name, images, labels) for name in names}
    for one in searches.values():
        one["same_passed"] = max(map(len, one["differ"].values())) <= options.tolerance * count
        one["control_passed"] = abs(one["control"] - 1) <= ALIKE
    result = {
        "images": count,
        "clean": int((model(images).argmax(1) == labels).sum()),
        **compute.describe(),
        "searches": searches,
    }
    result["valid"] = all(one["same_passed"] and one["control_passed"] for one in searches.values())
    report(result)
    if options.json:
        write_json(options.json, result)
    return 0 if result["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
