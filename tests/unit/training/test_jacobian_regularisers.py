"""JaFR and GradAlign: whole steps against plain ones in double precision and finite differences."""

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from stripes import ATTACK, DOUBLE, changed, run, stripes
from torch import Tensor, nn

from passband import models
from passband.draws import Draws, key_of
from passband.errors import UserError
from passband.options import Number, read
from passband.training.augmentation import crop_and_flip
from passband.training.batch import Batch, Network
from passband.training.parts import adversary
from passband.training.parts.gradalign import disagreement
from passband.training.parts.jacobian_bias import jacobian_bias
from passband.training.proxy import proxy
from passband.training.step import training_step

pytestmark = pytest.mark.usefixtures("strict")

EPSILON = 8 / 255
FGSM = {"name": "fgsm", "attack": "pgd", "epsilon": EPSILON, "step_size": 1.25 * EPSILON}
FGSM |= {"steps": 1, "start": "clean"}
FGSM_AT = {"adversary": {"attack": FGSM, "batchnorm": "train"}}
JAFR, GRADALIGN = {"jacobian_bias": {"weight": 0.3}}, {"weight": 0.2, "epsilon": EPSILON}
RECIPES = {
    "jafr": {"adversary": None} | JAFR,
    "fgsm-at": FGSM_AT,
    "fgsm-at+jafr": FGSM_AT | JAFR,
    "fgsm-at+jafr-minus": FGSM_AT | {"jacobian_bias": {"weight": -0.3}},
    "fgsm-at+gradalign": FGSM_AT | {"gradalign": GRADALIGN},
}
ROWS = torch.tensor([7, 100, 3, 42, 8, 239, 11, 60]), torch.tensor([9, 2, 77, 120, 200, 31, 4, 5])


def network(seed: int = 5) -> nn.Module:
    return DOUBLE.place(models.build("preact_resnet8_w8", 1, 2, 16, seed=seed))


# The same steps in the style of the authors' code


def plain_bias(gradient: np.ndarray) -> float:
    """Equations 8 to 11 by loops over frequencies; gradient [B, C, 16, 16]."""
    side, half = gradient.shape[-1], 1 + gradient.shape[-1] // 2
    waves = np.exp(-2j * math.pi / side * np.outer(np.arange(half), np.arange(side)))
    mean = np.abs(np.einsum("rh,nchw,sw->ncrs", waves, gradient, waves)).mean((0, 1)) + 1e-5
    exponents = [1 - 2 * place / (half - 1) + 1e-5 for place in range(half)]
    total = 0.0
    for row in range(half):
        total += math.prod(mean[row, place] ** exponents[place] for place in range(half))
        total += math.prod(mean[place, row] ** exponents[place] for place in range(half))
    return math.log(total)


def plain_gradient(model: nn.Module, images: Tensor, labels: Tensor, graph: bool) -> Tensor:
    delta = torch.zeros_like(images, requires_grad=True)
    loss = F.cross_entropy(model(images + delta), labels)
    return torch.autograd.grad(loss, delta, create_graph=graph)[0]


def plain_loss(model: nn.Module, parts: dict, images: Tensor, labels: Tensor, draws) -> Tensor:
    """The loss of one step, its passes in the order of the engine."""
    model.train()
    shown = images
    if "adversary" in parts:
        fast = plain_gradient(model, images, labels, graph=False)
        delta = (1.25 * EPSILON * fast.sign()).clamp(-EPSILON, EPSILON)
        shown = (images + delta).clamp(0, 1)
    extra = 0.0
    if "jacobian_bias" in parts:
        # without an adversary the engine has one pass for both losses
        through = model if "adversary" in parts else proxy(model)
        gradient = plain_gradient(through, images, labels, graph=True)
        magnitude = torch.fft.rfft2(gradient).abs().mean((0, 1))[:9] + 1e-5
        alpha = torch.linspace(1, -1, 9, dtype=torch.float64) + 1e-5
        bias = (magnitude**alpha).prod(1).sum() + (magnitude ** alpha[:, None]).prod(0).sum()
        assert bias.log().item() == pytest.approx(plain_bias(gradient.detach().numpy()))
        extra = -parts["jacobian_bias"]["weight"] * bias.log()
    logits = model(shown)
    if "gradalign" in parts:
        point = images + EPSILON * (2 * draws.uniform("point", (1, 16, 16)).double() - 1)
        first, second = fast, plain_gradient(model, point, labels, graph=True)
        cosines = [
            (one * other).sum() / (one.norm() * other.norm())
            for one, other in zip(first, second, strict=True)
        ]
        extra = 0.2 * (1 - sum(cosines) / len(cosines))
    return F.cross_entropy(logits, labels) + extra


@pytest.mark.parametrize("name", RECIPES)
def test_two_steps_equal_the_same_steps_written_plainly(name):
    recipe, data, seed, epoch = changed(RECIPES[name]), stripes(), 5, 2
    expected, model = network(), network()
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
    plain = torch.optim.SGD(expected.parameters(), **settings, foreach=False, fused=False)
    optimizer = torch.optim.SGD(model.parameters(), **settings, fused=True)
    step = training_step(model, optimizer, recipe, seed, DOUBLE)
    for indices in ROWS:
        draws = Draws(key_of(seed, "augmentation", epoch), indices)
        images = crop_and_flip(data.images[indices].double() / 255, draws, 2, True)
        labels, draws = data.labels[indices], Draws(key_of(seed, "gradalign", epoch), indices)
        wanted = plain_loss(expected, recipe["parts"], images, labels, draws)
        plain.zero_grad()
        wanted.backward()
        plain.step()
        loss, _ = step(data.images[indices], labels, indices, epoch)
        assert loss.item() / len(indices) == pytest.approx(wanted.item(), rel=1e-9)
    for key, value in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize(("name", "passes"), list(zip(RECIPES, [1, 2, 3, 3, 3], strict=True)))
def test_the_passes_that_move_the_batch_statistics(name, passes):
    """As the table in docs/numerics.md says."""
    model, data, indices = network(), stripes(), ROWS[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = training_step(model, optimizer, changed(RECIPES[name]), 5, DOUBLE)
    step(data.images[indices], data.labels[indices], indices, 2)
    counted = {buffer.item() for key, buffer in model.named_buffers() if "num_batches" in key}
    assert counted == {passes}


# The second derivative


def smooth_batch(model: nn.Module, training: bool) -> Batch:
    """A batch whose loss is twice differentiable in the weights: softplus instead of ReLU."""
    data, rows = stripes(), torch.arange(6)
    model.train(training)
    net = Network(model, model, model, None, 2, DOUBLE)
    images = DOUBLE.images(data.images[rows])
    return Batch(net, images, data.labels[rows], rows, 0, 0, 0, 0.0, True)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("smooth", [True, False], ids=["softplus", "relu"])
def test_weight_gradients_of_the_whole_loss_equal_finite_differences(training, smooth):
    """The derivative along random directions in the weights, through batch normalisation."""
    model = network()
    if smooth:
        for name, module in list(model.named_modules()):
            if isinstance(module, nn.ReLU):
                owner, _, last = name.rpartition(".")
                setattr(model.get_submodule(owner), last, nn.Softplus(beta=3))
    with torch.no_grad():  # running statistics and scales of a network that has trained a while
        for _ in range(5):
            model.train()(torch.rand(16, 1, 16, 16, dtype=torch.float64))
    batch = smooth_batch(model, training)

    def loss_of(network: nn.Module) -> Tensor:
        one = smooth_batch(network, training)
        return one.classification_loss() + jacobian_bias(one, weight=0.7)

    weights = list(model.parameters())
    value = batch.classification_loss() + jacobian_bias(batch, weight=0.7)
    gradients = torch.autograd.grad(value, weights)
    generator = torch.Generator().manual_seed(0)
    step = 1e-5 if smooth else 1e-7
    for _ in range(4):
        direction = [
            torch.randn(w.shape, generator=generator, dtype=torch.float64) for w in weights
        ]
        values = []
        for sign in (1, -1):
            moved = deepcopy(model)
            with torch.no_grad():
                for weight, offset in zip(moved.parameters(), direction, strict=True):
                    weight.add_(sign * step * offset)
            values.append(loss_of(moved).item())
        expected = (values[0] - values[1]) / (2 * step)
        got = sum((g * d).sum() for g, d in zip(gradients, direction, strict=True)).item()
        assert got == pytest.approx(expected, rel=1e-4)


def test_the_bias_rises_when_it_is_all_that_is_trained():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    found = []
    for _ in range(12):
        bias = -jacobian_bias(smooth_batch(model, True), weight=1.0)
        optimizer.zero_grad()
        (-bias).backward()
        optimizer.step()
        found.append(bias.item())
    assert found[-1] > found[0] + 1


# A weight of zero


@pytest.mark.parametrize("parts", [{"adversary": None}, FGSM_AT], ids=["natural", "fgsm-at"])
def test_a_weight_of_zero_trains_as_without_bit_for_bit(parts, tmp_path):
    recipe = {"epochs": 2, "validation": {"fraction": 0}, "select": "last"} | parts
    plain = run(tmp_path / "plain", changed(recipe))
    zero = run(tmp_path / "zero", changed(recipe | {"jacobian_bias": {"weight": 0}}))
    other = run(tmp_path / "other", changed(recipe | {"jacobian_bias": {"weight": 1e-3}}))
    pairs = zip(plain.best.values(), zero.best.values(), other.best.values(), strict=True)
    found = [(torch.equal(one, two), torch.equal(one, three)) for one, two, three in pairs]
    assert all(same for same, _ in found)
    assert not all(same for _, same in found)


@pytest.mark.parametrize("value", ["much", None, True, "nan", [0.1]])
def test_a_weight_that_is_no_number_is_a_user_error(value):
    with pytest.raises(UserError, match=r"jacobian_bias: weight is .*, expected a number"):
        read("recipe 'x', jacobian_bias", "weight", Number, value, {})


# Disagreement of gradients


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-12, 1e6))
def test_disagreement_is_one_minus_the_mean_cosine(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    one, other = torch.randn(2, 5, 2, 4, 4, generator=generator, dtype=torch.float64)
    one[seed % 5] = 0
    expected = [
        1 - np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
        for a, b in zip(one.numpy(), other.numpy(), strict=True)
        if a.any()
    ]
    found = disagreement(one, scale * other)
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-9, abs=1e-9)
    assert disagreement(one, one * scale).item() == pytest.approx(0, abs=1e-9)
    assert disagreement(one, -one).item() == pytest.approx(2)


def test_images_without_a_gradient_give_zero_and_finite_derivatives():
    zero = torch.zeros(3, 1, 4, 4, dtype=torch.float64)
    other = torch.rand_like(zero).requires_grad_()
    for first, second in ((zero, other), (zero, zero.clone().requires_grad_())):
        found = disagreement(first, second)
        assert found.item() == 0
        assert torch.autograd.grad(found, second)[0].eq(0).all()
    mixed = torch.cat([zero, torch.rand(1, 1, 4, 4, dtype=torch.float64)]).requires_grad_()
    found = disagreement(torch.rand(4, 1, 4, 4, dtype=torch.float64), mixed)
    assert 0 < found.item() < 1
    gradient = torch.autograd.grad(found, mixed)[0]
    assert gradient[:3].eq(0).all() and gradient[3].abs().sum() > 0


# Warm-up of epsilon


@pytest.mark.parametrize("attack", [FGSM, ATTACK | {"start": "clean", "step_size": 0.02}])
@pytest.mark.parametrize(("number", "share"), [(0, 0), (2, 0.25), (6, 0.75), (8, 1), (12, 1)])
def test_epsilon_grows_linearly_over_the_warm_up(attack, number, share):
    """Two epochs of four batches each; with ATTACK the steps are longer than the small balls."""
    batch = smooth_batch(network(), True)
    batch.epoch, batch.number, batch.progress = number // 4, number % 4, number / 4
    found = adversary.adversary(batch, attack=attack, batchnorm="train", warmup=2)
    assert (found - batch.images).abs().max().item() == pytest.approx(EPSILON * share, abs=1e-9)


def test_the_training_loop_tells_batches_how_far_it_is(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        adversary, "craft", lambda attack, _, images, *rest: seen.append(attack) or images
    )
    warm = {"adversary": {"attack": FGSM, "batchnorm": "train", "warmup": 1}}
    rest = {"epochs": 2, "validation": {"fraction": 0}, "select": "last"}
    run(tmp_path / "state", changed(rest | warm))
    assert [float(row["epsilon"]) / EPSILON for row in seen] == pytest.approx(
        [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    )
