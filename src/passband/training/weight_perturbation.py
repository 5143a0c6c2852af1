"""Adversarial weight perturbation (Wu, Xia, Wang 2020), one more maximisation per step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call


def proxy(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The model's forward pass on its own weights, with copies of its batch statistics.

    The published recipe trains a second network of the same architecture by one step to find the
    perturbation. Its weights are the model's, and its learning rate cancels in the normalisation,
    so only its own batch statistics are kept: the model's are left as they are.
    """
    return lambda images: functional_call(
        model, {name: buffer.clone() for name, buffer in model.named_buffers()}, (images,)
    )


@contextmanager
def perturbed_weights(model: nn.Module, loss: Tensor, gamma: float) -> Iterator[None]:
    """Move the weights up the gradient of `loss` for the time of the context.

    loss: 0-d, from a forward pass that differentiates into the model's parameters. Every weight
    of more than one dimension moves by gamma times its own Euclidean norm (equation 8 of Wu et
    al., layer by layer); biases and batch normalisation stay. What an optimizer does inside the
    context is kept when the perturbation is taken away.
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
