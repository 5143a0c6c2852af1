"""Architectures: sizes, shapes, determinism, names; folding keeps the function."""

import pytest
import torch
from torch import nn

from passband import models
from passband.errors import UserError


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "channels", "classes", "side", "parameters"),
    [
        ("resnet20", 3, 10, 32, 269_722),
        ("resnet20_relu", 3, 10, 32, 269_722),
        ("resnet18", 3, 10, 32, 11_173_962),
        ("resnet18", 3, 200, 64, 11_173_962 + 190 * 513),
        ("resnet8", 1, 10, 28, 75_002),
    ],
)
def test_parameter_counts(name, channels, classes, side, parameters):
    assert count(models.build(name, channels, classes, side, seed=0)) == parameters


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (3, 64)])
def test_logits_of_every_size(name, channels, side):
    model = models.build(name, channels, 7, side, seed=0)
    assert model.training
    logits = model.eval()(torch.rand(2, channels, side, side))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("name", models.names())
def test_initial_weights_depend_on_the_seed_only(name):
    torch.manual_seed(5)
    first = models.build(name, 3, 10, 32, seed=3).state_dict()
    after_first = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), after_first), "build disturbed the global random state"
    second = models.build(name, 3, 10, 32, seed=3).state_dict()
    other = models.build(name, 3, 10, 32, seed=4).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    weights = [key for key in first if first[key].ndim > 1]
    assert not any(torch.equal(first[key], other[key]) for key in weights)


def test_initial_weights_have_the_variance_of_he():
    model = models.build("resnet20", 3, 10, 32, seed=0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 9000:
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)


def test_resnet20_uses_hardtanh_and_its_siblings_relu():
    def kinds(name):
        modules = models.build(name, 3, 10, 32, seed=0).modules()
        return {type(m) for m in modules if isinstance(m, nn.Hardtanh | nn.ReLU)} - {nn.Sequential}

    assert kinds("resnet20") == {nn.Hardtanh}
    for name in ("resnet20_relu", "resnet14", "resnet8", "resnet8_w8", "resnet18"):
        assert kinds(name) == {nn.ReLU}


def test_shortcut_of_option_a_takes_every_second_pixel_and_adds_zero_channels():
    model = models.build("resnet8", 3, 10, 32, seed=0)
    block = model[4]
    for parameter in block.bn2.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(2, 16, 32, 32)
    y = block.eval()(x)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2])
    assert not y[:, :8].any() and not y[:, 24:].any()


def test_unknown_architecture_is_a_user_error_with_a_hint():
    with pytest.raises(UserError, match="unknown architecture 'resnet21': did you mean 'resnet20'"):
        models.build("resnet21", 3, 10, 32, seed=0)


@pytest.mark.parametrize("name", models.names())
def test_folding_keeps_logits_and_input_gradients(name, lived_in):
    model = lived_in(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folded = models.fold_batchnorm(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not folded.training
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())

    x = torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(folded(x), model(x), atol=1e-4, rtol=1e-4)

    x = x.double().requires_grad_()
    weights = torch.randn(10, dtype=torch.float64)
    expected, got = (
        torch.autograd.grad((network.double()(x) @ weights).sum(), x)[0]
        for network in (model, models.fold_batchnorm(model.double()))
    )
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=1e-9)


def test_folding_a_model_in_training_mode_uses_its_running_statistics(lived_in):
    model = lived_in("resnet8").train()
    folded = models.fold_batchnorm(model)
    assert model.training
    x = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(folded(x), model.eval()(x), atol=1e-4, rtol=1e-4)


def test_folding_leaves_a_normalisation_that_follows_no_convolution():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    for module in (model[0], model[3]):
        module.running_mean.uniform_(-1, 1)
        module.running_var.uniform_(0.5, 2)
    folded = models.fold_batchnorm(model)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == 1
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(folded(x), model.eval()(x), atol=1e-5, rtol=1e-5)
