"""Predictions and attacks over a whole image set, judged in strict float32."""

import sys
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from tqdm import tqdm

from passband.attacks import craft, is_exact
from passband.compute import Compute, tensor_float32
from passband.draws import Draws, key_of
from passband.errors import UserError
from passband.models import fold_batchnorm
from passband.models.batch_moments import InEvaluationBatches, cut, uses_batch_moments

BATCH = {"cpu": 200, "cuda": 1000}  # multiples of EVALUATION_BATCH


def batches(count: int, compute: Compute) -> Iterator[slice]:
    """Slices that cover range(count) in the device's batch size; a short remainder joins the last.

    A frozen network with batch moments splits them into the same evaluation batches on every
    device.
    """
    return cut(count, BATCH[compute.device.type])


def progress(total: int, description: str) -> tqdm:
    """A progress bar with the time left; every refresh is a line, since jobs share the terminal."""
    return tqdm(
        total=total,
        desc=description,
        unit="img",
        unit_scale=True,
        mininterval=10,
        ncols=100,
        ascii=" .:-=#",
        file=Lines(),
    )


class Lines:
    """Standard error for progress bars: each refresh of a bar on a line of its own."""

    def write(self, text: str) -> None:
        """Write a refresh; what only clears or ends the bar is dropped."""
        if text.strip():
            print(text.strip(), file=sys.stderr)

    def flush(self) -> None:
        """Standard error is flushed at every line."""


def frozen(model: nn.Module) -> nn.Module:
    """A copy for evaluation: eval mode, batch normalisation folded, no parameter gradients.

    A network with batch moments keeps its normalisation and is given images in evaluation batches.
    """
    folded = fold_batchnorm(model)
    return InEvaluationBatches(folded) if uses_batch_moments(folded) else folded


@torch.inference_mode()
def predictions(
    model: nn.Module,
    images: Tensor,
    compute: Compute,
    change: Callable[[Tensor, slice], Tensor] = lambda images, _: images,
) -> Tensor:
    """Predicted labels int64 [N] in strict float32 for stored uint8 images [N, C, H, W].

    `change` maps the float images of one slice to what the network is shown (filtered, perturbed).
    """
    found = [
        compute.labels_of(model, change(compute.images(images[part]), part))
        for part in batches(len(images), compute)
    ]
    return torch.cat(found)


def perturbations(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: dict,
    seed: int,
    compute: Compute,
    indices: Tensor | None = None,
) -> Tensor:
    """What a resolved attack adds to each stored image: float32 [N, C, H, W], N at least 1.

    model: as `frozen` gives it. indices: which images of the set these are, int64 [N], by default
    the first. Random draws depend on (seed, attack, index) only.

    Raises UserError for an attack that drops images on a network with batch moments.
    """
    key = key_of(seed, "attack", attack["name"])
    if indices is None:
        indices = torch.arange(len(images), device=images.device)
    found = []
    with progress(len(images), attack["name"]) as bar:
        for part in batches(len(images), compute):
            clean = compute.images(images[part])
            draws = Draws(key, indices[part])
            found.append(crafted(attack, model, clean, labels[part], draws, compute) - clean)
            bar.update(len(clean))
    return torch.cat(found)


def crafted(
    attack: dict, model: nn.Module, images: Tensor, labels: Tensor, draws: Draws, compute: Compute
) -> Tensor:
    """`craft` on float images [N, C, H, W], in the fastest suitable precision of the device.

    On a GPU an attack that needs float32 searches in TensorFloat-32. Images that are misclassified
    in TensorFloat-32, but not in strict float32, are attacked again in strict float32. A network
    with batch moments, whose outputs depend on the batch, is attacked in strict float32 only.

    Raises UserError for an attack that drops images on a network with batch moments.
    """
    if isinstance(model, InEvaluationBatches):
        whole = in_whole_batches(model, len(images), attack["name"])
        return craft(attack, compute.logits_of(whole), images, labels, draws)
    logits_of = compute.logits_of(model)
    if compute.device.type != "cuda" or not is_exact(attack):
        return craft(attack, logits_of, images, labels, draws)
    with tensor_float32():
        found = craft(attack, logits_of, images, labels, draws)
        with torch.no_grad():
            believed = model(found).argmax(1) != labels
    with torch.no_grad():
        doubtful = (believed & (compute.labels_of(model, found) == labels)).nonzero()[:, 0]
    if len(doubtful):
        again = images[doubtful], labels[doubtful], draws.take(doubtful)
        found[doubtful] = craft(attack, logits_of, *again)
    return found


def in_whole_batches(model: nn.Module, count: int, attack: str) -> Callable[[Tensor], Tensor]:
    """The model's forward pass, which raises UserError unless it is given `count` images."""

    def forward(images: Tensor) -> Tensor:
        if len(images) != count:
            raise UserError(
                f"attack '{attack}' drops images from the batch, but the outputs of a network with "
                "batch moments depend on the whole batch: choose an attack that keeps all images "
                "(fgsm, or pgd without restarts), or another network."
            )
        return model(images)

    return forward


def added(perturbation: Tensor) -> Callable[[Tensor, slice], Tensor]:
    """A `change` for `predictions`: add the perturbation [N, C, H, W] and clip to [0, 1]."""
    return lambda images, part: (images + perturbation[part]).clamp_(0, 1)
