"""Adversarial weight perturbation (Wu, Xia, Wang 2020), one more maximisation per step."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from passband.options import Epochs, Positive
from passband.training.batch import Batch
from passband.training.parts import PARTS
from passband.training.proxy import proxy


@PARTS.register(
    "weight_perturbation",
    role="weight perturbation",
    requires={"": "adversary"},
    excludes={"mixed-sample augmentation": "its loss needs one label per image"},
    starts="warmup",
)
def weight_perturbation(
    batch: Batch, loss_of: Callable[[Batch], Tensor], *, gamma: Positive, warmup: Epochs
) -> AbstractContextManager[None]:
    """Compute the gradients at adversarially perturbed weights (AWP, Wu et al. 2020).

    The weights move up the outer loss that is trained: cross-entropy, or that of TRADES or MART.
    The published recipe trains a second network, the proxy, to find the perturbation. It has the
    model's own architecture and weights, so the model itself serves here (see
    `passband.training.proxy`).

    Args:
        gamma: size of each layer's perturbation, as a share of the layer's Euclidean norm.
        warmup: number of epochs before it starts.
    """
    model = batch.network.model
    proxied = batch.through(batch.network.compute.logits_of(proxy(model)))
    return perturbed_weights(model, loss_of(proxied), gamma)


@contextmanager
def perturbed_weights(model: nn.Module, loss: Tensor, gamma: float) -> Iterator[None]:
    """Move the weights up the gradient of `loss` for the time of the context.

    Every weight of more than one dimension moves by gamma times its own Euclidean norm (equation 8
    of Wu et al., layer by layer); biases and batch normalisation stay. What an optimizer does
    inside the context is kept when the perturbation is taken away.

    Args:
        loss: 0-d, from a forward pass that differentiates into the model's parameters.
        gamma: size of the perturbation relative to the weight's norm.
    """
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    gradients = torch.autograd.grad(loss, weights)
    sizes, lengths = torch._foreach_norm(weights), torch._foreach_norm(gradients)
    with torch.no_grad():
        offsets = [
            gradient * (gamma * size / (length + 1e-20))
            for gradient, size, length in zip(gradients, sizes, lengths, strict=True)
        ]
        torch._foreach_add_(weights, offsets)
    yield
    with torch.no_grad():
        torch._foreach_sub_(weights, offsets)
