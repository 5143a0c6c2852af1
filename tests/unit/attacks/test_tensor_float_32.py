"""Attacks that need float32 and search in TensorFloat-32, whose rounding is emulated on the CPU.

A GPU rounds the factors of a product to a mantissa of ten bits, and accumulates in float32: in a
convolution's forward pass its input and weights, in its backward pass the gradient and weights.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.grad import conv2d_input

from passband.attacks import craft
from passband.compute import Compute, tensor_float32
from passband.draws import Draws
from passband.evaluation import crafted

GPU = Compute(torch.device("cuda"), torch.float32)  # takes the GPU's branches, on CPU tensors
BALL = {"epsilon": 0.02}
ATTACKS = {
    "apgd-ce": BALL | {"attack": "apgd", "loss": "cross_entropy", "steps": 20},
    "apgd-t": BALL | {"attack": "apgd", "loss": "dlr_targeted", "target_classes": 2, "steps": 20},
    "fab-t": BALL | {"attack": "fab", "steps": 20, "target_classes": 2},
    "square": BALL | {"attack": "square", "queries": 200, "initial_share": 0.8},
    "cw": {
        "attack": "cw",
        "c": 1.0,
        "kappa": 0.0,
        "steps": 30,
        "learning_rate": 0.01,
        "space": "pixel",
    },
}


def to_tensor_float_32(values: Tensor) -> Tensor:
    """Float32 values rounded to a mantissa of ten bits."""
    return ((values.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


class Product(Function):
    """A convolution as a GPU computes it in TensorFloat-32."""

    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, options: dict) -> Tensor:
        ctx.shape, ctx.options = images.shape, options
        ctx.save_for_backward(weight)
        rounded = (to_tensor_float_32(each.contiguous()) for each in (images, weight))
        return nn.functional.conv2d(*rounded, **options)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple:
        (weight,) = ctx.saved_tensors
        rounded = (to_tensor_float_32(each.contiguous()) for each in (weight, gradient))
        return conv2d_input(ctx.shape, *rounded, **ctx.options), None, None


class Convolution(nn.Conv2d):
    """Rounds where PyTorch allows TensorFloat-32."""

    def forward(self, images: Tensor) -> Tensor:
        if not torch.backends.cudnn.allow_tf32:
            return super().forward(images)
        options = {key: getattr(self, key) for key in ("stride", "padding", "dilation", "groups")}
        return Product.apply(images, self.weight, options) + self.bias[:, None, None]


@pytest.fixture(scope="module")
def robust() -> tuple[nn.Module, Tensor, Tensor]:
    """A network that withstands some attacks, images [N, 1, 12, 12], and its predictions."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        Convolution(1, 16, 3, padding=1),
        nn.ReLU(),
        Convolution(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        Convolution(32, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        Convolution(32, 5, 3),
        nn.Flatten(),
    )
    with torch.no_grad():
        for parameter in network.parameters():
            shape = parameter.shape
            size = 1.6 / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(size * torch.randn(shape, generator=generator))
    network = network.eval().requires_grad_(False)
    images = torch.rand(300, 1, 12, 12, generator=generator)
    return network, images, network(images).argmax(1)


def test_the_rounding_keeps_ten_bits():
    values = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, -3.1415927])
    assert to_tensor_float_32(values).tolist() == [1.0, 1 + 2**-10, 1 + 2**-10, 1.0, -3.140625]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_search_in_tensor_float_32_fools_as_many_images(robust, name):
    """Images that it only seemed to fool are attacked again (see `crafted`)."""
    network, images, labels = robust
    attack, draws = ATTACKS[name] | {"name": name}, Draws(3, torch.arange(len(images)))
    strict = craft(attack, network, images, labels, draws)
    found = crafted(attack, network, images, labels, draws, GPU)
    fooled, wanted = ((network(each).argmax(1) != labels) for each in (found, strict))
    assert wanted.sum() > 60
    assert fooled.sum() >= wanted.sum() - 3
    assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1
    if "epsilon" in attack:
        assert (found - images).abs().max() <= attack["epsilon"] + 1e-6
    if name == "cw":
        lengths = [
            (each - images).flatten(1).norm(dim=1)[fooled & wanted] for each in (found, strict)
        ]
        assert lengths[0].mean() <= 1.01 * lengths[1].mean()


def test_the_network_rounds(robust):
    network, images, _ = robust
    with tensor_float32():
        rounded = network(images)
    assert 1e-4 < (rounded - network(images)).abs().max() < 1e-2


def test_labels_are_those_of_float32(robust):
    network, images, _ = robust
    between = (images[:-1] + images[1:]) / 2
    expected = network(between).argmax(1)
    assert torch.equal(GPU.labels_of(network, between), expected)
