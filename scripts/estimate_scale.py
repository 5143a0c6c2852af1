"""Measure on this machine what each training of a scale would cost, without running the scale.

    python scripts/estimate_scale.py fashion [--threads 1] [--steps 3]

Times a few steps of every recipe on every network that the scale trains, before and after the
first drop of the learning rate, on random images of the data set's size, and multiplies. Prints a
line per job and the sum. Measurements are estimated from the time of a forward pass; AutoAttack is
taken as 4,850 passes for each of the images that stand, and three of five as standing.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path

import torch

from passband.compute import Compute, choose
from passband.data.registry import DATASETS
from passband.evaluation import frozen
from passband.jobs import speak_to_any_terminal
from passband.models import build
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.rows import filters_in
from passband.training.engine import optimizer_of, suited
from passband.training.recipes import prefix_of
from passband.training.replay import stepping
from passband.training.schedules import first_drop

PROJECT = Path(__file__).resolve().parents[1]
STANDING, AUTOATTACK = 0.6, 4850
SIZES = {  # training and test images; a user's own are taken to be ten classes of ImageNet
    name: (one.sizes.get("train", 13_000), one.sizes.get("test", 500))
    for name, one in DATASETS.items()
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scale")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3, help="timed steps, after one to warm up")
    arguments = parser.parse_args()
    speak_to_any_terminal()
    config = read_yaml(PROJECT / "config" / "config.yaml") | {"scale": arguments.scale}
    resolved = plan(scale_config(config, PROJECT), PROJECT)
    compute = choose(arguments.threads)
    machine = compute.describe()
    print(f"{machine['device']}, {machine['precision']}, {arguments.threads} thread(s)")
    total = 0.0
    for job, hours in jobs(resolved, compute, arguments.steps):
        print(f"{hours:9.2f} h  {job}", flush=True)
        total += hours
    print(f"{total:9.2f} h  in all, per seed; {len(resolved.seeds)} seed(s)")


def jobs(resolved: Plan, compute: Compute, steps: int) -> Iterator[tuple[str, float]]:
    """Every training and shared prefix with its hours, then all measurements together."""
    passes: dict[str, tuple[float, float]] = {}
    timed: dict[str, float] = {}

    def step_of(row: dict, epoch: int, late: bool) -> float:
        key = json.dumps([_layers(row), *_costly(row["recipe"], late)])
        if key not in timed:
            timed[key] = step_seconds(row, epoch, compute, steps)
        return timed[key]

    for name, row in resolved.shared_prefixes.items():
        yield f"shared prefix of {name}", training_hours(row, 0, row["until"], step_of)
    for name, row in resolved.trainings.items():
        prefix = resolved.shared_prefixes.get(row["shared_prefix"])
        begin = prefix["until"] if prefix else 0
        yield name, training_hours(row, begin, row["recipe"]["epochs"], step_of)
        if _layers(row) not in passes:
            passes[_layers(row)] = pass_seconds(row, compute, steps)
    yield "all measurements", measuring_hours(resolved, passes)


def _costly(recipe: dict, late: bool) -> list[object]:
    """What of a recipe the time of a step depends on; not on factors such as a coefficient."""
    parts = recipe["parts"] if late else prefix_of(recipe)[0]["parts"]
    chosen = {
        name: {key: value for key, value in options.items() if not isinstance(value, float)}
        for name, options in parts.items()
    }
    return [recipe["batch_size"], chosen]


def training_hours(
    row: dict, begin: int, end: int, step_of: Callable[[dict, int, bool], float]
) -> float:
    """Hours of the epochs `begin` to `end`, without validation."""
    recipe, count = row["recipe"], SIZES[row["dataset"]][0]
    drop = first_drop(recipe["schedule"], recipe["epochs"]) or end
    batches = ceil(count * (1 - recipe["validation"]["fraction"]) / recipe["batch_size"])
    before, after = max(0, min(drop, end) - begin), max(0, end - max(drop, begin))
    seconds = before * step_of(row, 0, False) if before else 0.0
    if after:
        seconds += after * step_of(row, drop, True)
    return seconds * batches / 3600


def step_seconds(row: dict, epoch: int, compute: Compute, steps: int) -> float:
    """Seconds of one training step, the median of `steps`."""
    recipe, dataset = row["recipe"], DATASETS[row["dataset"]]
    model, classes = compute.place(_network(row)), dataset.n_classes or 10
    average = compute.logits_of(frozen(model)) if "weight_average" in recipe["parts"] else None
    slow = recipe["optimizer"] | {"learning_rate": 1e-4}
    optimizer = optimizer_of(model, recipe | {"optimizer": slow}, compute)
    engine = suited(compute, recipe, dataset.sizes.get("train", 13_000))
    step = stepping(model, optimizer, recipe, 0, engine, average, classes)
    indices = torch.arange(recipe["batch_size"], device=compute.device)
    images = _random_images(dataset, len(indices), compute)
    labels = indices % classes
    return _median(lambda: step(images, labels, indices, epoch, 0), compute, steps)


def pass_seconds(row: dict, compute: Compute, steps: int) -> tuple[float, float]:
    """Seconds of a forward pass of one image, under autocast and in float32."""
    model = compute.place(frozen(_network(row)))
    images = compute.images(_random_images(DATASETS[row["dataset"]], 128, compute))
    with torch.inference_mode():
        return tuple(
            _median(lambda forward=forward: forward(images), compute, steps) / len(images)
            for forward in (compute.logits_of(model), model)
        )


def measuring_hours(resolved: Plan, passes: dict) -> float:
    """Hours of all probes and of the attacks that they share, over the models of the plan."""
    rows = {row["model"]: row for row in resolved.models.values()}
    wanted = {
        (resolved.models[slug]["model"], probe)
        for row in resolved.artifacts.values()
        for slug in row["models"]
        for probe in row["probes"]
    }
    seconds = 0.0
    for model, attack in {(model, _stored_attack(probe, resolved)) for model, probe in wanted}:
        if attack:
            autocast, _ = passes[_layers(rows[model])]
            steps = resolved.attacks[attack].get("steps", 1)
            seconds += _test_images(rows[model]) * 2 * steps * autocast
    for model, probe in wanted:
        if probe in resolved.attacks:
            continue
        row, constants = rows[model], resolved.probes[probe]
        autocast, float32 = passes[_layers(row)]
        images = min(constants.get("images") or 10**9, _test_images(row))
        if constants["probe"] == "worst_case_accuracy":
            seconds += images * STANDING * AUTOATTACK * float32
        elif "attacks" in constants:
            steps = sum(attack.get("steps", 1) for attack in constants["attacks"])
            seconds += images * 2 * steps * autocast
        elif constants["probe"] == "fourier_heatmap":
            seconds += images * DATASETS[row["dataset"]].side ** 2 / 2 * float32
        else:
            seconds += images * (len(filters_in(constants)) or 2) * float32
    return seconds / 3600


def _stored_attack(probe: str, resolved: Plan) -> str | None:
    """The attack whose stored perturbations a measurement needs."""
    if probe in resolved.attacks:
        return probe
    attack = resolved.probes[probe].get("attack")
    return attack and attack["name"]


def _layers(row: dict) -> str:
    """What decides how long a forward pass of one image takes."""
    quantization = row["recipe"]["parts"].get("quantization")
    return json.dumps([row["architecture"], row["dataset"], quantization], sort_keys=True)


def _test_images(row: dict) -> int:
    return SIZES[row["dataset"]][1]


def _network(row: dict) -> torch.nn.Module:
    dataset = DATASETS[row["dataset"]]
    return build(
        row["architecture"],
        dataset.channels,
        dataset.n_classes or 10,
        dataset.side,
        seed=0,
        quantization=row["recipe"]["parts"].get("quantization"),
    )


def _random_images(dataset, count: int, compute: Compute) -> torch.Tensor:
    shape = (count, dataset.channels, dataset.side, dataset.side)
    return torch.randint(0, 256, shape, dtype=torch.uint8).to(compute.device)


def _median(run: Callable[[], object], compute: Compute, times: int) -> float:
    taken = []
    for _ in range(1 + times):
        started = time.monotonic()
        run()
        if compute.device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.monotonic() - started)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
