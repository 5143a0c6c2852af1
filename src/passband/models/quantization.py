"""Networks with few bits and the frequency-aware transformation of their weights.

Quantisers with learned scales and straight-through gradients, and the mask over the weights'
spectrum, as in Tao et al. 2021 (FAT), which table 5 and figure 8 of fourier_study use. Every
convolution but the first is quantised, its weights and its input; the first convolution and the
linear layers keep full precision.

A quantised network is piecewise constant: where an activation lies within rounding error of the
middle between two levels, two ways to compute the same network may round it differently.
"""

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from passband.errors import UserError

FULL_PRECISION = 32
WEIGHT_SCALE = 3.0
UNSIGNED_SCALE = 5.0
# Not from the publication, whose activations are never negative: hardtanh's end at -1 and 1, and
# with a scale of 5 two signed bits would round every one of them to zero.
SIGNED_SCALE = 1.0


@torch.fx.wrap
def quantize(values: Tensor, scale: Tensor, bits: int, *, signed: bool, masked: bool) -> Tensor:
    """Values rounded to multiples of a step up to `scale`, with straight-through gradients.

    values: any shape; scale: [1]. With u = values / scale: signed numbers are clipped to [-1, 1]
    and their magnitudes rounded to 2^(bits - 1) - 1 steps, one bit being the sign alone; unsigned
    ones are clipped at 1 and rounded to 2^bits - 1 steps. The result has the wider of the two data
    types, so that a scale in float32 keeps the rounding out of half precision.

    The gradient passes to the values as it is, or, if masked, where they are not clipped. That of
    the scale is sign(u) where they are and (rounded u) - u elsewhere. There is no second
    derivative: asking for one raises RuntimeError.
    """
    steps = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return _StraightThrough.apply(values, scale, steps, -1.0 if signed else None, masked)


class _StraightThrough(Function):
    @staticmethod
    def forward(ctx, values: Tensor, scale: Tensor, steps: int, low: float | None, masked: bool):
        u = values / scale
        ctx.save_for_backward(u)
        ctx.dtypes, ctx.constants = (values.dtype, scale.dtype), (steps, low, masked)
        return _rounded(u.clamp(low, 1.0), steps).mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        (u,), (steps, low, masked) = ctx.saved_tensors, ctx.constants
        clipped = u.clamp(low, 1.0)
        inside = clipped == u
        of_values = of_scale = None
        if ctx.needs_input_grad[0]:
            of_values = (gradient * inside if masked else gradient).to(ctx.dtypes[0])
        if ctx.needs_input_grad[1]:
            slope = torch.where(inside, _rounded(clipped, steps) - u, clipped)
            of_scale = (gradient * slope).sum().view(1).to(ctx.dtypes[1])
        return of_values, of_scale, None, None, None


def _rounded(clipped: Tensor, steps: int) -> Tensor:
    if steps == 0:
        return torch.where(clipped < 0, -1.0, 1.0).to(clipped)
    return (clipped * steps).round_().div_(steps)


def standardized(weight: Tensor) -> Tensor:
    """Weights minus their mean, over their unbiased standard deviation, both taken as constants."""
    std, mean = torch.std_mean(weight.detach())
    return (weight - mean) / std


@torch.fx.wrap
def frequency_masked(weight: Tensor, mixing: Tensor) -> Tensor:
    """Weights [C_out, ...] whose spectrum is multiplied by a mask in (0, 1) learned from it.

    The spectrum is the discrete Fourier transform of the weights of each output channel in one
    row; the mask is the sigmoid of its magnitudes mixed across output channels by mixing
    [C_out, C_out]. Computed in the weights' precision, also under autocast.

    Magnitudes of standardised weights grow with the root of the filter's length. From about 17 on
    the sigmoid is 1 in single precision and passes no gradient: a mask of filters of 576 weights
    and more stays 1 until weight decay has made `mixing` smaller.
    """
    rows = weight.flatten(1)
    with torch.autocast(weight.device.type, enabled=False):
        spectrum = torch.fft.rfft(rows)
        masked = torch.fft.irfft(spectrum * frequency_mask(spectrum, mixing), rows.shape[1])
    return masked.view(weight.shape)


def frequency_mask(spectrum: Tensor, mixing: Tensor) -> Tensor:
    """The mask of `frequency_masked`, [C_out, frequencies], of a complex spectrum of that shape."""
    return (mixing @ spectrum.abs()).sigmoid()


class QuantizedActivation(nn.Module):
    """`quantize` for activations of one sign or both, with a learned scale."""

    def __init__(self, bits: int, signed: bool):
        super().__init__()
        self.bits, self.signed = bits, signed
        self.scale = nn.Parameter(torch.tensor([SIGNED_SCALE if signed else UNSIGNED_SCALE]))

    def forward(self, x: Tensor) -> Tensor:
        return quantize(x, self.scale, self.bits, signed=self.signed, masked=True)


class QuantizedConv2d(nn.Conv2d):
    """A convolution by its standardised, transformed and quantised weights.

    mixing: the learned map of `frequency_masked`, at first 1 / C_out everywhere; absent without
    the transformation. scale: that of `quantize`; absent with 32 bits.
    """

    def __init__(self, conv: nn.Conv2d, bits: int, frequency_aware: bool):
        super().__init__(**geometry(conv), device="meta")
        self.weight, self.bias = deepcopy(conv.weight), deepcopy(conv.bias)
        self.bits, outputs, new = bits, conv.out_channels, conv.weight.new_full
        self.mixing = (
            nn.Parameter(new((outputs, outputs), 1 / outputs)) if frequency_aware else None
        )
        self.scale = nn.Parameter(new((1,), WEIGHT_SCALE)) if bits < FULL_PRECISION else None

    def mask(self) -> Tensor | None:
        """The mask [C_out, frequencies] over the spectrum; None without the transformation."""
        if self.mixing is None:
            return None
        return frequency_mask(torch.fft.rfft(standardized(self.weight).flatten(1)), self.mixing)

    def effective_weight(self) -> Tensor:
        """The weights that the convolution uses, [C_out, C_in / groups, k, k]."""
        weight = standardized(self.weight)
        if self.mixing is not None:
            weight = frequency_masked(weight, self.mixing)
        if self.scale is not None:
            weight = quantize(weight, self.scale, self.bits, signed=True, masked=False)
        return weight

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.effective_weight(), self.bias)


def geometry(conv: nn.Conv2d) -> dict[str, object]:
    """The arguments that build a convolution of the same shape."""
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    names += ("groups", "padding_mode")
    return {name: getattr(conv, name) for name in names} | {"bias": conv.bias is not None}


def quantized(model: nn.Module, bits: int, frequency_aware: bool) -> nn.Module:
    """A copy of the model whose convolutions, but for the first one, are quantised.

    bits: 1 to 32, of weights and activations alike; 32 rounds nothing, so that without the
    transformation the copy is the model itself. An input that comes directly from a ReLU is
    quantised unsigned, any other signed. In depthwise and other grouped convolutions weights are
    quantised and not transformed: their filters are too short for a spectrum over channels.

    Weights are standardised, so that a batch normalisation should follow each convolution.
    Raises UserError for other bits.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= FULL_PRECISION:
        raise UserError(
            f"quantization.bits is {bits!r}: give a whole number from 1 to {FULL_PRECISION}, "
            f"where {FULL_PRECISION} means full precision."
        )
    result = deepcopy(model)
    rectified = behind_relu(model)
    convolutions = [name for name, layer in model.named_modules() if type(layer) is nn.Conv2d]
    for name in convolutions[1:]:
        conv = result.get_submodule(name)
        transform = frequency_aware and conv.groups == 1
        if bits < FULL_PRECISION:
            activation = QuantizedActivation(bits, name not in rectified).to(conv.weight)
            replacement = nn.Sequential(activation, QuantizedConv2d(conv, bits, transform))
        elif transform:
            replacement = QuantizedConv2d(conv, bits, transform)
        else:
            continue
        result.set_submodule(name, replacement.train(conv.training))
    return result


def behind_relu(model: nn.Module) -> set[str]:
    """Names of the layers whose input is the output of a ReLU layer."""
    modules = dict(model.named_modules())
    nodes = torch.fx.symbolic_trace(deepcopy(model).eval()).graph.nodes
    return {
        str(node.target)
        for node in nodes
        if node.op == "call_module"
        and node.args[0].op == "call_module"
        and isinstance(modules[node.args[0].target], nn.ReLU)
    }


@torch.no_grad()
def baked(model: nn.Module) -> nn.Module:
    """A copy in which plain convolutions hold the weights that the quantised ones computed.

    Activations are still quantised. Names of layers stay; a model without quantised convolutions
    is copied as it is.
    """
    result = deepcopy(model)
    for name, layer in model.named_modules():
        if isinstance(layer, QuantizedConv2d):
            conv = nn.Conv2d(**geometry(layer), device="meta")
            conv.weight = nn.Parameter(layer.effective_weight())
            conv.bias = deepcopy(layer.bias)
            result.set_submodule(name, conv.train(layer.training))
    return result


class Scales(NamedTuple):
    """The parameters that quantisation adds to a network."""

    activation_scales: list[nn.Parameter]
    weight_transforms: list[nn.Parameter]


def scale_groups(model: nn.Module) -> Scales:
    """The scales of activations, and the scales and maps of weights.

    Tao et al. train the first with learning rate 0.1, the second with 0.02, both with weight decay
    1e-4. In a network that is not quantised both are empty.
    """
    groups = Scales([], [])
    for layer in model.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if isinstance(layer, QuantizedActivation):
                groups.activation_scales.append(parameter)
            elif isinstance(layer, QuantizedConv2d) and name in {"mixing", "scale"}:
                groups.weight_transforms.append(parameter)
    return groups
