"""Similarity of the layers of a network by linear CKA, one pass over the images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from passband.attacks import describe
from passband.errors import unknown
from passband.evaluation import added, progress
from passband.options import AttackName, Batches, BatchSize
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.similarity import cka, gram, hsic_biased, hsic_unbiased


@PROBES.register("layer_similarity")
def layer_similarity(
    subject: Subject,
    *,
    attack: AttackName,
    images: Batches,
    batch: BatchSize,
    layers: list[str] | None = None,
) -> Measurement:
    """Linear CKA of every pair of layers on attacked images (fourier_study, figures 6 and 7).

    Layers are the convolutions and linear layers of the network as trained, in the order in which
    they run. HSIC is averaged over batches of `batch` images; images that fill no batch are left
    out. `cka` takes the unbiased estimator, which hardly depends on the batch size; `cka_biased`
    the biased one, which does (with batch = images it is that of one Gram matrix of all images).
    Shallow-deep similarity is the mean CKA between the first and the last third of the layers.

    Args:
        attack: the attack whose images are shown.
        images: number of test images, the first ones.
        batch: images per batch; an incomplete last batch is dropped.
        layers: names of the layers; all if left out.
    """
    subject = subject.first(images)
    size = min(batch, len(subject.labels))
    count = len(subject.labels) // size * size
    change, hsics = added(subject.perturbation), []
    with progress(count, "layer similarity") as bar:
        for start in range(0, count, size):
            part = slice(start, start + size)
            shown = change(subject.compute.images(subject.images[part]), part)
            grams = layer_grams(subject.trained, shown, layers)
            stack = torch.stack(list(grams.values()))
            hsics.append(torch.stack([hsic_unbiased(stack), hsic_biased(stack)]))
            bar.update(size)
    unbiased, biased = torch.stack(hsics).unbind(1)
    matrices = {"unbiased": cka(unbiased.mean(0)), "biased": cka(biased.mean(0))}
    per_batch = torch.stack([shallow_deep(cka(hsic)) for hsic in unbiased])
    return Measurement(
        arrays={
            "cka": stored(matrices["unbiased"].float()),
            "cka_biased": stored(matrices["biased"].float()),
            "shallow_deep_by_batch": stored(per_batch.float()),
        },
        metadata={"layers": list(grams), "attack": attack["name"], "batch": size},
        rows=[
            (
                f"{describe(attack)};estimator={name};batch={size}",
                "shallow_deep_cka",
                shallow_deep(matrix).item(),
                count,
                "ratio",
            )
            for name, matrix in matrices.items()
        ],
    )


def shallow_deep(similarity: Tensor) -> Tensor:
    """Mean similarity between the first and the last third of the layers: [L, L] to a scalar.

    A third is L // 3 layers, at least one. Pairs without a similarity (NaN, a layer whose output is
    the same for all images) are left out.
    """
    third = max(1, len(similarity) // 3)
    return similarity[:third, -third:].nanmean()


@torch.inference_mode()
def layer_grams(
    model: nn.Module, images: Tensor, layers: list[str] | None = None
) -> dict[str, Tensor]:
    """Gram matrices float64 [N, N] of the layers' outputs by name, in the order they run in.

    model: in eval mode; images: float [N, C, H, W]. A layer's output becomes a Gram matrix as soon
    as it is there, and none is kept. A layer that runs twice counts with its last output.

    Raises UserError for a name in `layers` that is no convolution and no linear layer.
    """
    grams: dict[str, Tensor] = {}

    def keep(name: str, outputs: Tensor) -> None:
        grams[name] = gram(outputs)

    with _hooks(_layers(model, layers), keep):
        model(images)
    return grams


def _layers(model: nn.Module, wanted: list[str] | None) -> dict[str, nn.Module]:
    """The convolutions and linear layers by name, or those of them that are wanted."""
    found = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
    for name in wanted or []:
        if name not in found:
            raise unknown("layer", name, found)
    return {name: found[name] for name in found if wanted is None or name in wanted}


@contextmanager
def _hooks(modules: dict[str, nn.Module], keep: Callable[[str, Tensor], None]) -> Iterator[None]:
    handles = [
        module.register_forward_hook(lambda _, __, outputs, name=name: keep(name, outputs))
        for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
