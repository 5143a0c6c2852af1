"""Quantisers, the frequency-aware transformation, and networks made of them."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from passband import models
from passband.draws import Draws
from passband.errors import UserError
from passband.models.dropout import set_draws
from passband.models.quantization import (
    QuantizedActivation,
    QuantizedConv2d,
    baked,
    frequency_masked,
    quantize,
    quantized,
    scale_groups,
    standardized,
)

SIGNED = partial(quantize, signed=True, masked=False)
UNSIGNED = partial(quantize, signed=False, masked=True)
KINDS = [(32, True), (4, False), (4, True), (2, True), (1, False)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def close(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("bits", "levels"), [(1, 2), (2, 3), (3, 7), (4, 15), (8, 255)])
def test_number_of_signed_levels(bits, levels):
    scale = torch.tensor([3.0])
    found = SIGNED(torch.linspace(-9, 9, 20_001), scale, bits).unique()
    assert len(found) == levels
    torch.testing.assert_close(found, torch.linspace(-3, 3, levels))


@pytest.mark.parametrize(("bits", "levels"), [(1, 2), (2, 4), (4, 16), (8, 256)])
def test_number_of_unsigned_levels(bits, levels):
    found = UNSIGNED(torch.linspace(0, 9, 20_001), torch.tensor([5.0]), bits).unique()
    assert len(found) == levels
    torch.testing.assert_close(found, torch.linspace(0, 5, levels))


def test_one_signed_bit_is_the_sign_and_counts_zero_as_positive():
    values = torch.tensor([-2.0, -1e-6, 0.0, 1e-6, 2.0])
    assert SIGNED(values, torch.tensor([0.5]), 1).tolist() == [-0.5, -0.5, 0.5, 0.5, 0.5]


def test_two_signed_bits_with_the_scale_of_unsigned_ones_round_hardtanh_to_zero():
    x = torch.linspace(-1, 1, 101)
    assert not SIGNED(x, torch.tensor([5.0]), 2).any()
    assert len(SIGNED(x, QuantizedActivation(2, signed=True).scale, 2).unique()) == 3


@given(
    bits=st.integers(1, 31),
    scale=st.floats(0.1, 10),
    signed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_quantising_is_idempotent_monotone_and_near(bits, scale, signed, seed):
    values = (normal(200, seed=seed) * 2 * scale).sort().values
    values = values if signed else values.clamp(min=0)
    alpha = torch.tensor([scale], dtype=torch.float64)
    rounded = quantize(values, alpha, bits, signed=signed, masked=True)
    again = quantize(rounded, alpha, bits, signed=signed, masked=True)
    close(again, rounded)
    assert (rounded.diff() >= 0).all()
    assert rounded.abs().max() <= scale * (1 + 1e-12)
    if bits > 1:
        half_a_step = scale / (2 ** (bits - 1) - 1 if signed else 2**bits - 1) / 2
        clipped = values.clamp(-scale if signed else 0, scale)
        assert (rounded - clipped).abs().max() <= half_a_step * (1 + 1e-6) + 1e-12


def scale_gradient(values: Tensor, scale: float, steps: int, weights: Tensor) -> float:
    """The published gradient of the scale, number by number."""
    total = 0.0
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        u = value / scale
        if abs(u) > 1:
            total += weight * (1 if u > 0 else -1)
        else:
            total += weight * (round(u * steps) / steps - u)
    return total


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_signed_quantisation(bits, masked):
    values, weights = normal(500).requires_grad_(), normal(500, seed=1)
    scale = torch.tensor([0.8], dtype=torch.float64, requires_grad=True)
    (quantize(values, scale, bits, signed=True, masked=masked) @ weights).backward()
    expected = scale_gradient(values, 0.8, 2 ** (bits - 1) - 1, weights)
    assert scale.grad.item() == pytest.approx(expected, rel=1e-9)
    passed = (values.abs() <= 0.8) if masked else torch.ones(500)
    assert torch.equal(values.grad, weights * passed)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_gradients_of_unsigned_quantisation(bits):
    values, weights = normal(500).abs().requires_grad_(), normal(500, seed=1)
    scale = torch.tensor([0.8], dtype=torch.float64, requires_grad=True)
    (UNSIGNED(values, scale, bits) @ weights).backward()
    expected = scale_gradient(values, 0.8, 2**bits - 1, weights)
    assert scale.grad.item() == pytest.approx(expected, rel=1e-9)
    assert torch.equal(values.grad, weights * (values <= 0.8))


@pytest.mark.parametrize("signed", [True, False])
def test_gradient_of_the_scale_is_the_slope_between_roundings(signed):
    """With each number's rounding error fixed, in units of the scale, the function is smooth."""
    values, weights = normal(200) if signed else normal(200).abs(), normal(200, seed=1)
    steps = 7 if signed else 15
    u = values / 0.8
    inside = u.abs() <= 1
    error = torch.where(inside, (u * steps).round() / steps - u, 0.0)

    def surrogate(scale: float) -> float:
        smooth = torch.where(inside, values + scale * error, scale * u.sign())
        return (smooth @ weights).item()

    scale = torch.tensor([0.8], dtype=torch.float64, requires_grad=True)
    result = quantize(values, scale, 4, signed=signed, masked=True) @ weights
    assert result.item() == pytest.approx(surrogate(0.8), rel=1e-12)
    result.backward()
    slope = (surrogate(0.8 + 1e-4) - surrogate(0.8 - 1e-4)) / 2e-4
    assert scale.grad.item() == pytest.approx(slope, rel=1e-8)


def test_quantising_changes_no_argument_and_keeps_the_wider_type():
    values, scale = torch.randn(50), torch.tensor([0.7])
    before = values.clone(), scale.clone()
    SIGNED(values, scale, 2)
    assert torch.equal(values, before[0]) and torch.equal(scale, before[1])
    assert SIGNED(values.bfloat16(), scale, 4).dtype == torch.float32
    assert SIGNED(values.double(), scale.double(), 1).dtype == torch.float64


def test_standardised_weights_and_their_gradient():
    weight = (normal(8, 3, 3, 3) * 2 + 5).requires_grad_()
    result = standardized(weight)
    assert result.mean().item() == pytest.approx(0, abs=1e-12)
    assert result.std(correction=1).item() == pytest.approx(1)
    weights = normal(8, 3, 3, 3, seed=1)
    (result * weights).sum().backward()
    close(weight.grad, weights / weight.detach().std())


@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (5, 3, 3, 3), (4, 8, 1, 1), (3, 1, 1, 1)])
def test_frequency_mask_is_that_of_the_full_complex_transform(shape):
    weight, mixing = normal(*shape).requires_grad_(), normal(shape[0], shape[0], seed=1)
    mixing.requires_grad_()

    def directly() -> Tensor:
        rows = weight.reshape(shape[0], -1)
        count = torch.arange(rows.shape[1], dtype=torch.float64)
        basis = torch.exp(-2j * torch.pi * torch.outer(count, count) / len(count))
        spectrum = rows.to(torch.complex128) @ basis
        mask = torch.sigmoid(mixing @ spectrum.abs())
        return ((spectrum * mask) @ basis.conj() / len(count)).real.reshape(shape)

    expected, got = directly(), frequency_masked(weight, mixing)
    close(got, expected)
    weights = normal(*shape, seed=2)
    for ours, theirs in zip(
        torch.autograd.grad((got * weights).sum(), (weight, mixing)),
        torch.autograd.grad((expected * weights).sum(), (weight, mixing)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-7, rtol=1e-7)


def test_a_mask_of_ones_is_the_identity_and_a_mask_of_one_half_halves():
    weight = normal(6, 4, 3, 3)
    close(frequency_masked(weight, torch.full((6, 6), 1e3, dtype=torch.float64)), weight)
    close(frequency_masked(weight, torch.zeros(6, 6, dtype=torch.float64)), weight / 2)


def test_the_transformation_is_differentiable_twice():
    arguments = normal(3, 2, 3, 3).requires_grad_(), normal(3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradgradcheck(frequency_masked, arguments)


def convolutions(model: nn.Module) -> list[QuantizedConv2d]:
    return [layer for layer in model.modules() if isinstance(layer, QuantizedConv2d)]


def test_the_initial_mask_is_near_one():
    model = quantized(models.build("resnet8_hardtanh", 3, 10, 32, seed=0), 4, True)
    for layer in convolutions(model):
        assert (layer.mixing == 1 / layer.out_channels).all()
        weight = standardized(layer.weight)
        torch.testing.assert_close(
            frequency_masked(weight, layer.mixing), weight, atol=1e-2, rtol=0
        )
        assert len(layer.effective_weight().unique()) <= 15


@pytest.fixture(scope="module")
def small():
    """Builds quantised networks of 8x8 images in eval mode, normalised by statistics of some.

    Random affine parameters keep activations off the middle between two levels.
    """

    def build(name: str, bits: int, frequency_aware: bool) -> nn.Module:
        model = quantized(models.build(name, 3, 10, 8, seed=0), bits, frequency_aware)
        layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
        generator = torch.Generator().manual_seed(2)
        for layer in layers:
            layer.momentum = 1.0
            nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(layer.bias, std=0.3, generator=generator)
        set_draws(model, Draws(0, torch.arange(16)))
        model(images(16, seed=1).float())
        return model.eval()

    return build


def images(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 8, 8, generator=generator, dtype=torch.float64)


def fan_in(layer: nn.Conv2d) -> int:
    return layer.weight[0].numel()


def test_every_convolution_but_the_first_is_quantised_and_no_argument_changes():
    model = models.build("resnet8_hardtanh", 3, 10, 32, seed=0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected_draw = torch.rand(1)
    torch.manual_seed(3)
    result = quantized(model, 4, True)
    assert torch.equal(torch.rand(1), expected_draw), "the global random state was disturbed"
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    plain = [layer for layer in result.modules() if type(layer) is nn.Conv2d]
    assert plain == [result[0]]
    assert len(convolutions(result)) == 6
    assert type(result[-1]) is nn.Linear
    weights = [layer.weight for layer in convolutions(result)]
    originals = [layer.weight for layer in model.modules() if isinstance(layer, nn.Conv2d)][1:]
    assert all(torch.equal(a, b) for a, b in zip(weights, originals, strict=True))
    assert not {id(weight) for weight in weights} & {id(weight) for weight in originals}


def test_full_precision_without_the_transformation_is_the_model_itself():
    model = models.build("resnet8_hardtanh", 3, 10, 32, seed=0).eval()
    copy = quantized(model, 32, False)
    assert copy is not model
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(copy(x), model(x))
    transformed = quantized(model, 32, True)
    assert not any(isinstance(layer, QuantizedActivation) for layer in transformed.modules())
    for layer in convolutions(transformed):
        assert layer.scale is None
        expected = frequency_masked(standardized(layer.weight), layer.mixing)
        assert torch.equal(layer.effective_weight(), expected)


@pytest.mark.parametrize(
    ("name", "unsigned", "total"),
    [
        ("resnet8", 6, 6),
        ("resnet8_hardtanh", 0, 6),
        ("mobilenet_v2_tiny", 15, 24),
        ("efficientnet_tiny", 0, 14),
    ],
)
def test_inputs_behind_a_relu_are_unsigned(name, unsigned, total):
    model = quantized(models.build(name, 3, 10, 32, seed=0), 4, False)
    layers = [layer for layer in model.modules() if isinstance(layer, QuantizedActivation)]
    assert len(layers) == total
    assert sum(not layer.signed for layer in layers) == unsigned
    assert all(layer.scale.item() == (1 if layer.signed else 5) for layer in layers)


def test_depthwise_convolutions_are_quantised_but_not_transformed():
    model = quantized(models.build("mobilenet_v2_tiny", 3, 10, 32, seed=0), 4, True)
    for layer in convolutions(model):
        assert (layer.mixing is None) == (layer.groups > 1)
        assert layer.scale.item() == 3


@pytest.mark.parametrize("bits", [0, 33, -4, 2.0, True, None])
def test_other_bits_are_a_user_error(bits):
    with pytest.raises(UserError, match="give a whole number from 1 to 32"):
        quantized(nn.Conv2d(3, 4, 3), bits, False)


@pytest.mark.parametrize(
    ("name", "bits", "frequency_aware"),
    [
        *(("resnet8_hardtanh", *kind) for kind in KINDS),
        ("mobilenet_v2_tiny", 4, True),
        ("mobilenet_v2_tiny", 1, False),
        ("efficientnet_tiny", 4, True),
    ],
)
def test_folding_keeps_logits_and_input_gradients(name, bits, frequency_aware, small):
    model = small(name, bits, frequency_aware).double()
    folded = models.fold_batchnorm(model)
    assert not convolutions(folded)
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    x, weights = images(3).requires_grad_(), normal(10)
    logits = [network(x) for network in (model, folded)]
    close(logits[1], logits[0])
    gradients = [torch.autograd.grad((y @ weights).sum(), x)[0] for y in logits]
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-8, rtol=1e-8)
    assert gradients[0].flatten(1).any(1).all()


def test_folding_in_single_precision_keeps_the_logits_of_nearly_all_images(small):
    model = small("resnet8_hardtanh", 4, True)
    x = images(100).float()
    apart = (models.fold_batchnorm(model)(x) - model(x)).abs().amax(1)
    assert (apart < 1e-4).float().mean() > 0.9
    assert apart.max() < 0.2


def test_baking_keeps_logits_and_names(small):
    model = small("resnet8", 2, True)
    frozen = baked(model)
    x = images(3).float()
    assert torch.equal(frozen(x), model(x))
    assert not convolutions(frozen)
    assert [name for name, _ in frozen.named_modules()] == [
        name for name, _ in model.named_modules()
    ]
    assert len(convolutions(model)) == 6


@pytest.mark.parametrize(("bits", "frequency_aware"), KINDS)
def test_channels_last_in_bfloat16_keeps_the_weights_levels(bits, frequency_aware, small):
    model = small("resnet8_hardtanh", bits, frequency_aware).to(memory_format=torch.channels_last)
    expected = [layer.effective_weight() for layer in convolutions(model)]
    x = images(4).float().contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        got = [layer.effective_weight() for layer in convolutions(model)]
        logits = model(x)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
    assert logits.dtype == torch.bfloat16
    F.cross_entropy(logits.float(), torch.arange(4)).backward()
    assert x.grad.isfinite().all()
    assert x.grad.flatten(1).any(1).all()


def test_a_traced_network_keeps_the_rounding_out_of_bfloat16(small):
    model = small("resnet8_hardtanh", 4, True)
    traced = torch.fx.symbolic_trace(model)
    x = images(3).float()
    assert torch.equal(traced(x), model(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(traced(x), model(x))


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize(("bits", "frequency_aware"), KINDS)
def test_a_few_steps_reach_every_parameter_and_reduce_the_loss(bits, frequency_aware):
    model = quantized(models.build("resnet8_hardtanh", 3, 10, 8, seed=0), bits, frequency_aware)
    scales = [parameter for group in scale_groups(model) for parameter in group]
    own = {id(parameter) for parameter in scales}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in own]
    optimizer = torch.optim.SGD(
        [{"params": scales, "lr": 0.01}, {"params": rest}],
        lr=0.05,
        momentum=0.9,
    )
    transformed = [layer for layer in convolutions(model) if layer.mixing is not None]
    parameters = list(model.parameters())
    x, labels = images(20).float(), torch.arange(20) % 10
    losses = []
    for step in range(15):
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            assert all(layer.weight.grad.ne(0).all() for layer in convolutions(model))
            assert all(layer.mixing.grad.any() for layer in transformed if fan_in(layer) <= 288)
            assert all(p.grad.any() for p in parameters if p.ndim != 2)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_state_dict_round_trip(small):
    model = small("resnet8_hardtanh", 4, True)
    with torch.no_grad():
        for group in scale_groups(model):
            for parameter in group:
                parameter.mul_(1.1)
    other = quantized(models.build("resnet8_hardtanh", 3, 10, 8, seed=1), 4, True)
    other.load_state_dict(model.state_dict())
    x = images(3).float()
    assert torch.equal(other.eval()(x), model(x))


def test_scale_groups_hold_what_quantisation_adds():
    plain = models.build("resnet8_hardtanh", 3, 10, 32, seed=0)
    assert scale_groups(plain) == ([], [])
    model = quantized(plain, 4, True)
    groups = scale_groups(model)
    assert [len(group) for group in groups] == [6, 12]
    together = {id(parameter) for group in groups for parameter in group}
    assert len(together) == 18
    assert len(list(model.parameters())) == 18 + len(list(plain.parameters()))
    assert all(parameter.shape == (1,) for parameter in groups.activation_scales)


def test_a_quantiser_refuses_second_derivatives():
    values = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    total = quantize(values, scale, 4, signed=True, masked=True).square().sum()
    (first,) = torch.autograd.grad(total, scale, create_graph=True)
    with pytest.raises(RuntimeError):
        first.backward()
