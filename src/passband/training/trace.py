"""What is recorded of a network while it trains."""

import torch
from torch import Tensor, nn

from passband.spectra.activations import RATIOS

ACTIVATIONS = (nn.Hardtanh, nn.ReLU, nn.ReLU6, nn.SiLU)


@torch.no_grad()
def activation_ratios(model: nn.Module, images: Tensor) -> dict[str, float]:
    """Low- to high-frequency ratio of the first activation, under each definition.

    images: float [N, C, H, W] in [0, 1]; the network is in evaluation mode meanwhile
    (fourier_study, section 3.1.3 and figure 5). Keys are lfi_hfi_<definition>.
    """
    layer = next(layer for layer in model.modules() if isinstance(layer, ACTIVATIONS))
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, inputs, output: seen.append(output))
    training = model.training
    try:
        model.eval()(images)
    finally:
        model.train(training)
        hook.remove()
    first = seen[0].double()
    return {f"lfi_hfi_{name}": float(ratio(first)) for name, ratio in RATIOS.items()}
