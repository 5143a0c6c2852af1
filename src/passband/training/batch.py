"""A batch of training images: what recipe parts may ask for, computed on first use."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.attacks import LogitsOf, in_float32
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
        progress: epochs since the training began, fractional.
        differentiable: whether a part needs `input_gradients`, so that `natural_logits` have to be
            in float32 and keep track of the images.
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
    progress: float | Timed
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
        """Logits of `images` [B, classes]; `logits` themselves without an adversary."""
        if self.differentiable:
            return in_float32(self.network.logits_of)(self.images.requires_grad_())
        if self.adversarial_images is self.images:
            return self.logits
        return self.network.logits_of(self.images)

    @cached_property
    def logits(self) -> Tensor:
        """Logits of `adversarial_images` [B, classes]."""
        if self.differentiable and self.adversarial_images is self.images:
            return self.natural_logits
        return self.network.logits_of(self.adversarial_images)

    @cached_property
    def average_logits(self) -> Tensor:
        """Logits of the averaged model on `images` [B, classes], without a gradient."""
        return self.network.average(self.images)

    @cached_property
    def input_gradients(self) -> Tensor:
        """Gradient of each image's cross-entropy with respect to `images` [B, C, H, W].

        In float32, and differentiable into the weights. In training mode the cross-entropy of an
        image depends on the others of its batch, through the batch statistics; the gradient is that
        of the sum.
        """
        return input_gradients(self.natural_logits, self.labels, self.images)

    def classification_loss(self) -> Tensor:
        """`classification_loss` of `logits`: what a recipe without an outer loss takes."""
        return classification_loss(self.logits, self.targets, self.target_loss)


def input_gradients(logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
    """Gradient of the summed cross-entropy with respect to `images`, differentiable itself.

    Args:
        logits: [B, classes], computed from `images`.
        labels: int64 [B].
        images: float [B, C, H, W], which require a gradient.

    Returns:
        [B, C, H, W].
    """
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.autograd.grad(loss, images, create_graph=True)[0]


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
