"""A batch of training images: what recipe parts may ask for, computed on first use."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.attacks import LogitsOf
from passband.compute import Compute
from passband.draws import Draws, Timed, key_of


class Mixed(NamedTuple):
    """What a mixed-sample augmentation makes: images, labels or label weights, and their loss."""

    images: Tensor
    targets: Tensor
    target_loss: Literal["ce", "bce"]


class Network(NamedTuple):
    """The model in training.

    Args:
        logits_of: the model's forward pass under autocast.
        attacked: the same for attacks, which differentiate with respect to the images only.
        average: that of the averaged model, if there is one.
        classes: number of classes.
    """

    model: nn.Module
    logits_of: LogitsOf
    attacked: LogitsOf
    average: LogitsOf | None
    classes: int
    compute: Compute


@dataclass
class Batch:
    """One batch on its way through a training step.

    Args:
        images: float [B, C, H, W] in [0, 1], augmented, filtered and, if clean images are mixed,
            mixed.
        labels: int64 [B].
        indices: the images' places in the training set, int64 [B].
        epoch: counted from 0.
        number: the batch's place in the epoch, counted from 0.
        differentiable: whether a part needs `input_gradients`, so that forward passes have to keep
            track of the images.
        adversarial_images: those that the model is trained on; `images` without an adversary.
        targets: `labels`, or label weights float [B, classes].
        target_loss: the loss of the targets, see `classification_loss`.
    """

    network: Network
    images: Tensor
    labels: Tensor
    indices: Tensor
    seed: int
    epoch: int | Timed
    number: int | Timed
    differentiable: bool
    adversarial_images: Tensor = field(init=False)
    targets: Tensor = field(init=False)
    target_loss: Literal["ce", "bce"] = "ce"

    def __post_init__(self):
        self.adversarial_images, self.targets = self.images, self.labels

    def through(self, logits_of: LogitsOf) -> "Batch":
        """The same images and targets on their way through another forward pass."""
        other = replace(self, network=self.network._replace(logits_of=logits_of))
        other.adversarial_images, other.targets = self.adversarial_images, self.targets
        return other

    def draws(self, purpose: str, *more: object) -> Draws:
        """Random numbers for these images in this epoch; `more` tells batches apart if wanted."""
        return Draws(key_of(self.seed, purpose, self.epoch, *more), self.indices)

    @cached_property
    def natural_logits(self) -> Tensor:
        """Logits of `images` [B, classes]; `logits` itself without an adversary."""
        if self.adversarial_images is self.images:
            return self.logits
        return self.network.logits_of(self._tracked(self.images))

    @cached_property
    def logits(self) -> Tensor:
        """Logits of `adversarial_images` [B, classes]."""
        return self.network.logits_of(self._tracked(self.adversarial_images))

    @cached_property
    def average_logits(self) -> Tensor:
        """Logits of the averaged model on `images` [B, classes], without a gradient."""
        return self.network.average(self.images)

    @cached_property
    def cross_entropies(self) -> Tensor:
        """Cross-entropy of `logits` with the labels, summed over the batch, 0-d."""
        return F.cross_entropy(self.logits, self.labels, reduction="sum")

    def input_gradients(self, create_graph: bool = False) -> Tensor:
        """Gradient of each image's cross-entropy with respect to `adversarial_images`.

        Computed once, and again only where a graph is asked for that the first call did without.

        Args:
            create_graph: whether the result can be differentiated into the weights.

        Returns:
            float [B, C, H, W].
        """
        found = self.__dict__.get("_input_gradients")
        if found is None or (create_graph and not found.requires_grad):
            (found,) = torch.autograd.grad(
                self.cross_entropies,
                self.adversarial_images,
                create_graph=create_graph,
                retain_graph=True,
            )
            self._input_gradients = found
        return found

    def classification_loss(self) -> Tensor:
        """`classification_loss` of `logits`: what a recipe without an outer loss takes."""
        return classification_loss(self.logits, self.targets, self.target_loss)

    def _tracked(self, images: Tensor) -> Tensor:
        return images.requires_grad_() if self.differentiable else images


def classification_loss(
    logits: Tensor, targets: Tensor, kind: Literal["ce", "bce"] = "ce"
) -> Tensor:
    """The loss of logits under labels or label weights.

    Args:
        logits: [B, classes].
        targets: labels int64 [B], or label weights float [B, classes].
        kind: "bce", binary cross-entropy of every class by itself, the mean over batch *and*
            classes, as PyTorch takes it (with C classes its gradient is about C times smaller than
            that of the sum over classes); or "ce", cross-entropy, the mean over the batch, which
            under mixed labels equals share CE(own label) + (1 - share) CE(partner's label).

    Returns:
        0-d.
    """
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(logits, targets)
    return F.cross_entropy(logits, targets)
