"""What a training step of each recipe of a paper costs, relative to one of them.

    python benchmarks/recipe_costs.py [--paper sar] [--architecture resnet8] [--json PATH]

The recipes are those of config/papers/<paper>/models.yaml for CIFAR-10 at the paper scale, in the
epoch where everything that they have is at work; the first of METHODS is the one that all are
compared with. All train copies of one network on the same images, in one process; a block runs each
recipe between two runs of the first, and its ratio is that to their mean.
Beside it stands the ratio of floating-point operations of convolutions and matrix products, counted
on the meta device. Runs in the engine's own precision on the device that training would use; about
ten minutes on one core.
"""

import argparse
import copy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from paired import interval, median_with_interval, timed
from torch import nn
from training_step import ALIKE, BATCH, Step

from passband import compute as computing
from passband import models
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import ImageSet, load
from passband.evaluation import frozen
from passband.files import write_json
from passband.plan import plan, read_yaml, scale_config
from passband.training.operations import Operations
from passband.training.step import training_step

ROOT = Path(__file__).resolve().parents[1]
METHODS = {
    "sar": (
        *("PGD-AT", "natural", "SAR", "SARWA", "TRADES", "TRADES+SAR", "TRADES+SARWA"),
        *("MART", "MART+SAR", "MART+SARWA", "AWP", "AWP+SAR", "AWP+SARWA"),
    ),
    "jafr": ("natural", "JaFR", "FGSM-AT", "FGSM+JaFR", "FGSM+GradAlign", "PGD-AT"),
}
NETWORKS = {"sar": "resnet18", "jafr": "preact_resnet18_plain_end"}


def recipes(paper: str) -> dict[str, dict]:
    """The paper's recipes for CIFAR-10 and its usual network by method, resolved."""
    config = read_yaml(ROOT / "config" / "config.yaml") | {"scale": "paper"}
    trainings = plan(scale_config(config, ROOT), ROOT).trainings.values()
    found = {
        row["recipe"]["method"]: row["recipe"]
        for row in trainings
        if (row["dataset"], row["architecture"]) == ("cifar10", NETWORKS[paper])
    }
    return {method: found[method] for method in METHODS[paper]}


def step_of(model: nn.Module, recipe: dict, compute: Compute) -> Step:
    """The engine's step of a recipe; the averaged network is the one that it begins with."""
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe["optimizer"]["learning_rate"],
        momentum=recipe["optimizer"]["momentum"],
        weight_decay=recipe["optimizer"]["weight_decay"],
        fused=compute.device.type != "meta",
    )
    return training_step(model, optimizer, recipe, 0, compute, compute.logits_of(frozen(model)))


def arm(model: nn.Module, recipe: dict, data: ImageSet, compute: Compute) -> Step:
    """One recipe's step on batch after batch, in the last epoch of its schedule."""
    update = step_of(compute.place(copy.deepcopy(model)), recipe, compute)
    images, labels = data.images.to(compute.device), data.labels.to(compute.device)
    batches = torch.arange(len(labels), device=compute.device).split(BATCH)
    full = [chosen for chosen in batches if len(chosen) == BATCH]
    done = 0

    def step() -> None:
        nonlocal done
        chosen = full[done % len(full)]
        update(images[chosen], labels[chosen], chosen, recipe["epochs"] - 1)
        done += 1

    return step


def flop(model: nn.Module, recipe: dict, data: ImageSet) -> int:
    """Floating-point operations of one step, counted without computing anything."""
    meta = Compute(torch.device("meta"), torch.float32)
    step = step_of(copy.deepcopy(model).to("meta"), recipe, meta)
    images = torch.empty((BATCH, *data.images.shape[1:]), dtype=torch.uint8, device="meta")
    labels = torch.empty(BATCH, dtype=torch.int64, device="meta")
    with Operations() as counter:
        step(images, labels, torch.empty_like(labels), recipe["epochs"] - 1)
    return counter.count


def measure(arms: dict[str, Step], blocks: int, steps: int, compute: Compute) -> dict:
    """Seconds per step [blocks] and the ratio to the two runs of the first around it [blocks]."""
    base = next(iter(arms.values()))
    for step in arms.values():
        timed(step, 2, compute.device)
    times = {method: [] for method in arms}
    ratios = {method: [] for method in arms}
    for block in range(blocks):
        before = timed(base, steps, compute.device)
        for method, step in arms.items():
            seconds = timed(step, steps, compute.device)
            after = timed(base, steps, compute.device)
            times[method].append(seconds)
            ratios[method].append(2 * seconds / (before + after))
            before = after
        print(f"block {block + 1} of {blocks}", file=sys.stderr, flush=True)
    return {"seconds": times, "ratios": ratios}


def report(result: dict) -> None:
    """Print the table; the first between two runs of itself shows how steady the machine is."""
    base = next(iter(result["recipes"]))
    print(
        f"A training step: {result['architecture']}, batch {BATCH}, {result['dataset']}\n"
        f"{result['device']}, {result['threads']} thread(s), {result['precision']}, "
        f"torch {result['torch']}\n"
    )
    print(f"{'recipe':<14}{'s/step':>8}   {f'of {base}':<24}{'operations':>10}")
    for method, row in result["recipes"].items():
        print(
            f"{method:<14}{row['seconds_per_step']:>8.3f}   {interval(row['ratio']):<24}"
            f"{row['flop_ratio']:>10.2f}"
        )
    if abs(result["recipes"][base]["ratio"]["median"] - 1) > ALIKE:
        print(f"\nThe machine is unsteady: {base} against itself is not 1. Run again.")


def main() -> None:
    """Measure all recipes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paper", default="sar", choices=METHODS)
    parser.add_argument("--architecture", default="resnet8", choices=models.names())
    parser.add_argument("--blocks", type=int, default=5, help="at least 5 for an interval")
    parser.add_argument("--steps", type=int, default=4, help="steps of a recipe in a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args()

    compute = computing.choose(options.threads)
    with TemporaryDirectory() as folder:
        prepare("fashion-mnist-sample", Path(folder) / "data")
        data = load(Path(folder) / "data", "train")
    channels, side = data.images.shape[1:3]
    model = models.build(options.architecture, channels, len(data.classes), side, seed=0)
    rows = recipes(options.paper)
    base = next(iter(rows))
    operations = {method: flop(model, recipe, data) for method, recipe in rows.items()}
    arms = {method: arm(model, recipe, data, compute) for method, recipe in rows.items()}
    measured = measure(arms, options.blocks, options.steps, compute)
    result = {
        "architecture": options.architecture,
        "dataset": data.title,
        **compute.describe(),
        "recipes": {
            method: {
                "seconds_per_step": float(np.median(measured["seconds"][method])),
                "ratio": median_with_interval(np.array(measured["ratios"][method])),
                "flop_per_step": operations[method],
                "flop_ratio": operations[method] / operations[base],
            }
            for method in rows
        },
        **measured,
    }
    report(result)
    if options.json:
        write_json(options.json, result)


if __name__ == "__main__":
    main()
