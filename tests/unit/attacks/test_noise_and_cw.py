"""Gaussian noise, PGD from other starts, and C&W: against torchattacks where it is right."""

from dataclasses import dataclass

import pytest
import torch
import torchattacks
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from passband.attacks import ATTACKS, craft
from passband.attacks.cw import cw
from passband.attacks.gaussian_noise import gaussian_noise
from passband.attacks.objectives import margins
from passband.attacks.pgd import pgd
from passband.draws import Draws

EPSILON, STEP = 8 / 255, 2 / 255
CW_20 = {"c": 1.0, "kappa": 0.0, "steps": 20, "learning_rate": 0.01, "space": "tanh"}
PIXEL_20 = CW_20 | {"space": "pixel"}
in_both_spaces = pytest.mark.parametrize("space", ["tanh", "pixel"])


@dataclass(frozen=True)
class Given:
    """Stands in for Draws: normal numbers [N, C, H, W] decided by the test."""

    numbers: Tensor

    def take(self, chosen: Tensor) -> "Given":
        return Given(self.numbers[chosen])

    def normal(self, purpose: object, shape: tuple[int, ...]) -> Tensor:
        return self.numbers


class NeverTenth(int):
    """A number of steps of which torchattacks takes a huge tenth, so that it never stops early."""

    def __floordiv__(self, other: int) -> int:
        return 10**9


def torchattacks_cw(model: nn.Module, early_stop: bool = False, **row) -> torchattacks.CW:
    """Their attack, in tanh space, with our constants. It ignores where its last step leads."""
    attack = torchattacks.CW(model, c=row["c"], kappa=row["kappa"], lr=row["learning_rate"])
    attack.steps = row["steps"] + 1 if early_stop else NeverTenth(row["steps"] + 1)
    return attack


class Linear(nn.Module):
    """z = W x + b, summed for each image by itself, so that rounding does not see the batch."""

    def __init__(self, weight: Tensor, bias: Tensor):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, images: Tensor) -> Tensor:
        return (images.flatten(1)[:, None] * self.weight).sum(2) + self.bias


def linear(classes: int = 3, pixels: int = 12, seed: int = 0, dtype=torch.float64) -> Linear:
    """A linear network; its logits are positive on images in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(classes, pixels, generator=generator, dtype=dtype)
    return Linear(weight, torch.full((classes,), 50.0, dtype=dtype))


def curved(images: Tensor) -> nn.Sequential:
    """A network with a hidden layer and five classes, all of which it sees in the images."""
    first, last = linear(16, images[0].numel()), linear(5, 16, seed=1)
    with torch.no_grad():
        first.bias -= first(images).mean(0)
        last.bias += 50 - last(first(images).tanh()).mean(0)
    return nn.Sequential(first, nn.Tanh(), last)


def pixels(*shape: int, seed: int = 0, dtype=torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def draws(count: int, key: int = 0) -> Draws:
    return Draws(key, torch.arange(count))


def predicted(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(1)


def lengths(perturbations: Tensor) -> Tensor:
    return perturbations.flatten(1).norm(dim=1)


@pytest.fixture(scope="module")
def subject(lived_in):
    """(network in double precision, 24 images, its labels for four fifths of them).

    The logits are centred over the images, so that several classes occur, and then all positive.
    """
    model = lived_in("resnet8_w8").double().requires_grad_(False)
    images = pixels(24, 3, 1, 1, seed=1) * pixels(24, 3, 32, 32)
    model[-1].bias += 100 - model(images).mean(0)
    labels = predicted(model, images)
    labels[::5] = (labels[::5] + 1) % 10
    return model, images, labels


# Gaussian noise


def test_gaussian_noise_equals_torchattacks(subject):
    model, images, labels = subject
    torch.manual_seed(7)
    noise = torch.randn_like(images)
    torch.manual_seed(7)
    theirs = torchattacks.GN(model, std=0.1)(images, labels)
    assert torch.equal(gaussian_noise(model, images, labels, Given(noise), std=0.1), theirs)


def test_gaussian_noise_has_its_deviation_and_is_clipped():
    images = torch.full((40, 3, 16, 16), 0.5)
    before = images.clone()
    noisy = gaussian_noise(None, images, None, draws(40), std=0.1)
    noise = (noisy - images).flatten()
    assert noise.mean().abs() < 4 * 0.1 / len(noise) ** 0.5
    assert noise.std().item() == pytest.approx(0.1, rel=0.02)
    assert noisy.dtype == torch.float32 and torch.equal(images, before)
    assert torch.equal(gaussian_noise(None, images, None, draws(40), std=0), images)
    loud = gaussian_noise(None, images, None, draws(40), std=10)
    assert loud.min() == 0 and loud.max() == 1
    part = gaussian_noise(None, images[5:9], None, Draws(0, torch.arange(5, 9)), std=0.1)
    assert torch.equal(part, noisy[5:9])


# BIM and TPGD are PGD from another start, TPGD with another loss


def test_bim_is_pgd_from_the_clean_image(subject):
    model, images, labels = subject
    theirs = torchattacks.BIM(model, eps=EPSILON, alpha=STEP, steps=20)(images, labels)
    row = {"epsilon": EPSILON, "step_size": STEP, "steps": 20, "start": "clean"}
    ours = pgd(model, images, labels, draws(24), **row)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    assert torch.equal(predicted(model, ours), predicted(model, theirs))
    assert (predicted(model, ours) == labels).sum() < (predicted(model, images) == labels).sum()


def test_tpgd_is_pgd_on_the_divergence_from_a_normal_start(subject):
    model, images, labels = subject
    torch.manual_seed(5)
    noise = torch.randn_like(images)
    torch.manual_seed(5)
    theirs = torchattacks.TPGD(model, eps=EPSILON, alpha=STEP, steps=20)(images)
    row = {"epsilon": EPSILON, "step_size": STEP, "steps": 20, "start": "normal", "loss": "kl"}
    ours = pgd(model, images, labels, Given(noise), **row)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    assert (predicted(model, ours) != predicted(model, images)).any()


# Carlini and Wagner: the same steps as other implementations


@pytest.mark.parametrize("images", ["any", "with black and white", "real"])
@pytest.mark.parametrize("steps", [1, 20, 100])
def test_cw_in_tanh_space_equals_torchattacks(subject, images, steps):
    model, shown, labels = subject
    if images != "real":
        shown = pixels(24, 3, 4, 4, seed=2)
        shown = shown.where(shown < 0.8, 1).where(shown > 0.2, 0) if images != "any" else shown
        model = curved(shown)
        labels = predicted(model, shown)
    row = CW_20 | {"steps": steps}
    theirs = torchattacks_cw(model, **row)(shown, labels)
    ours = cw(model, shown, labels, draws(24), **row)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    at_the_ends = (shown == 0) | (shown == 1)
    assert torch.equal(ours[at_the_ends], shown[at_the_ends])
    fooled = predicted(model, ours) != labels
    assert fooled.any() or steps == 1


@pytest.mark.parametrize(("c", "learning_rate"), [(1.0, 1e-3), (100.0, 1e-3), (0.002, 1e-3)])
def test_both_spaces_agree_near_mid_grey(c, learning_rate):
    """There a step of w moves a pixel by half of it, to a relative 4 d^2 at the distance d."""
    images = 0.5 + 0.04 * (pixels(24, 3, 4, 4, seed=2) - 0.5)
    model = curved(images)
    labels = predicted(model, images)
    row = {"c": c, "learning_rate": learning_rate}
    in_tanh = cw(model, images, labels, draws(24), **CW_20 | row)
    in_pixels = cw(model, images, labels, draws(24), **PIXEL_20 | row)
    torch.testing.assert_close(in_pixels, in_tanh, atol=0.02 * learning_rate, rtol=0)
    assert (predicted(model, in_tanh) != labels).all()
    steps = (in_pixels - images).abs().amax((1, 2, 3)) / (learning_rate / 2)
    assert steps.min() > 0.4 and steps.max() > 4


def plain_cw(model, image: Tensor, label: Tensor, c, kappa, steps, learning_rate, space) -> Tensor:
    """The attack on one image [C, H, W], its Adam written out in double precision."""
    point = 2 * image - 1
    point = (((1 + point) / (1 - point)).log() / 2 if space == "tanh" else image).clone()
    mean, square, seen = torch.zeros_like(image), torch.zeros_like(image), []
    for step in range(steps + 1):
        point = point.detach().requires_grad_()
        x = (point.tanh() + 1) / 2 if space == "tanh" else point
        z = model(x[None])[0]
        lead = max(z[k] for k in range(len(z)) if k != label) - z[label]
        if lead > kappa:
            seen.append((((x - image) ** 2).sum().item(), x.detach().clone()))
        if step < steps:
            (((x - image) ** 2).sum() + c * (kappa - lead).clamp(min=0)).backward()
            mean = 0.9 * mean + 0.1 * point.grad
            square = 0.999 * square + 0.001 * point.grad**2
            corrected = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
            rate = learning_rate if space == "tanh" else learning_rate / 2
            point = point.detach() - rate * corrected[0] / (corrected[1] ** 0.5 + 1e-8)
            point = point if space == "tanh" else point.clamp(0, 1)
    return min(seen, key=lambda pair: pair[0])[1] if seen else image


@in_both_spaces
@settings(max_examples=12, deadline=None)
@given(
    c=st.floats(0.01, 10),
    kappa=st.floats(0, 0.5),
    steps=st.integers(1, 25),
    learning_rate=st.floats(1e-3, 0.2),
    seed=st.integers(0, 1000),
)
def test_cw_equals_a_plain_loop_of_adam_one_image_at_a_time(
    space, c, kappa, steps, learning_rate, seed
):
    model = linear(seed=seed)
    images = (1.6 * pixels(6, 3, 2, 2, seed=seed) - 0.3).clamp(0, 1)
    labels = torch.arange(6) % 3
    row = {"c": c, "kappa": kappa, "steps": steps, "learning_rate": learning_rate, "space": space}
    expected = torch.stack(
        [plain_cw(model, image, label, **row) for image, label in zip(images, labels, strict=True)]
    )
    got = cw(model, images, labels, draws(6), **row)
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=0)


# Where the spaces differ, and where torchattacks is wrong


def test_black_and_white_pixels_move_in_pixel_space_alone():
    model = linear(pixels=27)
    images = pixels(20, 3, 3, 3).round()
    labels = predicted(model, images)
    row = {"c": 10.0, "steps": 100}
    in_tanh = cw(model, images, labels, draws(20), **CW_20 | row)
    assert torch.equal(in_tanh, images), "tanh space cannot leave 0 and 1"
    in_pixels = cw(model, images, labels, draws(20), **PIXEL_20 | row)
    assert (predicted(model, in_pixels) != labels).all()


def test_near_the_ends_a_pixel_moves_less_in_tanh_space():
    """After one step of Adam, by 2 x (1 - x) times the learning rate instead of a half."""
    model = linear(pixels=27)
    images = 0.001 + 0.998 * pixels(20, 3, 3, 3)
    labels = (predicted(model, images) + 1) % 3
    shown = []

    def watched(x: Tensor) -> Tensor:
        shown.append(x.detach())
        return model(x)

    row = {"steps": 1, "learning_rate": 1e-4, "kappa": 1e3}
    for space, share in (
        ("tanh", 2 * images * (1 - images)),
        ("pixel", torch.full_like(images, 0.5)),
    ):
        shown.clear()
        cw(watched, images, labels, draws(20), **CW_20 | row | {"space": space})
        moved = (shown[1] - shown[0]).abs()
        torch.testing.assert_close(moved, 1e-4 * share, atol=2e-8, rtol=1e-3)


@in_both_spaces
def test_cw_does_not_depend_on_the_batch(space):
    row_20 = CW_20 | {"space": space}
    model, images = linear(seed=3), pixels(12, 3, 2, 2, seed=3)
    labels = predicted(model, images)
    attack = torchattacks_cw(model, early_stop=True, **row_20 | {"steps": 100})
    theirs = attack(images, labels)
    theirs_alone = torch.cat([attack(images[i : i + 1], labels[i : i + 1]) for i in range(12)])
    assert (theirs - theirs_alone).abs().max() > 0.01, "a rise of the batch's sum stops them all"
    row = row_20 | {"steps": 100}
    ours = cw(model, images, labels, draws(12), **row)
    ours_alone = torch.cat(
        [cw(model, images[i : i + 1], labels[i : i + 1], draws(1), **row) for i in range(12)]
    )
    assert torch.equal(ours, ours_alone)


@in_both_spaces
def test_cw_reads_negative_true_logits(space):
    row_20 = CW_20 | {"space": space}
    weight = torch.stack([torch.linspace(-1, 1, 12), torch.linspace(1, -1, 12)]).double()
    model = Linear(weight, torch.tensor([-30.0, -32.0], dtype=torch.float64))
    images = 0.5 + 0.1 * (pixels(5, 3, 2, 2) - 0.5)
    labels = torch.zeros(5, dtype=torch.int64)
    assert torch.equal(predicted(model, images), labels) and (model(images) < 0).all()
    row = row_20 | {"steps": 100}
    attack = torchattacks_cw(model, **row)
    logits = torch.tensor([[-1.0, -3.0]])
    assert attack.f(logits, torch.tensor([0])) == 0, "the loss is 2"
    assert -margins(logits, torch.tensor([0])) == 2
    assert torch.equal(attack(images, labels), images)
    ours = cw(model, images, labels, draws(5), **row)
    assert (predicted(model, ours) != labels).all()


def test_cw_has_no_default_for_c_and_the_one_that_torchattacks_had_fools_nothing():
    images = 0.1 + 0.8 * pixels(30, 3, 4, 4)
    model = curved(images)
    labels = predicted(model, images)
    clear = margins(model(images), labels) < -0.5
    images, labels = images[clear], labels[clear]
    assert len(labels) >= 20
    for c, fooled in ((1e-4, 0), (1.0, len(labels))):
        row = CW_20 | {"c": c, "steps": 100}
        theirs = torchattacks_cw(model, **row)(images, labels)
        ours = cw(model, images, labels, draws(len(labels)), **row)
        for adversarial in (theirs, ours):
            assert (predicted(model, adversarial) != labels).sum() == fooled
    with pytest.raises(TypeError, match="'c'"):
        cw(
            model,
            images,
            labels,
            draws(len(labels)),
            kappa=0,
            steps=1,
            learning_rate=0.01,
            space="tanh",
        )


# Carlini and Wagner: what it promises


@in_both_spaces
def test_on_a_linear_network_cw_comes_close_to_the_nearest_adversarial_image(space):
    row_20 = CW_20 | {"space": space}
    model = linear(classes=2, pixels=48)
    images = 0.5 + 0.2 * (pixels(10, 3, 4, 4) - 0.5)
    labels = predicted(model, images)
    shortest = -margins(model(images), labels) / (model.weight[0] - model.weight[1]).norm()
    ours = cw(model, images, labels, draws(10), **row_20 | {"c": 10.0, "steps": 400})
    assert (predicted(model, ours) != labels).all()
    ratio = lengths(ours - images) / shortest
    assert ratio.min() >= 1 and ratio.max() < 1.1, ratio


@in_both_spaces
def test_more_steps_of_cw_never_end_further_away(space):
    row_20 = CW_20 | {"space": space}
    images = pixels(24, 3, 4, 4)
    model = curved(images)
    labels = predicted(model, images)
    found = torch.full((24,), torch.inf, dtype=images.dtype)
    for steps in (1, 3, 10, 30, 100):
        ours = cw(model, images, labels, draws(24), **row_20 | {"steps": steps})
        fooled = predicted(model, ours) != labels
        distance = torch.where(fooled, lengths(ours - images), torch.inf)
        assert (distance <= found).all()
        assert torch.equal(ours[~fooled], images[~fooled])
        found = distance
    assert found.isfinite().all()
    assert found.max() > 0.1


@in_both_spaces
def test_cw_leads_by_more_than_kappa_or_leaves_the_image(space):
    row_20 = CW_20 | {"space": space}
    model, images = linear(seed=5), pixels(16, 3, 2, 2, seed=5)
    labels = predicted(model, images)
    labels[::4] = (labels[::4] + 1) % 3
    wrong = predicted(model, images) != labels
    plain = cw(model, images, labels, draws(16), **row_20 | {"steps": 200})
    assert torch.equal(plain[wrong], images[wrong])
    for kappa in (0.0, 0.3):
        ours = cw(model, images, labels, draws(16), **row_20 | {"steps": 200, "kappa": kappa})
        assert (margins(model(ours), labels) > kappa).all()
        assert (lengths(ours - images) >= lengths(plain - images) - 1e-9).all()
    untouched = cw(model, images, labels, draws(16), **row_20 | {"kappa": 1e6})
    assert torch.equal(untouched, images)


@in_both_spaces
@settings(max_examples=25, deadline=None)
@given(
    c=st.floats(0, 100),
    kappa=st.floats(0, 2),
    steps=st.integers(0, 6),
    learning_rate=st.floats(0, 2),
    binary=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_results_of_cw_stay_in_the_pixel_range(space, c, kappa, steps, learning_rate, binary, seed):
    model = linear(seed=seed, dtype=torch.float32)
    images = pixels(5, 3, 2, 2, seed=seed, dtype=torch.float32)
    images = images.round() if binary else images
    before = images.clone()
    row = {"c": c, "kappa": kappa, "steps": steps, "learning_rate": learning_rate, "space": space}
    got = cw(model, images, torch.arange(5) % 3, draws(5), **row)
    assert got.min() >= 0 and got.max() <= 1
    assert (got - images).abs().max() <= steps * learning_rate / 2 * 8 + 1e-6
    assert torch.equal(images, before), "the caller's images were changed"
    assert got.dtype == torch.float32 and not got.requires_grad


@in_both_spaces
def test_cw_on_a_flat_network_leaves_the_image(space):
    row_20 = CW_20 | {"space": space}
    images, labels = pixels(3, 1, 4, 4), torch.tensor([0, 1, 0])
    got = cw(lambda x: x.flatten(1)[:, :2] * 0, images, labels, draws(3), **row_20)
    assert torch.equal(got, images)


def test_cw_gives_no_parameter_a_gradient_and_keeps_the_mode(lived_in, strict):
    model = lived_in("resnet8_w8")
    statistics = {name: value.clone() for name, value in model.named_buffers()}
    images, labels = torch.rand(4, 3, 32, 32), torch.arange(4)
    with torch.no_grad():
        got = cw(model, images, labels, draws(4), **CW_20 | {"steps": 3})
    assert got.shape == images.shape
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training
    assert all(torch.equal(statistics[name], value) for name, value in model.named_buffers())


def test_both_are_known_by_name(subject):
    model, images, labels = subject
    assert {"cw", "gaussian_noise"} <= set(ATTACKS.names())
    row = CW_20 | {"steps": 2}
    got = craft({"name": "cw-2", "attack": "cw", **row}, model, images, labels, draws(24))
    assert torch.equal(got, cw(model, images, labels, draws(24), **row))
