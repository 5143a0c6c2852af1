"""The training loop: data stay on the device, every draw is named, any moment can be the last."""

import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.attacks import craft
from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.errors import UserError
from passband.evaluation import added, frozen, perturbations, predictions, progress
from passband.numbers import bandwidth_at
from passband.random import Draws, key_of, permutation
from passband.spectra.filters import FILTERS
from passband.training.augmentation import crop_and_flip
from passband.training.checkpoint import State, restore_state, save_state
from passband.training.schedule import learning_rate

Step = Callable[[Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]


def training_step(model: nn.Module, optimizer, recipe: dict, seed: int, compute: Compute) -> Step:
    """Build the step of a recipe from its parts.

    step(images uint8 [B, C, H, W], labels int64 [B], indices int64 [B], epoch) updates the model
    once and returns the batch's summed loss and its number of correct predictions, both 0-d
    tensors on the device. Order: augment, treat, craft adversarial examples (gradients of the
    images only), cross-entropy, update.
    """
    augmentation, treatment = recipe["augmentation"], recipe.get("treatment")
    adversary = recipe.get("adversary")
    logits_of = compute.logits_of(model)

    def treated(images: Tensor) -> Tensor:
        if not treatment:
            return images
        bandwidth = bandwidth_at(images.shape[-1], treatment["bandwidth"])
        return FILTERS[treatment["filter"]](images, bandwidth)

    def attacked(images: Tensor, labels: Tensor, indices: Tensor, epoch: int) -> Tensor:
        if not adversary:
            return images
        model.train(adversary["batchnorm"] == "train")
        draws = Draws(key_of(seed, "adversary", epoch), indices)
        return craft(adversary["attack"], logits_of, images, labels, draws)

    def step(images: Tensor, labels: Tensor, indices: Tensor, epoch: int):
        draws = Draws(key_of(seed, "augmentation", epoch), indices)
        shown = treated(compute.images(crop_and_flip(images, draws, **augmentation)))
        shown = attacked(shown, labels, indices, epoch)
        model.train()
        logits = logits_of(shown)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()

    return step


def split_validation(count: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Indices (training, validation) of a random split that is the same for every seed."""
    order = permutation(key_of("validation split"), count)
    held_out = round(count * fraction)
    return order[held_out:].sort().values, order[:held_out].sort().values


def validate(model: nn.Module, data: ImageSet, recipe: dict, compute: Compute) -> dict:
    """Accuracy in percent on clean and, where the recipe selects by it, on attacked images."""
    measured, validation = frozen(model), recipe["validation"]
    clean = (predictions(measured, data.images, compute) == data.labels).float().mean()
    found = {"val_accuracy": 100 * clean.item(), "val_robust_accuracy": math.nan}
    if validation.get("attack"):
        limit = validation.get("images") or len(data.labels)
        images, labels = data.images[:limit], data.labels[:limit]
        noise = perturbations(measured, images, labels, validation["attack"], 0, compute, None)
        right = predictions(measured, images, compute, added(noise)) == labels
        found["val_robust_accuracy"] = 100 * right.float().mean().item()
    return found


def train(
    recipe: dict,
    data: ImageSet,
    model: nn.Module,
    *,
    name: str,
    seed: int,
    data_sha256: str,
    compute: Compute,
    checkpoint: Path,
) -> State:
    """Train `model` by a resolved recipe; go on from `checkpoint` if it holds this training.

    data: the training images; the recipe's share of them is held out for validation. A checkpoint
    of another recipe, seed, data (`data_sha256`) or precision is ignored. The state is
    stored at `checkpoint` after every epoch. Returns the state whose `best` are the selected
    weights. Killed and resumed on a CPU, the weights are the same bit for bit.

    Raises UserError when the loss stops being finite.
    """
    model = compute.place(model)
    settings = recipe["optimizer"]
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
        nesterov=settings["nesterov"],
        fused=True,
    )
    inside, held_out = split_validation(len(data.labels), recipe["validation"]["fraction"])
    training, validation = (
        data._replace(
            images=data.images[part].to(compute.device), labels=data.labels[part].to(compute.device)
        )
        for part in (inside, held_out)
    )
    epochs, size, count = recipe["epochs"], recipe["batch_size"], len(inside)
    if size > count:
        raise UserError(
            f"batch_size {size} of '{name}' is larger than its {count} training images: "
            "lower batch_size or raise train_images."
        )

    state = State(model, optimizer)
    identity = json.dumps(
        [recipe, name, seed, data_sha256, count, str(compute.search)], sort_keys=True
    )
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    if restore_state(checkpoint, state, fingerprint):
        print(f"{name} seed {seed}: going on after epoch {len(state.history)}", flush=True)
    step = training_step(model, optimizer, recipe, seed, compute)

    with progress(epochs * count, f"{name} seed {seed}") as bar:
        bar.update(len(state.history) * count)
        for epoch in range(len(state.history), epochs):
            started = time.monotonic()
            order = permutation(key_of(seed, "order", epoch), count, compute.device)
            total = torch.zeros(2, dtype=torch.float64, device=compute.device)
            for start in range(0, count, size):
                chosen = order[start : start + size]
                rate = learning_rate(
                    recipe["schedule"], settings["learning_rate"], epoch + start / count, epochs
                )
                optimizer.param_groups[0]["lr"] = rate
                result = step(training.images[chosen], training.labels[chosen], chosen, epoch)
                total += torch.stack([part.double() for part in result])
                bar.update(len(chosen))
            loss, correct = (total / count).tolist()
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss of '{name}' seed {seed} became {loss} in epoch {epoch + 1}: lower "
                    f"optimizer.learning_rate (now {settings['learning_rate']}) in the recipe; "
                    f"the state after epoch {epoch} is kept."
                )
            seconds = time.monotonic() - started
            row = {
                "epoch": epoch + 1,
                "lr": rate,
                "train_loss": loss,
                "train_accuracy": 100 * correct,
                **validate(model, validation, recipe, compute),
                "seconds": time.monotonic() - started,
                "images_per_second": count / seconds,
            }
            state.history.append(row)
            if best_so_far(state.history, recipe["select"]):
                state.selected_epoch = epoch + 1
                state.best = {key: value.clone() for key, value in model.state_dict().items()}
            save_state(checkpoint, state, fingerprint)
            bar.set_postfix(val=f"{row['val_accuracy']:.1f} %")
    return state


def best_so_far(history: list[dict], select: str) -> bool:
    """Whether the newest epoch is the one to select: the best by that column, or the last."""
    if select == "last":
        return True
    return all(history[-1][select] > row[select] for row in history[:-1])
