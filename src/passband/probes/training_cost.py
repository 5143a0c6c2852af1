"""What a step of a model's training costs, timed in turns with a natural step (jafr, table 6)."""

import time
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch

from passband.compute import Compute
from passband.evaluation import frozen
from passband.options import Steps
from passband.probes import PROBES, Measurement, Subject
from passband.training.engine import optimizer_of, replayable
from passband.training.operations import Operations
from passband.training.optimisers import set_rates
from passband.training.replay import stepping

Step = Callable[[], None]


@PROBES.register("training_cost", recipe=True)
def training_cost(subject: Subject, *, blocks: Steps, steps: Steps) -> Measurement:
    """Seconds and operations per training step, and their ratios to a natural step.

    A natural step is that of the same recipe without its parts, on copies of the same network and
    on the same batches, in the epoch in which everything that the recipe has is at work. On a GPU
    both are replayed as CUDA graphs where the optimiser allows it, and neither is compiled. A block
    times natural, recipe, natural; a ratio is that of the recipe to the mean of the natural steps
    around it, and the control that of the two natural ones, which is 1 on a steady machine. On a
    CPU, seconds are processor time, which other jobs lengthen less than wall-clock time. Operations
    are those of convolutions and matrix products.

    Args:
        blocks: number of blocks.
        steps: number of steps that are timed together.
    """
    recipe = dict(subject.recipe)
    recipes = {"natural": recipe | {"parts": {}}, "recipe": recipe}
    eager = subject.compute.with_engine("eager")
    counts = {name: _operations(_step(subject, row, eager)) for name, row in recipes.items()}
    graphs = subject.compute.engine != "eager" and replayable(recipe)
    engine = eager.with_engine("graphs") if graphs else eager
    arms = {name: _step(subject, row, engine) for name, row in recipes.items()}
    for step in arms.values():
        step()  # to warm up
    order = ("natural", "recipe", "natural")
    times = np.array(
        [[_timed(arms[name], steps, subject.compute) for name in order] for _ in range(blocks)]
    )
    before, seconds, after = times.T
    arrays = {
        "seconds": seconds,
        "natural_seconds": (before + after) / 2,
        "ratio": 2 * seconds / (before + after),
        "control": after / before,
    }
    found = Measurement({name: values.astype(np.float32) for name, values in arrays.items()})
    condition = f"batch_size={recipe['batch_size']};steps={steps}"
    for name, values in arrays.items():
        unit = "seconds" if "seconds" in name else "ratio"
        metric = f"{name}_per_step" if unit == "seconds" else f"step_{name}"
        found.rows.append((condition, metric, float(np.median(values)), blocks, unit))
    operations = counts["recipe"] / counts["natural"]
    found.rows.append((condition, "step_operations", operations, 1, "ratio"))
    return found


def _step(subject: Subject, recipe: dict, compute: Compute) -> Step:
    """A step on batch after batch of the subject's images, at a learning rate of 0."""
    model = compute.place(deepcopy(subject.trained).requires_grad_(True))
    optimizer = optimizer_of(model, recipe, compute)
    set_rates(optimizer, [0.0] * len(optimizer.param_groups))
    average, classes = compute.logits_of(frozen(model)), len(subject.classes)
    update = stepping(model, optimizer, recipe, subject.seed, compute, average, classes)
    images, labels = (part.to(compute.device) for part in (subject.images, subject.labels))
    size, done = recipe["batch_size"], 0

    def step() -> None:
        nonlocal done
        places = torch.arange(done * size, (done + 1) * size, device=compute.device)
        chosen = places % len(labels)
        update(images[chosen], labels[chosen], chosen, recipe["epochs"] - 1)
        done += 1

    return step


def _timed(step: Step, count: int, compute: Compute) -> float:
    """Seconds per step over `count` steps."""
    on_gpu = compute.device.type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    if on_gpu:
        torch.cuda.synchronize()
    started = clock()
    for _ in range(count):
        step()
    if on_gpu:
        torch.cuda.synchronize()
    return (clock() - started) / count


def _operations(step: Step) -> int:
    """Floating-point operations of one step."""
    with Operations() as counter:
        step()
    return counter.count
