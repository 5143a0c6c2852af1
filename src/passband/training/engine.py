"""The training loop: data stay on the device, every draw is named, any moment can be the last."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.attacks import craft
from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.draws import Draws, key_of, permutation
from passband.errors import UserError
from passband.evaluation import added, frozen, perturbations, predictions, progress
from passband.models.quantization import scale_groups
from passband.quantities import bandwidth_at
from passband.spectra.filters import FILTERS
from passband.training.alignment import spectral_distance
from passband.training.augmentation import crop_and_flip
from passband.training.averaging import include, refresh_statistics
from passband.training.checkpoint import State, restore_state, save_state
from passband.training.losses import LOSSES
from passband.training.mixing import MIXINGS, beta_share, mixed_loss
from passband.training.schedule import aligned_from, common_part, learning_rate
from passband.training.trace import activation_ratios
from passband.training.weight_perturbation import perturbed_weights, proxy

Forward = Callable[[Tensor], Tensor]
Step = Callable[..., tuple[Tensor, Tensor]]


def training_step(
    model: nn.Module,
    optimizer,
    recipe: dict,
    seed: int,
    compute: Compute,
    average: Forward | None = None,
    classes: int = 0,
) -> Step:
    """Build the step of a recipe from its parts.

    step(images uint8 [B, C, H, W], labels int64 [B], indices int64 [B], epoch, batch=0), the
    last being the batch's number in the epoch, on which the draws of mixing depend, updates the
    model once and returns the batch's summed loss and its number of correct predictions, both 0-d
    tensors on the device. Order: augment, treat, craft adversarial examples (gradients of the
    images only), perturb the weights, outer loss and alignment, update. The natural images pass
    through the model first, where a part needs their logits, then the adversarial ones; both
    passes move the batch statistics.

    average: logits of the averaged model, for an alignment whose natural branch it is.
    classes: how many there are, for a recipe that mixes labels.
    """
    adversary, alignment = recipe.get("adversary"), recipe.get("alignment")
    perturbation, outer = recipe.get("weight_perturbation"), recipe.get("loss")
    mixing = recipe.get("mixing")
    start = aligned_from(recipe)
    logits_of = compute.logits_of(model)
    proxy_logits_of = compute.logits_of(proxy(model))

    def attacked(images: Tensor, labels: Tensor, indices: Tensor, epoch: int) -> Tensor:
        if not adversary:
            return images
        model.train(adversary["batchnorm"] == "train")
        draws = Draws(key_of(seed, "adversary", epoch), indices)
        attack = adversary["attack"]
        if labels.is_floating_point() and mixing["loss"] == "bce":
            attack = attack | {"loss": "binary_cross_entropy"}
        return craft(attack, logits_of, images, labels, draws)

    def mixed(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, batch: int):
        key = key_of(seed, "mixing", epoch, batch)
        share = beta_share(key, mixing["alpha"])
        return MIXINGS[mixing["kind"]](images, labels, classes, share, Draws(key, indices))

    def perturbed(images: Tensor, labels: Tensor, epoch: int) -> AbstractContextManager:
        if not perturbation or epoch < perturbation["warmup"]:
            return nullcontext()
        loss = F.cross_entropy(proxy_logits_of(images), labels)
        return perturbed_weights(model, loss, perturbation["gamma"])

    def step(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, batch: int = 0):
        key = key_of(seed, "augmentation", epoch)
        natural_images = shown(images, indices, recipe, key, compute)
        targets = labels
        if mixing and mixing["of"] == "clean":
            natural_images, targets = mixed(natural_images, labels, indices, epoch, batch)
        adversarial_images = attacked(natural_images, targets, indices, epoch)
        if mixing and mixing["of"] == "adversarial":
            adversarial_images, targets = mixed(adversarial_images, labels, indices, epoch, batch)
        aligned = start is not None and epoch >= start
        live = aligned and alignment["natural_branch"] == "live"
        model.train()
        with perturbed(adversarial_images, labels, epoch):
            natural = logits_of(natural_images) if outer or live else None
            logits = logits_of(adversarial_images)
            if targets.is_floating_point():
                loss = mixed_loss(logits, targets, mixing["loss"])
            elif outer:
                loss = LOSSES[outer["kind"]](natural, logits, labels, outer["beta"])
            else:
                loss = F.cross_entropy(logits, labels)
            if aligned:
                branch = natural if live else average(natural_images)
                distance = spectral_distance(
                    branch, logits, alignment["distance"], alignment["transform"]
                )
                loss = loss + alignment["coefficient"] * distance
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()

    return step


def shown(images: Tensor, indices: Tensor, recipe: dict, key: int, compute: Compute) -> Tensor:
    """What the network is shown of stored images: augmented by draws under `key`, treated."""
    cropped = crop_and_flip(images, Draws(key, indices), **recipe["augmentation"])
    treatment = recipe.get("treatment")
    if not treatment:
        return compute.images(cropped)
    bandwidth = bandwidth_at(images.shape[-1], treatment["bandwidth"])
    return FILTERS[treatment["filter"]](compute.images(cropped), bandwidth)


def parameter_groups(model: nn.Module, recipe: dict) -> list[dict]:
    """The parameters with their peak learning rates and weight decays.

    The scales and weight transforms of a quantised network have their own (fourier_study follows
    Tao et al. 2021 there).
    """
    settings, groups = recipe["optimizer"], scale_groups(model)
    quantization = recipe.get("quantization", {})
    listed = [
        (groups.rest, settings),
        (groups.activation_scales, quantization.get("activation_scales")),
        (groups.weight_transforms, quantization.get("weight_transforms")),
    ]
    return [
        {"params": params, "lr": one["learning_rate"], "weight_decay": one["weight_decay"]}
        for params, one in listed
        if params
    ]


def split_validation(count: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Indices (training, validation) of a random split that is the same for every seed."""
    order = permutation(key_of("validation split"), count)
    held_out = round(count * fraction)
    return order[held_out:].sort().values, order[:held_out].sort().values


def validate(model: nn.Module, data: ImageSet, recipe: dict, compute: Compute) -> dict:
    """Accuracy in percent on clean and, where the recipe selects by it, on attacked images."""
    measured, validation = frozen(model), recipe["validation"]
    found = {"val_accuracy": math.nan, "val_robust_accuracy": math.nan}
    if len(data.labels) == 0:
        return found
    clean = (predictions(measured, data.images, compute) == data.labels).float().mean()
    found["val_accuracy"] = 100 * clean.item()
    if validation.get("attack"):
        limit = validation.get("images") or len(data.labels)
        images, labels = data.images[:limit], data.labels[:limit]
        noise = perturbations(measured, images, labels, validation["attack"], 0, compute)
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
    trunk: Path | None = None,
    until: int | None = None,
) -> State:
    """Train `model` by a resolved recipe; go on from `checkpoint` if it holds this training.

    data: the training images; the recipe's share of them is held out for validation. A checkpoint
    of another recipe, seed, data (`data_sha256`) or precision is ignored. The state is
    stored at `checkpoint` after every epoch. Returns the state whose `best` are the selected
    weights. Killed and resumed on a CPU, the weights are the same bit for bit.

    trunk: the state after the common part of several recipes, to begin with where there is no
    checkpoint; the result is that of a training without a trunk, bit for bit on a CPU.
    Where spectra are aligned from some epoch on, an epoch before it is never the one selected.
    until: stop after so many epochs, as the training of a trunk does.

    Raises UserError when the loss stops being finite, or for a trunk of another training.
    """
    model = compute.place(model)
    settings = recipe["optimizer"]
    optimizer = torch.optim.SGD(
        parameter_groups(model, recipe),
        momentum=settings["momentum"],
        nesterov=settings["nesterov"],
        fused=True,
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
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

    def fingerprint(recipe: dict) -> str:
        identity = [recipe, seed, data_sha256, count, str(compute.search)]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    if restore_state(checkpoint, state, fingerprint(recipe)):
        print(f"{name} seed {seed}: going on after epoch {len(state.history)}", flush=True)
    elif trunk is not None:
        if not restore_state(trunk, state, fingerprint(common_part(recipe))):
            raise UserError(
                f"{trunk} is no beginning of '{name}' seed {seed} on this machine (other recipe, "
                "data or precision): remove it and run again."
            )
        state.resumed = 0
    start = aligned_from(recipe)
    until = until or epochs

    with progress(until * count, f"{name} seed {seed}") as bar:
        bar.update(len(state.history) * count)
        for epoch in range(len(state.history), until):
            started = time.monotonic()
            order = permutation(key_of(seed, "order", epoch), count, compute.device)
            parts = order.split(size)
            aligned = start is not None and epoch >= start
            cycle = recipe.get("weight_average", {}).get("cycle")
            if aligned and cycle and (epoch - start) % cycle == 0:
                key = key_of(seed, "statistics of the average", epoch)
                update_average(
                    state,
                    (shown(training.images[one], one, recipe, key, compute) for one in parts),
                    compute,
                )
            average = compute.logits_of(frozen(state.average)) if state.average else None
            step = training_step(
                model, optimizer, recipe, seed, compute, average, len(data.classes)
            )
            torch.manual_seed(key_of(seed, "dropout", epoch))
            total = torch.zeros(2, dtype=torch.float64, device=compute.device)
            for batch, chosen in enumerate(parts):
                share = learning_rate(recipe["schedule"], 1.0, epoch + batch * size / count, epochs)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * share
                images, labels = training.images[chosen], training.labels[chosen]
                result = step(images, labels, chosen, epoch, batch)
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
            traced = {}
            if "trace" in recipe:
                first = training.images[: recipe["trace"]["images"]]
                traced = activation_ratios(model, compute.images(first))
            row = {
                "epoch": epoch + 1,
                "lr": settings["learning_rate"] * share,
                "train_loss": loss,
                "train_accuracy": 100 * correct,
                **validate(model, validation, recipe, compute),
                **traced,
                "seconds": time.monotonic() - started,
                "images_per_second": count / seconds,
            }
            state.history.append(row)
            if best_so_far(state.history[start if aligned else 0 :], recipe["select"]):
                state.selected_epoch = epoch + 1
                state.best = {key: value.clone() for key, value in model.state_dict().items()}
            save_state(checkpoint, state, fingerprint(recipe))
            bar.set_postfix(val=f"{row['val_accuracy']:.1f} %")
    return state


def update_average(state: State, batches: Iterable[Tensor], compute: Compute) -> None:
    """Take the model into the average and refresh the average's statistics on float `batches`.

    The first checkpoint is refreshed, too: at a large learning rate running statistics lag so far
    behind the weights that the branch would align the model with wrong answers.
    """
    state.average = state.average or deepcopy(state.model)
    include(state.average, state.model, state.averaged)
    refresh_statistics(state.average, compute.logits_of(state.average), batches)
    state.averaged += 1


def best_so_far(history: list[dict], select: str) -> bool:
    """Whether the newest epoch is the one to select: the best by that column, or the last."""
    if select == "last":
        return True
    return all(history[-1][select] > row[select] for row in history[:-1])
