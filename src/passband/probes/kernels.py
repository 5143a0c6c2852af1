"""The weights of a convolution: smoothness, similarity of channels, and spectrum."""

import numpy as np
import torch
from torch import Tensor, nn

from passband.errors import UserError
from passband.models.quantization import QuantizedConv2d, baked
from passband.options import Index
from passband.probes import PROBES, Measurement, Subject, stored


@PROBES.register("kernels")
def kernels(subject: Subject, *, layer: Index = 0, all_layers: bool = False) -> Measurement:
    """Weights of one convolution and statistics of its kernels (fourier_study, figures 3, 4 and 8).

    Weights are those of the network as trained (batch normalisation not folded in); 0 is the first
    convolution, 1 the first one that a quantised network quantises. A statistic that does not
    exist is NaN and left out of the mean: for a kernel of zeros, and the correlation of the
    channels where there is one. No image is shown, so that rows count none. Of a network whose
    weights pass through learned masks over their spectra, the least value of all masks is told.

    Args:
        layer: index of the convolution; 0 is the first.
        all_layers: whether to map the frequencies of all convolutions as well.
    """
    weights = convolutions(subject.trained)
    if layer >= len(weights):
        raise UserError(
            f"layer is {layer} in a probe of kind kernels, but the network has {len(weights)} "
            f"convolutions, counted from 0: choose one from 0 to {len(weights) - 1}."
        )
    name, chosen = list(weights.items())[layer]
    statistics = {
        "total_variation": total_variation(chosen),
        "sign_agreement": sign_agreement(chosen),
        "channel_correlation": channel_correlation(chosen),
        "high_share": high_share(frequency_map(chosen)),
    }
    result = Measurement(
        arrays={
            "weights": stored(chosen),
            "frequency_map": stored(frequency_map(chosen)),
            "high_share_by_layer": stored(
                torch.stack(
                    [high_share(frequency_map(each)).nanmean() for each in weights.values()]
                )
            ),
        }
        | {key: stored(values) for key, values in statistics.items()},
        metadata={"layer": name, "layers": list(weights)},
    )
    if all_layers:
        for number, each in enumerate(weights.values()):
            result.arrays[f"frequency_map_{number}"] = stored(frequency_map(each))
    for key, values in statistics.items():
        mean = values.nanmean().item()
        if np.isfinite(mean):
            result.rows.append((f"layer={layer};kernels={len(values)}", key, mean, 0, "ratio"))
    masks = frequency_masks(subject.trained)
    if masks:
        least = min(mask.min().item() for mask in masks.values())
        result.rows.append((f"masks={len(masks)}", "least_mask", least, 0, "ratio"))
    return result


def convolutions(model: nn.Module) -> dict[str, Tensor]:
    """The weights float32 [c_out, c_in, k, k] of all convolutions by name, quantised if they are.

    In the order in which the network registers them, which at the start is that of the layers.
    """
    return {
        name: module.weight.detach().float()
        for name, module in baked(model).named_modules()
        if isinstance(module, nn.Conv2d)
    }


@torch.no_grad()
def frequency_masks(model: nn.Module) -> dict[str, Tensor]:
    """The learned masks [c_out, frequencies] over the spectra of weights, by layer."""
    layers = (pair for pair in model.named_modules() if isinstance(pair[1], QuantizedConv2d))
    masks = {name: layer.mask() for name, layer in layers}
    return {name: mask for name, mask in masks.items() if mask is not None}


def total_variation(weights: Tensor) -> Tensor:
    """How rough each kernel is: [c_out, c_in, k, k] to [c_out]; 0 is constant.

    The mean absolute difference of neighbouring weights (down and right, within a channel) over
    the root mean square of the kernel's weights. It depends neither on scale nor on size:
    independent normal weights give 2 / sqrt(pi) = 1.13, a chessboard of signs 2. NaN for a kernel
    of zeros and for k = 1.
    """
    weights = weights.double()
    down = (weights[:, :, 1:] - weights[:, :, :-1]).abs().flatten(1)
    right = (weights[..., 1:] - weights[..., :-1]).abs().flatten(1)
    scale = weights.flatten(1).square().mean(1).sqrt()
    return (torch.cat([down, right], 1).mean(1) / scale).float()


def sign_agreement(weights: Tensor) -> Tensor:
    """Share of neighbouring weights of the same sign: [c_out, c_in, k, k] to [c_out] in [0, 1].

    Pairs are vertical and horizontal neighbours within a channel, without those that contain a
    zero; 1/2 for independent weights, 0 for a checkerboard of signs. The share depends neither on
    scale nor on kernel size. NaN if no pair is left, as for k = 1.
    """
    down = (weights[:, :, 1:].sign() * weights[:, :, :-1].sign()).flatten(1)
    right = (weights[..., 1:].sign() * weights[..., :-1].sign()).flatten(1)
    pairs = torch.cat([down, right], 1)
    return (pairs > 0).sum(1) / (pairs != 0).sum(1)


def channel_correlation(weights: Tensor) -> Tensor:
    """How alike the channels of each kernel are: [c_out, c_in, k, k] to [c_out] in [-1, 1].

    The mean over all pairs of channels of the correlation of their k x k weights. Pairs with a
    constant channel are left out; NaN if none remains, as with one channel.
    """
    slices = weights.double().flatten(2)
    slices = slices - slices.mean(2, keepdim=True)
    norms = slices.norm(dim=2, keepdim=True)
    units = slices / torch.where(norms > 1e-12 * weights.abs().max(), norms, torch.nan)
    first, second = torch.triu_indices(weights.shape[1], weights.shape[1], 1)
    return (units @ units.mT)[:, first, second].nanmean(1).float()


def frequency_map(weights: Tensor) -> Tensor:
    """|DFT| along each flattened kernel: [c_out, c_in, k, k] to [c_out, c_in * k * k].

    Not shifted: low frequencies at both ends, high ones in the middle.
    """
    return torch.fft.fft(weights.flatten(1)).abs()


def high_share(amplitudes: Tensor) -> Tensor:
    """Share of the energy in the middle half of the axis of a frequency map: [c_out, n] to [c_out].

    The middle half are the indices i with min(i, n - i) >= n / 4. NaN for a kernel of zeros.
    """
    index = torch.arange(amplitudes.shape[1], device=amplitudes.device)
    middle = 4 * torch.minimum(index, len(index) - index) >= len(index)
    energy = amplitudes.double().square()
    return (energy[:, middle].sum(1) / energy.sum(1)).float()
