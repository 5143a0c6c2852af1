"""The training loop: data stay on the device, random numbers are deterministic, runs resume."""

import hashlib
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from passband.compute import Compute, searching_kernels
from passband.data.storage import ImageSet, SceneSet
from passband.draws import key_of, permutation
from passband.errors import UserError
from passband.evaluation import added, frozen, perturbations, predictions, progress
from passband.jobs import ending_at_checkpoints
from passband.quantities import held_out
from passband.training.checkpoint import State, restore_state, resume, save_state
from passband.training.detection import detection_step
from passband.training.optimisers import OPTIMISERS, make_replayable, set_rates
from passband.training.recipes import needs_test, prefix_of
from passband.training.recorders import RECORDERS, Subject
from passband.training.replay import stepping
from passband.training.schedules import rate_share
from passband.training.step import of_role, parameter_groups, parts_of, shown

COMPILED_FROM = 50_000  # passes through the network


def split_validation(count: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Indices (training, validation) of a random split that is the same for every seed."""
    order = permutation(key_of("validation split"), count)
    aside = held_out(count, fraction)
    return order[aside:].sort().values, order[:aside].sort().values


def validate(model: nn.Module, data: ImageSet, recipe: dict, compute: Compute) -> dict:
    """Accuracy in percent on clean and, where the recipe selects by it, on attacked images."""
    found = {"val_accuracy": math.nan, "val_robust_accuracy": math.nan}
    if len(data.labels) == 0:
        return found
    measured, validation = frozen(model), recipe["validation"]
    clean = (predictions(measured, data.images, compute) == data.labels).float().mean()
    found["val_accuracy"] = 100 * clean.item()
    if validation.get("attack"):
        limit = validation.get("images") or len(data.labels)
        images, labels = data.images[:limit], data.labels[:limit]
        noise = perturbations(measured, images, labels, validation["attack"], 0, compute)
        right = predictions(measured, images, compute, added(noise)) == labels
        found["val_robust_accuracy"] = 100 * right.float().mean().item()
    return found


def optimizer_of(model: nn.Module, recipe: dict, compute: Compute) -> torch.optim.Optimizer:
    """The optimiser of a resolved recipe for a model; raises UserError for what it refuses."""
    options = {key: value for key, value in recipe["optimizer"].items() if key != "kind"}
    try:
        found = OPTIMISERS[recipe["optimizer"]["kind"]](parameter_groups(model, recipe), **options)
    except ValueError as error:
        raise UserError(f"the recipe's optimizer cannot be built: {error}.") from error
    if compute.device.type == "cuda" and replayable(recipe):
        make_replayable(found, compute.device)
    return found


def replayable(recipe: dict) -> bool:
    """Whether steps of a recipe can be captured in a CUDA graph."""
    return OPTIMISERS.settings(recipe["optimizer"]["kind"]).get("replayable", True)


def suited(compute: Compute, recipe: dict, count: int) -> Compute:
    """`compute` with the engine that suits a training on `count` images.

    Compiling takes about half a minute. A training of fewer than `COMPILED_FROM` passes through
    the network, those of attacks included, only replays graphs; one whose optimiser cannot be
    captured runs eagerly.
    """
    if not replayable(recipe):
        return compute.with_engine("eager")
    attack = recipe["parts"].get("adversary", {}).get("attack", {})
    passes = math.ceil(count / recipe["batch_size"]) * (1 + attack.get("steps", 0))
    if compute.engine == "compiled" and recipe["epochs"] * passes < COMPILED_FROM:
        return compute.with_engine("graphs")
    return compute


def record(subject: Subject, recorders: dict[str, dict], epoch: int) -> list[dict]:
    """The rows of all recorders of a recipe after an epoch, counted from 1."""
    found = []
    for name, row in recorders.items():
        options = {key: value for key, value in row.items() if key != "recorder"}
        for one in RECORDERS[row["recorder"]](subject, **options):
            found.append({"epoch": epoch, "recorder": name, **one._asdict()})
    return found


def train(
    recipe: dict,
    data: ImageSet | SceneSet,
    model: nn.Module,
    *,
    name: str,
    seed: int,
    data_sha256: str,
    compute: Compute,
    checkpoint: Path,
    test: ImageSet | None = None,
    shared_prefix: Path | None = None,
    until: int | None = None,
) -> State:
    """Train `model` by a resolved recipe; resume from `checkpoint` if it belongs to this training.

    A checkpoint of another recipe, seed, data or precision is ignored, and a damaged one is set
    aside. The state is stored at `checkpoint` after every epoch. Killed and resumed on a CPU, the
    weights are the same bit for bit. An epoch before the last of the recipe's parts has started is
    never the one selected.

    Args:
        data: the training images; the recipe's share of them is held out for validation.
        data_sha256: checksum of the data, part of the checkpoint's identity.
        test: the test split, for recorders that ask for it; it never selects an epoch.
        shared_prefix: the state after the common part of several recipes, to begin with where
            there is no checkpoint. The result is that of a training without it, bit for bit on a
            CPU.
        until: stop after so many epochs, as the training of a shared prefix does.

    Returns:
        The state, whose `best` are the selected weights.

    Raises:
        UserError: when the loss or a weight stops being finite, or for a shared prefix of another
            training.
        KeyboardInterrupt: after the epoch in which SIGTERM came, unless it was the last.
    """
    model = compute.place(model)
    optimizer = optimizer_of(model, recipe, compute)
    peak = recipe["optimizer"]["learning_rate"]
    peaks = [group.get("lr", peak) for group in parameter_groups(model, recipe)]
    parts = parts_of(recipe)
    if treated := of_role(parts, "label treatment"):
        data = data._replace(labels=treated(data.labels))
    inside, outside = split_validation(len(data.labels), recipe["validation"]["fraction"])
    training, validation = (_placed(data.take(part), compute) for part in (inside, outside))
    if needs_test(recipe["recorders"]):
        if test is None:
            raise UserError(f"a recorder of '{name}' needs the test split, which was not given.")
        test = _placed(test, compute)
    epochs, size, count = recipe["epochs"], recipe["batch_size"], len(inside)
    engine = suited(compute, recipe, len(data.labels))
    if size > count:
        raise UserError(
            f"batch_size {size} of '{name}' is larger than its {count} training images: "
            "lower batch_size or raise train_images."
        )

    state = State(model, optimizer)

    def fingerprint(recipe: dict) -> str:
        identity = [recipe, seed, data_sha256, count, str(compute.autocast_dtype)]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    if resume(checkpoint, state, fingerprint(recipe)):
        print(f"{name} seed {seed}: going on after epoch {len(state.history)}", flush=True)
    elif shared_prefix is not None:
        if not restore_state(shared_prefix, state, fingerprint(prefix_of(recipe)[0])):
            raise UserError(
                f"{shared_prefix} does not match the recipe, data or precision of '{name}' seed "
                f"{seed}: remove it and run again."
            )
        state.resumed = 0
    averaging = of_role(parts, "weight average")
    complete = max((part.start for part in parts if part.start < epochs), default=0)
    until = until or epochs

    step = branch = None

    with progress(until * count, f"{name} seed {seed}") as bar, ending_at_checkpoints() as end:
        bar.update(len(state.history) * count)
        for epoch in range(len(state.history), until):
            started = time.monotonic()
            batches = permutation(key_of(seed, "order", epoch), count, compute.device).split(size)
            if averaging and epoch >= averaging.start:
                active = [part for part in parts if epoch >= part.start]
                key = key_of(seed, "statistics of the average", epoch)
                images = (
                    shown(training.images[one], one, recipe, active, key, compute)
                    for one in batches
                )
                averaging(state, images, compute, epoch - averaging.start)
                if branch is None:
                    branch, step = frozen(state.average), None
                else:
                    branch.load_state_dict(frozen(state.average).state_dict())
            if data.task == "detection":
                step = step or detection_step(model, optimizer, recipe, seed, compute)
            step = step or stepping(
                model,
                optimizer,
                recipe,
                seed,
                engine,
                compute.logits_of(branch) if branch else None,
                len(data.classes),
                len(batches),
            )
            total = torch.zeros(2, dtype=torch.float64, device=compute.device)
            with searching_kernels():
                for number, chosen in enumerate(batches):
                    share = rate_share(recipe["schedule"], epoch + number * size / count, epochs)
                    set_rates(optimizer, [rate * share for rate in peaks])
                    images, labels = training.images[chosen], training.labels[chosen]
                    result = step(images, labels, chosen, epoch, number)
                    total += torch.stack([part.double() for part in result])
                    bar.update(len(chosen))
            loss, correct = (total / count).tolist()
            finite = [value.isfinite().all() for value in model.state_dict().values()]
            if not torch.stack(finite).all():
                loss = math.nan  # what the next batch would give
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss of '{name}' seed {seed} became {loss} in epoch {epoch + 1}: lower "
                    f"optimizer.learning_rate (now {peak}) or the weights of added losses in "
                    f"the recipe; the state after epoch {epoch} is kept."
                )
            seconds = time.monotonic() - started
            subject = Subject(model, training, test, compute)
            state.curves += record(subject, recipe["recorders"], epoch + 1)
            row = {
                "epoch": epoch + 1,
                "lr": peak * share,
                "train_loss": loss,
                "train_accuracy": 100 * correct,
                **validate(model, validation, recipe, compute),
                "seconds": time.monotonic() - started,
                "images_per_second": count / seconds,
            }
            state.history.append(row)
            comparable = state.history[complete if epoch >= complete else 0 :]
            if best_so_far(comparable, recipe["select"]):
                state.selected_epoch = epoch + 1
                state.best = {key: value.clone() for key, value in model.state_dict().items()}
            save_state(checkpoint, state, fingerprint(recipe))
            bar.set_postfix(val=f"{row['val_accuracy']:.1f} %")
            if epoch + 1 < until:
                end()
    return state


def _placed(data: ImageSet | SceneSet, compute: Compute) -> ImageSet | SceneSet:
    return data._replace(
        images=data.images.to(compute.device), labels=data.labels.to(compute.device)
    )


def best_so_far(history: list[dict], select: str) -> bool:
    """Whether the newest epoch is the one to select: the best by that column, or the last."""
    if select == "last":
        return True
    return all(history[-1][select] > row[select] for row in history[:-1])
