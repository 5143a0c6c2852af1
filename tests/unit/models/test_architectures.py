"""Architectures: sizes, costs, shapes, determinism, names; folding keeps the function."""

import operator
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.efficientnet import EfficientNet, MBConv, MBConvConfig, efficientnet_b0
from torchvision.models.resnet import Bottleneck, ResNet

from passband import models
from passband.errors import UserError
from passband.plan.tasks import task_of

CLASSIFIERS = [name for name in models.names() if task_of("models", name) == "classification"]
SLIM = {
    "efficientnet_b0": {"stages": ((1, 16, 1, 3, 1), (6, 24, 2, 5, 2), (6, 40, 1, 3, 2))},
    "vgg11_small": {"width": 8},
    "mobilenet_v2": {"stages": ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 2, 2)), "head": 64},
    "preact_resnet18_plain_end": {"width": 8},
    "resnet152": {"depths": (1, 2, 2, 1)},
    "wrn_28_10": {"depth": 16, "factor": 2},
    "wrn_34_10": {"depth": 10, "factor": 2},
    "wrn_34_15": {"depth": 10, "factor": 3},
}


@pytest.fixture
def slim(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test the names of large networks mean shallow and narrow ones of the same family."""
    for name, options in SLIM.items():
        builder = partial(models.ARCHITECTURES[name], **options)
        monkeypatch.setitem(models.ARCHITECTURES._functions, name, builder)


def on_meta(name: str, channels: int, classes: int, side: int, **options) -> nn.Module:
    """The network without memory for its weights: sizes can be asked, nothing is computed."""
    with torch.device("meta"):
        return models.ARCHITECTURES[name](channels, classes, side, **options)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "channels", "classes", "side", "parameters"),
    [
        ("resnet20", 3, 10, 32, 269_722),
        ("resnet20_hardtanh", 3, 10, 32, 269_722),
        ("resnet18", 3, 10, 32, 11_173_962),
        ("resnet18", 3, 200, 64, 11_173_962 + 190 * 513),
        ("preact_resnet18_plain_end", 3, 10, 32, 11_171_146),
        ("preact_resnet18_plain_end", 3, 200, 64, 11_171_146 + 190 * 513),
        ("preact_resnet8", 1, 10, 28, 77_434),
        ("resnet8", 1, 10, 28, 75_002),
        ("resnet8_hardtanh", 3, 10, 32, 75_290),
        ("mobilenet_v2", 3, 10, 32, 2_296_922),
        ("mobilenet_v2", 3, 200, 64, 2_296_922 + 190 * 1281),
        ("mobilenet_v2", 1, 10, 28, 2_296_922 - 2 * 9 * 32),
        ("mobilenet_v2_tiny", 3, 10, 32, 68_554),
        ("efficientnet_b0", 3, 10, 32, 3_599_686 - 32 * 32 - 2 * 32),
        ("efficientnet_b0", 3, 200, 64, 3_598_598 + 190 * 321),
        ("efficientnet_tiny", 3, 10, 32, 24_000),
        ("resnet152", 3, 10, 32, 58_156_618),
        ("resnet152", 1, 10, 28, 58_156_618 - 2 * 9 * 64),
        ("resnet152", 3, 200, 64, 58_156_618 + 190 * 2049),
        ("wrn_28_10", 3, 10, 32, 36_479_194),
        ("wrn_34_10", 3, 10, 32, 46_160_474),
        ("wrn_34_10", 1, 10, 28, 46_160_474 - 2 * 9 * 16),
        ("wrn_34_15", 3, 10, 32, 103_819_674),
        ("wrn_34_15", 3, 200, 64, 103_819_674 + 190 * 961),
    ],
)
def test_parameter_counts(name, channels, classes, side, parameters):
    assert count(on_meta(name, channels, classes, side)) == parameters


@pytest.mark.parametrize(
    ("name", "gflop"),
    [
        ("resnet18", 1.111),
        ("preact_resnet18_plain_end", 1.111),
        ("resnet152", 7.444),
        ("wrn_34_10", 13.32),
        ("wrn_34_15", 29.92),
    ],
)
@pytest.mark.parametrize("side", [32, 64])
def test_forward_costs_and_logits_of_the_papers_networks(name, gflop, side):
    model = on_meta(name, 3, 10, side)
    with FlopCounterMode(display=False) as cost:
        logits = model(torch.empty(4, 3, side, side, device="meta"))
    assert logits.shape == (4, 10)
    expected = gflop * (side / 32) ** 2
    assert cost.get_total_flops() / 4e9 == pytest.approx(expected, rel=1e-3)


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (3, 64)])
def test_logits_of_every_size(name, channels, side):
    model = models.build(name, channels, 7, side, seed=0)
    assert model.training
    logits = model.eval()(torch.rand(2, channels, side, side))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[1])


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_channels_last_in_bfloat16_keeps_logits_and_reaches_the_input(name, lived_in):
    model = lived_in(name)
    x = torch.rand(4, 3, 32, 32)
    expected = model(x)
    model = model.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(model(x), expected, atol=1e-4, rtol=1e-4)

    with torch.autocast("cpu", torch.bfloat16):
        logits = model(x)
    assert logits.dtype == torch.bfloat16
    assert (logits - expected).norm() < 0.05 * expected.norm()
    gradient = torch.autograd.grad(F.cross_entropy(logits.float(), torch.arange(4)), x)[0]
    assert gradient.isfinite().all()
    assert gradient.flatten(1).any(1).all()


@pytest.mark.usefixtures("slim")
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


def test_initial_weights_of_wide_networks_have_the_variance_of_he_over_the_outputs():
    model = models.ARCHITECTURES["wrn_34_10"](3, 10, 32, depth=10, factor=4)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 9000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.03)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()
        elif isinstance(module, nn.Linear):
            assert not module.bias.any()


def torchvision_resnet(depths: tuple[int, ...]) -> nn.Module:
    model = ResNet(Bottleneck, list(depths), num_classes=10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


def test_resnet152_has_the_tensors_of_torchvisions():
    with torch.device("meta"):
        theirs = torchvision_resnet((3, 8, 36, 3)).state_dict()
    ours = on_meta("resnet152", 3, 10, 32).state_dict()
    assert [t.shape for t in ours.values()] == [t.shape for t in theirs.values()]


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("side", [28, 32, 64])
def test_resnet152_computes_what_torchvisions_does_with_the_same_weights(side, lived_in):
    ours = lived_in("resnet152", side=side).double()
    theirs = torchvision_resnet(SLIM["resnet152"]["depths"]).double().eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-9, rtol=1e-9)


def wide_resnet_by_hand(state: dict[str, Tensor], x: Tensor, blocks: int, factor: int) -> Tensor:
    """The published network in functions only, its tensors taken in the order of their use."""
    tensors = iter(state.values())

    def normalised(x):
        weight, bias, mean, variance, _ = (next(tensors) for _ in range(5))
        scale = weight / (variance + 1e-5).sqrt()
        return F.relu(x * scale[:, None, None] + (bias - mean * scale)[:, None, None])

    x = F.conv2d(x, next(tensors), padding=1)
    for stage in range(3):
        for i in range(blocks):
            stride = 2 if stage and not i else 1
            y = rectified = normalised(x)
            y = normalised(F.conv2d(y, next(tensors), stride=stride, padding=1))
            y = F.conv2d(y, next(tensors), padding=1)
            if x.shape[1] != 16 * factor * 2**stage:
                x = F.conv2d(rectified, next(tensors), stride=stride)
            x = x + y
    return normalised(x).mean((2, 3)) @ next(tensors).T + next(tensors)


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("name", ["wrn_28_10", "wrn_34_10", "wrn_34_15"])
@pytest.mark.parametrize("side", [28, 32, 64])
def test_wide_networks_compute_what_the_formulas_say(name, side, lived_in):
    model = lived_in(name, side=side).double()
    blocks, factor = (SLIM[name]["depth"] - 4) // 6, SLIM[name]["factor"]
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    expected = wide_resnet_by_hand(model.state_dict(), x, blocks, factor)
    torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)


def test_activations():
    others = {
        "resnet20_hardtanh": nn.Hardtanh,
        "resnet8_hardtanh": nn.Hardtanh,
        "resnet8_hardtanh_w8": nn.Hardtanh,
        "efficientnet_b0": nn.SiLU,
        "efficientnet_tiny": nn.SiLU,
    }
    for name in models.names():
        modules = on_meta(name, 3, 10, 32).modules()
        kinds = {type(m) for m in modules if isinstance(m, nn.Hardtanh | nn.ReLU | nn.SiLU)}
        assert kinds == {others.get(name, nn.ReLU)}


def mobilenet_by_hand(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The slim MobileNetV2 in functions only, its tensors taken in the order of their use."""
    tensors = iter(state.values())

    def convolved(x, stride=1, groups=1):
        kernel = next(tensors)
        weight, bias, mean, variance, _ = (next(tensors) for _ in range(5))
        x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)
        scale = weight / (variance + 1e-5).sqrt()
        return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]

    x = F.relu(convolved(x))
    for expansion, outputs, depth, first in SLIM["mobilenet_v2"]["stages"]:
        for stride in [first] + [1] * (depth - 1):
            width = expansion * x.shape[1]
            y = F.relu(convolved(x))
            y = convolved(F.relu(convolved(y, stride, groups=width)))
            if stride == 1:
                y = y + (x if x.shape[1] == outputs else convolved(x))
            x = y
    return F.relu(convolved(x)).mean((2, 3)) @ next(tensors).T + next(tensors)


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("side", [28, 32, 64])
def test_mobilenet_computes_what_the_formulas_say(side, lived_in):
    model = lived_in("mobilenet_v2", side=side).double()
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    expected = mobilenet_by_hand(model.state_dict(), x)
    torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)


def torchvision_efficientnet(stages: tuple[tuple[int, ...], ...]) -> nn.Module:
    def tables():
        inputs = 32
        for expansion, outputs, depth, kernel, stride in stages:
            yield MBConvConfig(expansion, kernel, stride, inputs, outputs, depth)
            inputs = outputs

    settings = list(tables())
    model = EfficientNet(settings, dropout=0.2, num_classes=10)
    model.features[0][0].stride = (1, 1)
    model.features[-1] = nn.Identity()
    model.classifier[1] = nn.Linear(settings[-1].out_channels, 10)
    return model


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("side", [28, 32, 64])
def test_efficientnet_computes_what_torchvisions_does_with_the_same_weights(side, lived_in):
    ours = lived_in("efficientnet_b0", side=side).double()
    theirs = torchvision_efficientnet(SLIM["efficientnet_b0"]["stages"]).double().eval()
    shapes = theirs.state_dict().items()
    pairs = zip(shapes, ours.state_dict().values(), strict=True)
    theirs.load_state_dict({name: value.view(shape.shape) for (name, shape), value in pairs})
    x = torch.rand(3, 3, side, side, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-9, rtol=1e-9)


def test_efficientnet_b0_has_torchvisions_rates_of_drop_connect():
    theirs = efficientnet_b0(num_classes=10).modules()
    expected = [m.stochastic_depth.p for m in theirs if isinstance(m, MBConv) and m.use_res_connect]
    blocks = [m for m in on_meta("efficientnet_b0", 3, 10, 32).modules() if hasattr(m, "residual")]
    rates = [block.drop_connect.rate for block in blocks if block.residual]
    assert rates == pytest.approx(expected)
    assert max(rates) < 0.2


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


@pytest.mark.usefixtures("slim")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_folding_keeps_logits_and_input_gradients(name, lived_in):
    model = lived_in(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folded = models.fold_batchnorm(model)
    kept = {
        key
        for key, module in folded.named_modules()
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats
    }
    sources = [node.args[0] for node in folded.graph.nodes if node.target in kept]
    assert len(sources) == len(kept)
    assert all(source.target is operator.add or len(source.users) > 1 for source in sources)
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
