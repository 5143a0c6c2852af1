"""One training step, built from a recipe's parts."""

import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from passband.attacks import LogitsOf
from passband.compute import Compute
from passband.draws import Draws, key_of, timely
from passband.models.dropout import Dropout, set_draws
from passband.training.augmentation import crop_and_flip
from passband.training.batch import Batch, Network
from passband.training.parts import PARTS
from passband.training.recipes import active_conditions, start_epoch

Step = Callable[..., tuple[Tensor, Tensor]]


class Part(NamedTuple):
    """A part of one recipe: call it with what its role says (see `passband.training.parts`).

    start: the first epoch in which it works. needs: quantities that it asks a batch for.
    compilable: whether the network's passes may be compiled.
    """

    name: str
    role: str
    function: Callable
    options: dict
    start: float
    needs: frozenset[str]
    compilable: bool

    def __call__(self, *arguments: object):
        return self.function(*arguments, **self.options)


def parts_of(recipe: dict) -> list[Part]:
    """The parts of a resolved recipe, by name."""
    found = []
    for name, options in sorted(recipe["parts"].items()):
        function, settings = PARTS[name], PARTS.settings(name)
        complete = (function.__kwdefaults__ or {}) | options
        start = start_epoch(settings, complete, recipe)
        needs = active_conditions(settings.get("needs", {}), complete)
        start = math.inf if start is None else start
        needed = frozenset(needs.values())
        compilable = settings.get("compilable", True)
        found.append(Part(name, settings["role"], function, options, start, needed, compilable))
    return found


def of_role(parts: Iterable[Part], role: str) -> Part | None:
    """The part with a role of which a recipe has at most one."""
    return next((part for part in parts if part.role == role), None)


def training_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    recipe: dict,
    seed: int,
    compute: Compute,
    average: LogitsOf | None = None,
    classes: int = 0,
    batches: int = 1,
) -> Step:
    """Build the step of a resolved recipe.

    The order is: augment and filter, craft adversarial examples (gradients of the images only),
    perturb the weights, outer loss and regularisers, update; images are mixed before or after the
    attack. The natural images pass through the model first, where a part needs their logits, then
    the adversarial ones; both passes move the batch statistics.

    Args:
        average: forward pass of the averaged model, where a part needs it.
        classes: number of classes, for label weights.
        batches: number of batches in an epoch.

    Returns:
        step(images uint8 [B, C, H, W], labels int64 [B], indices int64 [B], epoch, number=0), the
        last being the batch's place in the epoch. It updates the model once and returns the
        batch's summed loss and its number of correct predictions, both 0-d tensors on the device.
    """
    parts = parts_of(recipe)
    twice = any("input_gradients" in part.needs for part in parts)
    drawing = any(isinstance(layer, Dropout) for layer in model.modules())  # on the host, in part
    compilable = not drawing and all(part.compilable for part in parts)
    attacked = compute.logits_of(model, compilable=compilable)
    logits_of = compute.logits_of(model) if twice else attacked
    network = Network(model, logits_of, attacked, average, classes, compute)

    def step(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, number: int = 0):
        active = [part for part in parts if int(epoch) >= part.start]
        needed = frozenset().union(*(part.needs for part in active))
        mixing, adversary = (
            of_role(active, "mixed-sample augmentation"),
            of_role(active, "adversary"),
        )
        perturbation = of_role(active, "weight perturbation")
        loss_of = of_role(active, "outer loss") or Batch.classification_loss

        key = key_of(seed, "augmentation", epoch)
        natural = shown(images, indices, recipe, active, key, compute)
        progress = timely(_progress, epoch, number, batches)
        tracked = "input_gradients" in needed
        batch = Batch(network, natural, labels, indices, seed, epoch, number, progress, tracked)
        set_draws(model, batch.draws("dropout"))
        if mixing and mixing.options["of"] == "clean":
            batch.images, batch.targets, batch.target_loss = mixing(batch, batch.images)
        batch.adversarial_images = adversary(batch) if adversary else batch.images
        if mixing and mixing.options["of"] == "adversarial":
            mixed = mixing(batch, batch.adversarial_images)
            batch.adversarial_images, batch.targets, batch.target_loss = mixed
        model.train()
        with perturbation(batch, loss_of) if perturbation else nullcontext():
            if needed & {"natural_logits", "input_gradients"}:
                batch.natural_logits  # noqa: B018 (natural images pass first)
            logits = batch.logits
            loss = loss_of(batch)
            for part in active:
                if part.role == "regulariser":
                    loss = loss + part(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()

    return step


def _progress(epoch: int, number: int, batches: int) -> float:
    return epoch + number / batches


def shown(
    images: Tensor, indices: Tensor, recipe: dict, parts: list[Part], key: int, compute: Compute
) -> Tensor:
    """Stored images as the network is shown them: augmented by draws under `key`, filtered.

    Args:
        images: uint8 [B, C, H, W].
        indices: the images' places in the training set, int64 [B].
        parts: those of the recipe that are active.

    Returns:
        float [B, C, H, W].
    """
    cropped = compute.images(crop_and_flip(images, Draws(key, indices), **recipe["augmentation"]))
    filtered = of_role(parts, "input filter")
    return filtered(cropped) if filtered else cropped


def parameter_groups(model: nn.Module, recipe: dict) -> list[dict]:
    """The parameters in groups: those with learning rates of their own come last."""
    groups = of_role(parts_of(recipe), "parameters")
    own = groups(model) if groups else []
    theirs = {id(parameter) for group in own for parameter in group["params"]}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in theirs]
    return [{"params": rest}, *own]
