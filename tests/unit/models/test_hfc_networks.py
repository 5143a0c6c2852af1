"""The networks of hfc: parameters by hand, the formulas written out, padding, initial weights."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.signal import correlate2d
from torch import Tensor, nn

from passband import models
from passband.models.resnet_plain import halved, same_padded


def resnet_by_hand(channels, classes, blocks, width, kernel=3, moments=False) -> int:
    """Weights of convolutions without bias, linear layer, and scale and offset of each width."""
    total, normalised = kernel**2 * channels * width, width
    inputs = width
    for stage in range(3):
        outputs = width * 2**stage
        for block in range(blocks):
            total += 9 * inputs * outputs + 9 * outputs * outputs
            normalised += outputs + (0 if stage == block == 0 else inputs)
            inputs = outputs
    return total + (inputs + 1) * classes + 2 * normalised * moments


@pytest.mark.parametrize(
    ("name", "channels", "classes", "parameters"),
    [
        ("resnet32_plain", 3, 10, 461_882),
        ("resnet32_dropout", 3, 10, 461_882),
        ("resnet32_batch_moments", 3, 10, 464_026),
        ("resnet32_plain_5x5", 3, 10, 461_882 + 16 * 3 * 16),
        ("resnet32_plain", 1, 10, 461_882 - 2 * 9 * 16),
        ("resnet32_plain", 3, 200, 461_882 + 190 * 65),
        ("resnet8_plain", 3, 10, resnet_by_hand(3, 10, 1, 16)),
        ("resnet8_dropout", 1, 10, resnet_by_hand(1, 10, 1, 16)),
        ("resnet8_batch_moments", 3, 10, resnet_by_hand(3, 10, 1, 16, moments=True)),
        ("resnet8_plain_5x5", 3, 10, resnet_by_hand(3, 10, 1, 16, kernel=5)),
        ("resnet8_plain_w4", 1, 10, resnet_by_hand(1, 10, 1, 4)),
        ("resnet8_dropout_w4", 1, 10, resnet_by_hand(1, 10, 1, 4)),
        ("resnet8_batch_moments_w4", 1, 10, resnet_by_hand(1, 10, 1, 4, moments=True)),
        ("resnet8_plain_5x5_w4", 1, 10, resnet_by_hand(1, 10, 1, 4, kernel=5)),
        ("lenet", 3, 10, 62_006),
        ("lenet", 1, 10, 61_706),
        ("alexnet_small", 3, 10, 2_472_266),
        ("alexnet_small", 1, 10, 2_472_266 - 2 * 121 * 64),
        ("vgg11_small", 3, 10, 9_225_610),
        ("vgg11_small", 3, 200, 9_225_610 + 190 * 513),
    ],
)
def test_parameters(name, channels, classes, parameters):
    with torch.device("meta"):
        model = models.ARCHITECTURES[name](channels, classes, 32)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_the_hand_count_is_the_published_one():
    assert resnet_by_hand(3, 10, 5, 16) == 461_882
    assert resnet_by_hand(3, 10, 5, 16, moments=True) == 464_026


def tensorflow_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """SAME as TensorFlow documents it: ceil(side / stride) outputs, one more zero at the end."""
    total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize("shape", [(8, 8), (7, 7), (28, 28), (31, 8), (16, 5)])
def test_the_padding_of_stride_2_is_tensorflows(shape):
    image, kernel = torch.randn(shape).double(), torch.randn(3, 3).double()
    padded = same_padded(image[None, None])
    found = F.conv2d(padded, kernel[None, None], stride=2)[0, 0]
    framed = np.pad(image.numpy(), [tensorflow_padding(side, 3, 2) for side in shape])
    expected = correlate2d(framed, kernel.numpy(), mode="valid")[::2, ::2]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_shortcut_averages_and_adds_zero_channels_half_before_and_half_after():
    x = torch.randn(2, 4, 6, 5)
    y = halved(x, 4)
    assert y.shape == (2, 8, 3, 3)
    assert not y[:, :2].any() and not y[:, 6:].any()
    for row in range(3):
        for column in range(3):
            there = x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            expected = there.mean((2, 3))
            torch.testing.assert_close(y[:, 2:6, row, column], expected, atol=1e-6, rtol=1e-5)


def network_by_hand(state: dict[str, Tensor], x: Tensor, blocks: int, moments: bool) -> Tensor:
    """The network of the paper's code in functions only, its tensors in the order of their use."""
    tensors = iter(state.values())

    def rectified(x):
        if moments:
            scale, offset = next(tensors), next(tensors)
            mean = x.mean((0, 2, 3), keepdim=True)
            variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
            x = (x - mean) / (variance + 1e-3).sqrt()
            x = x * scale[:, None, None] + offset[:, None, None]
        return x.clamp(min=0)

    def convolved(x, stride=1):
        kernel = next(tensors)
        around = tensorflow_padding(x.shape[-1], kernel.shape[-1], stride)
        return F.conv2d(F.pad(x, around * 2), kernel, stride=stride)

    x = rectified(convolved(x))
    for stage in range(3):
        for block in range(blocks):
            shrinks = stage > 0 and block == 0
            y = x if stage == block == 0 else rectified(x)
            y = convolved(rectified(convolved(y, 2 if shrinks else 1)))
            if shrinks:
                corners = [x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
                pooled, empty = sum(corners) / 4, torch.zeros_like(y)[:, : y.shape[1] // 4]
                x = torch.cat([empty, pooled, empty], 1)
            x = x + y
    return x.clamp(min=0).mean((2, 3)) @ next(tensors).T + next(tensors)


@pytest.mark.parametrize(
    ("name", "blocks", "side"),
    [
        ("resnet8_plain", 1, 16),
        ("resnet8_plain_5x5", 1, 12),
        ("resnet8_batch_moments", 1, 16),
        ("resnet8_dropout", 1, 8),
        ("resnet32_plain", 5, 8),
        ("resnet32_batch_moments", 5, 8),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_networks_compute_what_the_formulas_say(name, blocks, side, training, lived_in):
    model = lived_in(name, side=side).double().train(training and "dropout" not in name)
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    with torch.no_grad():
        expected = network_by_hand(model.state_dict(), x, blocks, "moments" in name)
        torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    "name", ["resnet32_plain", "resnet8_batch_moments", "lenet", "alexnet_tiny", "vgg11_tiny"]
)
def test_initial_weights_are_uniform_with_the_bounds_of_their_layers(name):
    for layer in models.build(name, 3, 10, 32, seed=0).modules():
        if isinstance(layer, nn.Conv2d):
            fans = layer.weight[0, 0].numel() * (layer.in_channels + layer.out_channels)
            bound = math.sqrt(6 / fans)
        elif isinstance(layer, nn.Linear):
            bound = math.sqrt(3 / layer.in_features)
        else:
            continue
        assert layer.bias is None or not layer.bias.any()
        shares = (layer.weight.detach().flatten() / bound + 1) / 2
        assert shares.min() >= 0 and shares.max() <= 1
        assert stats.kstest(shares.numpy(), "uniform").pvalue > 1e-4


def test_batch_moments_begin_with_scale_1_and_offset_0():
    layers = [
        layer
        for layer in models.build("resnet32_batch_moments", 3, 10, 32, seed=0).modules()
        if isinstance(layer, nn.BatchNorm2d)
    ]
    assert len(layers) == 30
    assert all((layer.weight == 1).all() and not layer.bias.any() for layer in layers)
