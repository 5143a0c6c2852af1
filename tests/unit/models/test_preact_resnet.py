"""PreActResNet without a final normalisation, against its formulas."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband import models


def by_hand(state: dict[str, Tensor], x: Tensor, strides: list[int]) -> Tensor:
    """The published network in functions only, its tensors taken in the order of their use."""
    tensors = iter(state.values())

    def rectified(x: Tensor) -> Tensor:
        weight, bias, mean, variance, _ = (next(tensors) for _ in range(5))
        scale = weight / (variance + 1e-5).sqrt()
        return F.relu(x * scale[:, None, None] + (bias - mean * scale)[:, None, None])

    x = F.conv2d(x, next(tensors), padding=1)
    for stride in strides:
        y = F.conv2d(rectified(x), next(tensors), stride=stride, padding=1)
        y = F.conv2d(rectified(y), next(tensors), padding=1)
        if y.shape != x.shape:
            x = F.conv2d(x, next(tensors), stride=stride)
        x = x + y
    return x.mean((2, 3)) @ next(tensors).T + next(tensors)


@pytest.mark.parametrize("side", [28, 32, 64])
def test_it_computes_what_the_formulas_say(side, lived_in):
    model = lived_in("preact_resnet8_w8", side=side).double()
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    expected = by_hand(model.state_dict(), x, [1, 2, 2])
    torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)


def test_the_papers_network_does_so_too():
    builder = models.ARCHITECTURES["preact_resnet18_plain_end"]
    model = builder(3, 10, 32, width=4).double().eval()
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    expected = by_hand(model.state_dict(), x, [1, 1, 2, 1, 2, 1, 2, 1])
    torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)


def test_convolutions_begin_with_the_variance_of_he_over_the_outputs():
    model = models.ARCHITECTURES["preact_resnet18_plain_end"](3, 10, 32, width=16)
    seen = 0
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 9000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.03)
            seen += 1
    assert seen > 5
