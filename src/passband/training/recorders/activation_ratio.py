"""The ratio of low to high frequencies in the first activation."""

import torch
from torch import Tensor, nn

from passband.options import Images
from passband.spectra.activations import RATIOS
from passband.training.recorders import RECORDERS, Row, Subject

ACTIVATIONS = (nn.Hardtanh, nn.ReLU, nn.ReLU6, nn.SiLU)


@RECORDERS.register("activation_ratio")
def activation_ratio(subject: Subject, *, images: Images) -> list[Row]:
    """Low- to high-frequency ratio of the network's first activation, under each definition.

    The network is in evaluation mode meanwhile (fourier_study, section 3.1.3 and figure 5).

    Args:
        images: number of training images, the first ones.
    """
    first = subject.train.images[:images]
    activation = first_activation(subject.model, subject.compute.images(first)).double()
    return [
        Row(
            "train",
            f"definition={name}",
            "low_high_ratio",
            float(ratio(activation)),
            len(first),
        )
        for name, ratio in RATIOS.items()
    ]


@torch.no_grad()
def first_activation(model: nn.Module, images: Tensor) -> Tensor:
    """Output of the first activation function, [N, C, H, W], in evaluation mode."""
    layer = next(layer for layer in model.modules() if isinstance(layer, ACTIVATIONS))
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, inputs, output: seen.append(output))
    training = model.training
    try:
        model.eval()(images)
    finally:
        model.train(training)
        hook.remove()
    return seen[0]
