"""Training steps on a GPU: a careful eager reference against the engine."""

import copy
import gc
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from guards import gradients_agree, guarded, not_weaker, reference_attack
from paired import (
    forth_and_back,
    median_with_interval,
    switches,
    synchronise,
    timed,
)
from torch import Tensor, nn

from passband import models
from passband.attacks import craft
from passband.attacks.pgd import started
from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.draws import Draws, key_of, permutation
from passband.evaluation import added, frozen, perturbations, predictions
from passband.training.engine import optimizer_of
from passband.training.operations import Operations
from passband.training.optimisers import set_rates
from passband.training.replay import stepping
from passband.training.step import training_step

EPOCH = 50_000  # images
RATE = 0.02
REFERENCE, HALF = "reference", "reference bf16"
EARLY = 3  # steps that are timed by themselves
WARM_UP = 8  # steps before anything is timed
ALIKE = 0.05  # the engine against itself may differ by this much
SAME_WAY = 0.005  # by how much two engines' cosines to exact gradients may differ
MARGIN = 2.0  # percentage points by which a short training may fall behind the reference


class Case(NamedTuple):
    """How a network is trained and examined.

    steps: of the training attack. parity: training steps in which replays are compared with eager
    ones. exact: images whose gradients are compared with double precision on the CPU.
    """

    steps: int
    parity: int = 50
    exact: int = 64


class Arm(NamedTuple):
    """A training in progress.

    step: trains on the next batch; returns its summed loss and its number of correct predictions.
    total: their sums so far, float64 [2].
    """

    step: Callable[[], tuple[Tensor, Tensor]]
    model: nn.Module
    optimizer: torch.optim.Optimizer
    total: Tensor


Build = Callable[[], Arm]


def attack_of(steps: int) -> dict:
    """PGD of 8/255 in steps of 2/255."""
    return {
        "name": f"pgd-{steps}",
        "attack": "pgd",
        "epsilon": 8 / 255,
        "step_size": 2 / 255,
        "steps": steps,
        "start": "uniform",
    }


def recipe_of(steps: int, batch: int, augmented: bool = True) -> dict:
    """Adversarial training with PGD, in eval mode of batch normalisation; a resolved recipe."""
    return {
        "epochs": 1,
        "batch_size": batch,
        "optimizer": {
            "kind": "sgd",
            "learning_rate": RATE,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "nesterov": False,
        },
        "schedule": {"kind": "constant"},
        "augmentation": {"pad": 4, "flip": True} if augmented else {"pad": 0, "flip": False},
        "parts": {"adversary": {"attack": attack_of(steps), "batchnorm": "eval"}},
        "recorders": {},
    }


def new_network(architecture: str, data: ImageSet, seed: int = 0) -> nn.Module:
    """An untrained network for a data set."""
    channels, side = data.images.shape[1:3]
    return models.build(architecture, channels, len(data.classes), side, seed)


# The arms


def turns(count: int, batch: int, device: torch.device) -> Iterator[tuple[Tensor, int, int]]:
    """Batch after batch without end, the same for every arm: indices, epoch, place in it."""
    epoch = 0
    while True:
        order = permutation(key_of("benchmark", epoch), count, device)
        for number, start in enumerate(range(0, count - batch + 1, batch)):
            yield order[start : start + batch], epoch, number
        epoch += 1


def reference_arm(
    model: nn.Module, data: ImageSet, recipe: dict, device: torch.device, dtype: torch.dtype
) -> Arm:
    """What a careful user writes: images on the device, not augmented, channels_last.

    TF32 convolutions, gradients of the images only, a fused optimiser, nothing that waits for the
    GPU; autocast if `dtype` is bfloat16.
    """
    compute, attack = Compute(device, dtype), recipe["parts"]["adversary"]["attack"]
    model = compute.place(model)
    logits_of = compute.logits_of(model)
    images, labels = compute.images(data.images.to(device)), data.labels.to(device)
    chosen = turns(len(labels), recipe["batch_size"], device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=RATE, momentum=0.9, weight_decay=5e-4, fused=True
    )
    total = torch.zeros(2, dtype=torch.float64, device=device)

    def step() -> tuple[Tensor, Tensor]:
        indices, _, _ = next(chosen)
        clean = images[indices].contiguous(memory_format=torch.channels_last)
        true = labels[indices]
        noise = torch.empty_like(clean).uniform_(-attack["epsilon"], attack["epsilon"])
        with switches(tf32=True, search=True):
            model.eval()
            shown = reference_attack(logits_of, clean, true, (clean + noise).clamp_(0, 1), attack)
            model.train()
            optimizer.zero_grad(set_to_none=True)
            logits = logits_of(shown)
            loss = F.cross_entropy(logits, true)
            loss.backward()
            optimizer.step()
        result = loss.detach() * len(true), (logits.argmax(1) == true).sum()
        total.add_(torch.stack([part.double() for part in result]))
        return result

    return Arm(step, model, optimizer, total)


def engine_arm(
    model: nn.Module,
    data: ImageSet,
    recipe: dict,
    compute: Compute,
    rate_at: Callable[[int], float] = lambda step: RATE,
    deterministic: bool = False,
) -> Arm:
    """The engine's own step, fed as its training loop feeds it; `rate_at` of the steps so far."""
    model = compute.place(model)
    optimizer = optimizer_of(model, recipe, compute)
    update = stepping(model, optimizer, recipe, 0, compute, classes=len(data.classes))
    images, labels = data.images.to(compute.device), data.labels.to(compute.device)
    chosen = turns(len(labels), recipe["batch_size"], compute.device)
    total = torch.zeros(2, dtype=torch.float64, device=compute.device)
    done = 0

    def step() -> tuple[Tensor, Tensor]:
        nonlocal done
        indices, epoch, number = next(chosen)
        with switches(search=not deterministic, deterministic=deterministic):
            set_rates(optimizer, [rate_at(done)])
            result = update(images[indices], labels[indices], indices, epoch, number)
        total.add_(torch.stack([part.double() for part in result]))
        done += 1
        return result

    return Arm(step, model, optimizer, total)


def builders(bench, architecture: str, recipe: dict) -> dict[str, Build]:
    """By name, what builds an arm: the references, then each engine, from the same weights."""
    model, device = new_network(architecture, bench.training), bench.compute.device
    precisions = {REFERENCE: torch.float32, HALF: torch.bfloat16}
    if bench.compute.autocast_dtype == torch.float32:  # bfloat16 would be emulated, in minutes
        del precisions[HALF]
    found = {
        name: partial(reference_arm, copy.deepcopy(model), bench.training, recipe, device, dtype)
        for name, dtype in precisions.items()
    }
    for engine in bench.engines:
        compute = bench.compute.with_engine(engine)
        found[engine] = partial(engine_arm, copy.deepcopy(model), bench.training, recipe, compute)
    return found


# A section: one network


def training(bench, architecture: str) -> dict:
    """Seconds of a training step in every arm, and the guards of this network."""
    case = bench.settings.networks[architecture]
    recipe = recipe_of(case.steps, bench.settings.batch)
    arms, prepared, broken = {}, {}, {}
    for name, build in builders(bench, architecture, recipe).items():
        try:
            arms[name], prepared[name] = warm(build, bench.compute.device)
        except Exception:
            broken[name] = traceback.format_exc()
            free()
    times = measure({name: arm.step for name, arm in arms.items()}, bench)
    engine = next((name for name in reversed(bench.engines) if name in arms), None)
    operations = flop(bench, architecture, recipe)
    result = {
        "network": architecture,
        "attack": f"pgd-{case.steps}",
        "batch": bench.settings.batch,
        "flop_per_image": operations,
        "floor_seconds_per_epoch": floor(bench, operations),
        "broken": broken,
        "times": {name: pairs.tolist() for name, pairs in times.items()},
        "arms": {
            name: described(pairs, times.get(REFERENCE), bench, operations) | prepared[name]
            for name, pairs in times.items()
        },
    }
    if engine:
        result["guards"] = network_guards(bench, case, arms, times, engine)
    arms.clear()
    free()
    if engine:
        result["guards"] |= guarded("G5 replay", replayed, bench, architecture)
    return result


def warm(build: Build, device: torch.device) -> tuple[Arm, dict]:
    """An arm after its first steps, and what they took."""
    free()
    before = allocated(device)
    started_at = time.perf_counter()
    arm = build()
    for _ in range(EARLY):
        arm.step()
    synchronise(device)
    seconds = time.perf_counter() - started_at
    for _ in range(WARM_UP - EARLY):
        arm.step()
    peak = torch.cuda.max_memory_allocated() - before if device.type == "cuda" else 0
    return arm, {"first_steps_seconds": seconds, "peak_memory_bytes": peak}


def allocated(device: torch.device) -> int:
    """Bytes in use on a GPU, whose peak is counted from here."""
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def free() -> None:
    """Release unreferenced GPU memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def measure(steps: dict[str, Callable], bench) -> dict[str, np.ndarray]:
    """Seconds per step [blocks, 2] of each arm, all in turns; each runs about equally long."""
    device, seconds = bench.compute.device, bench.settings.seconds
    runs = {}
    for name, step in steps.items():
        count = max(2, round(seconds / timed(step, 2, device)))
        runs[name] = partial(timed, step, count, device)
    return forth_and_back(runs, bench.settings.blocks, bench.settings.longest)


def described(pairs: np.ndarray, reference: np.ndarray | None, bench, operations: float) -> dict:
    """The numbers of an arm from its seconds per step [blocks, 2]."""
    per_step = float(np.median(pairs.mean(1)))
    rate = bench.settings.batch / per_step
    found = {
        "seconds_per_step": per_step,
        "images_per_second": rate,
        "seconds_per_epoch": EPOCH / rate,
        "tflop_per_second": rate * operations / 1e12,
        "blocks": len(pairs),
        "against_itself": median_with_interval(pairs[:, 0] / pairs[:, 1]),
    }
    if reference is not None:
        found["ratio"] = median_with_interval(reference.mean(1) / pairs.mean(1))
    return found


def flop(bench, architecture: str, recipe: dict) -> float:
    """Floating-point operations of a training step per image, counted on the meta device."""
    meta = Compute(torch.device("meta"), torch.float32)
    model = new_network(architecture, bench.training).to("meta")
    step = training_step(model, torch.optim.SGD(model.parameters()), recipe, 0, meta)
    batch, shape = recipe["batch_size"], bench.training.images.shape[1:]
    images = torch.empty((batch, *shape), dtype=torch.uint8, device="meta")
    labels = torch.empty(batch, dtype=torch.int64, device="meta")
    with Operations() as counter:
        step(images, labels, torch.empty_like(labels), 0)
    return counter.count / batch


def floor(bench, operations: float) -> float | None:
    """Seconds per epoch at the measured rate of matrix products; None where it is not known."""
    rate = bench.ceilings.get("matrix_flop_per_second")
    return EPOCH * operations / rate if rate else None


# Guards


def network_guards(bench, case: Case, arms: dict, times: dict, engine: str) -> dict:
    """The guards of a network that `engine` has trained while it was timed."""
    measured = copy.deepcopy(arms[engine].model).eval().requires_grad_(False)
    pairs = times[engine]
    found = guarded("G1 gradients", training_gradients, bench, measured, case.exact)
    found |= guarded("G2 attack", training_attack, bench, measured, case.steps)
    found |= guarded("G7 counts", counted, arms)
    found |= guarded("G1 weights", weight_gradients, bench, measured)
    control = median_with_interval(pairs[:, 0] / pairs[:, 1])
    return found | {"control": control | {"passed": abs(control["median"] - 1) <= ALIKE}}


def training_gradients(bench, model: nn.Module, count: int) -> dict:
    """G1 of the pass that a training attack differentiates, see `gradients_agree`."""
    images, labels = bench.shown(count)
    strict = bench.compute.autocast_dtype == torch.float32
    return gradients_agree(model, attacked(bench, model), images, labels, strict)


def attacked(bench, model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The pass that the last engine's training attacks take, on batches filled up to their size."""
    logits_of, size = bench.compute.logits_of(model, compilable=True), bench.settings.batch
    return lambda images: logits_of(F.pad(images, (0, 0) * 3 + (0, size - len(images))))[
        : len(images)
    ]


def training_attack(bench, model: nn.Module, steps: int) -> dict:
    """G2: the attacks of both trainings from the same starts, see `not_weaker`."""
    attack, logits_of = attack_of(steps), attacked(bench, model)
    images, labels = bench.shown(bench.settings.judged)
    found: dict[str, list[Tensor]] = {"reference": [], "engine": []}
    for part in torch.arange(len(labels), device=labels.device).split(bench.settings.batch):
        clean, true, draws = images[part], labels[part], Draws(key_of("benchmark"), part)
        start = started(clean, attack["epsilon"], attack["start"], draws, 0)
        with switches(tf32=True):
            found["reference"].append(reference_attack(model, clean, true, start, attack))
        found["engine"].append(craft(attack, logits_of, clean, true, draws))
    both = {name: torch.cat(parts) for name, parts in found.items()}
    return not_weaker(model, images, labels, both, attack["epsilon"])


def counted(arms: dict[str, Arm]) -> dict:
    """G7: every arm's sums of losses and hits are numbers that it can have."""
    totals = {name: arm.total.tolist() for name, arm in arms.items()}
    passed = all(np.isfinite(loss) and loss > 0 and hits >= 0 for loss, hits in totals.values())
    return {"totals": totals, "passed": passed}


def weight_gradients(bench, model: nn.Module) -> dict:
    """G1 of the training pass: gradients of the weights in train mode, against strict float32.

    The last engine's may be at most `SAME_WAY` farther from it than the eager engine's.
    """
    images, labels = bench.shown(bench.settings.batch)

    def gradient(compute: Compute) -> Tensor:
        network = copy.deepcopy(model).train().requires_grad_()
        loss = F.cross_entropy(compute.logits_of(network, compilable=True)(images), labels)
        found = torch.autograd.grad(loss, list(network.parameters()))
        return torch.cat([each.flatten().double() for each in found])

    exact = gradient(Compute(bench.compute.device, torch.float32))
    cosines = {
        engine: F.cosine_similarity(
            exact, gradient(bench.compute.with_engine(engine)), dim=0
        ).item()
        for engine in ("eager", bench.engines[-1])
    }
    passed = cosines[bench.engines[-1]] >= cosines["eager"] - SAME_WAY
    return {"cosine": cosines, "passed": passed}


def replayed(bench, architecture: str) -> dict:
    """G5: replayed steps equal eager ones bit for bit, over a change of the learning rate.

    All that a training changes is compared: weights, running statistics, momentum, sums of losses
    and hits. What a step returns is overwritten afterwards, so that a step that does not write its
    results is found. On a CPU an eager training is compared with itself.
    """
    case = bench.settings.networks[architecture]
    recipe, count = recipe_of(case.steps, bench.settings.batch), case.parity
    states = {}
    for name in dict.fromkeys(("eager", bench.replaying, "again")):
        engine = "eager" if name == "again" else name
        arm = engine_arm(
            new_network(architecture, bench.training),
            bench.training,
            recipe,
            bench.compute.with_engine(engine),
            rate_at=lambda step: RATE if step < count // 2 else RATE / 10,
            deterministic=True,
        )
        for _ in range(count):
            loss, hits = arm.step()
            loss.fill_(torch.nan)
            hits.fill_(-1)
        states[name] = state_of(arm)
        synchronise(bench.compute.device)
        del arm, loss, hits
        free()
    differing = {
        name: sorted(key for key in state if not torch.equal(state[key], states["eager"][key]))
        for name, state in states.items()
    }
    finite = all(bool(state["total"].isfinite().all()) for state in states.values())
    return {
        "steps": count,
        "engine": bench.replaying,
        "differing": {name: keys[:5] for name, keys in differing.items() if keys},
        "passed": finite and not any(differing.values()),
    }


def state_of(arm: Arm) -> dict[str, Tensor]:
    """Copies of all tensors that training changes, by name."""
    found = dict(arm.model.state_dict()) | {"total": arm.total}
    for number, state in arm.optimizer.state_dict()["state"].items():
        found |= {f"optimiser {number} {key}": each for key, each in state.items()}
    return {key: each.clone() for key, each in found.items() if isinstance(each, Tensor)}


# Other sections


def gradients(bench) -> dict:
    """G1 of every network after a short training, without timing anything."""
    found = {}
    for architecture, case in bench.settings.networks.items():
        recipe = recipe_of(case.steps, bench.settings.batch)
        compute = bench.compute.with_engine(bench.replaying)
        arm = engine_arm(new_network(architecture, bench.training), bench.training, recipe, compute)
        for _ in range(bench.settings.short):
            arm.step()
        model = copy.deepcopy(arm.model).eval().requires_grad_(False)
        del arm
        found |= guarded(f"{architecture}, images", training_gradients, bench, model, case.exact)
        found |= guarded(f"{architecture}, weights", weight_gradients, bench, model)
        free()
    return {"guards": found}


def packing(bench) -> dict:
    """Aggregate speed of several trainings in one process, each on a stream of its own."""
    architecture, case = next(iter(bench.settings.networks.items()))
    device, recipe = bench.compute.device, recipe_of(case.steps, bench.settings.batch)
    compute = bench.compute.with_engine(bench.replaying)
    packed: list[tuple[Arm, object]] = []
    for seed in range(max(bench.settings.packed)):
        stream = torch.cuda.Stream() if device.type == "cuda" else None
        with on(stream):
            model = new_network(architecture, bench.training, seed)
            arm = engine_arm(model, bench.training, recipe, compute)
            for _ in range(WARM_UP):
                arm.step()
        synchronise(device)
        packed.append((arm, stream))

    def together(count: int) -> None:
        for arm, stream in packed[:count]:
            with on(stream):
                arm.step()

    rounds = {str(count): partial(together, count) for count in bench.settings.packed}
    times = measure(rounds, bench)
    guards = guarded("G7 counts", counted, {str(i): arm for i, (arm, _) in enumerate(packed)})
    packed.clear()
    free()
    rows = {}
    for name, pairs in times.items():
        per_model = float(np.median(pairs.mean(1))) / int(name)
        rows[name] = {
            "seconds_per_step_and_model": per_model,
            "seconds_per_epoch_and_model": EPOCH / bench.settings.batch * per_model,
            "ratio": median_with_interval(times["1"].mean(1) / (pairs.mean(1) / int(name))),
        }
    return {"network": architecture, "engine": bench.replaying, "rows": rows, "guards": guards}


def on(stream):
    """The context of a CUDA stream, or none."""
    return torch.cuda.stream(stream) if stream else nullcontext()


def short_trainings(bench) -> dict:
    """G3 as far as it is cheap: one short training per arm, one seed, judged in strict float32.

    One seed does not prove equality, but a broken step falls behind by more than the margin.
    """
    architecture, case = next(iter(bench.settings.networks.items()))
    recipe = recipe_of(case.steps, bench.settings.batch, augmented=False)
    found = {}
    for name, build in builders(bench, architecture, recipe).items():
        if name == HALF:
            continue
        arm = build()
        for _ in range(bench.settings.short):
            arm.step()
        found[name] = accuracies(bench, frozen(arm.model))
        del arm
        free()
    behind = {
        name: {key: found[REFERENCE][key] - value for key, value in each.items()}
        for name, each in found.items()
    }
    worst = max(value for each in behind.values() for value in each.values())
    return {
        "network": architecture,
        "steps": bench.settings.short,
        "seeds": 1,
        "images": bench.settings.judged,
        "accuracy": found,
        "guards": {"G3 training": {"worst": worst, "passed": bool(worst <= MARGIN)}},
    }


def accuracies(bench, model: nn.Module) -> dict[str, float]:
    """Clean accuracy and that under PGD-20, in percent."""
    images, labels = bench.stored(bench.settings.judged)
    compute = bench.compute.with_engine("eager")
    noise = perturbations(model, images, labels, attack_of(20), 0, compute)
    return {
        name: 100 * (predictions(model, images, compute, *change) == labels).float().mean().item()
        for name, change in {"clean": (), "pgd-20": (added(noise),)}.items()
    }
