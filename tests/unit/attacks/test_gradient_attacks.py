"""Attacks: closed forms on linear models, an independent implementation, and their promises."""

from dataclasses import dataclass

import pytest
import torch
import torchattacks
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from passband.attacks import ATTACKS, craft, describe
from passband.attacks.fgsm import fgsm
from passband.attacks.objectives import margins, objective
from passband.attacks.pgd import pgd, started
from passband.draws import Draws
from passband.errors import UserError
from passband.plan.rows import resolve_row

pytestmark = pytest.mark.usefixtures("strict")

EPSILON, STEP = 8 / 255, 2 / 255
PGD_20 = {"epsilon": EPSILON, "step_size": STEP, "steps": 20, "start": "uniform"}


@dataclass(frozen=True)
class Given:
    """Stands in for Draws: uniform or normal numbers [N, C, H, W] decided by the test."""

    numbers: Tensor

    def take(self, chosen: Tensor) -> "Given":
        return Given(self.numbers[chosen])

    def uniform(self, purpose: object, shape: tuple[int, ...]) -> Tensor:
        return self.numbers

    normal = uniform


@pytest.fixture(scope="module")
def subject(lived_in):
    """(network in double precision, 48 images, labels of which the network gets about 80 % right).

    The logits are centred over the images, so that several classes occur and margins differ.
    """
    model = lived_in("resnet8_w8").double().requires_grad_(False)
    torch.manual_seed(0)
    images = torch.rand(48, 3, 1, 1) * torch.rand(48, 3, 32, 32, dtype=torch.float64)
    model[-1].bias -= model(images).mean(0)
    labels = model(images).argmax(1)
    labels[::5] = (labels[::5] + 1) % 10
    return model, images, labels


def draws(count: int, key: int = 0) -> Draws:
    return Draws(key, torch.arange(count))


def linear(images: Tensor, labels: Tensor, classes: int = 2, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    size = images[0].numel()
    return nn.Sequential(nn.Flatten(), nn.Linear(size, classes, dtype=images.dtype))


def test_fgsm_equals_torchattacks(subject):
    model, images, labels = subject
    theirs = torchattacks.FGSM(model, eps=EPSILON)(images, labels)
    ours = fgsm(model, images, labels, draws(48), epsilon=EPSILON)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)


@pytest.mark.parametrize("start", ["uniform", "clean"])
def test_pgd_equals_torchattacks_from_the_same_start(subject, start):
    model, images, labels = subject
    torch.manual_seed(3)
    noise = torch.empty_like(images).uniform_(-EPSILON, EPSILON)
    torch.manual_seed(3)
    attack = torchattacks.PGD(model, EPSILON, STEP, steps=20, random_start=start == "uniform")
    theirs = attack(images, labels)
    ours = pgd(
        model,
        images,
        labels,
        Given((noise / EPSILON + 1) / 2),
        **PGD_20 | {"start": start},
    )
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    right, right_theirs = (model(x).argmax(1) == labels for x in (ours, theirs))
    assert torch.equal(right, right_theirs)
    clean = model(images).argmax(1) == labels
    assert right.sum() < clean.sum()


def test_one_step_pgd_of_full_size_without_a_start_is_fgsm(subject):
    model, images, labels = subject
    row = {"epsilon": EPSILON, "step_size": EPSILON, "steps": 1, "start": "clean"}
    assert torch.equal(
        pgd(model, images, labels, draws(48), **row),
        fgsm(model, images, labels, draws(48), epsilon=EPSILON),
    )


@settings(max_examples=25, deadline=None)
@given(
    epsilon=st.floats(1e-3, 0.5),
    share=st.floats(0.05, 2),
    steps=st.integers(1, 12),
    seed=st.integers(0, 100),
)
def test_on_two_classes_and_a_linear_model_pgd_has_a_closed_form(epsilon, share, steps, seed):
    torch.manual_seed(seed)
    images = torch.rand(6, 1, 5, 5, dtype=torch.float64)
    labels = torch.arange(6) % 2
    model = linear(images, labels, seed=seed)
    weight = model[1].weight
    direction = (weight[1 - labels] - weight[labels]).sign().view_as(images)
    row = {"epsilon": epsilon, "step_size": share * epsilon, "steps": steps}
    got = pgd(model, images, labels, draws(6), **row, start="clean")
    size = min(epsilon, steps * share * epsilon)
    torch.testing.assert_close(got, (images + size * direction).clamp(0, 1), atol=1e-12, rtol=0)


def test_on_many_classes_and_a_linear_model_fgsm_has_a_closed_form():
    images = torch.rand(8, 3, 4, 4, dtype=torch.float64)
    labels = torch.arange(8) % 5
    model = linear(images, labels, classes=5)
    residual = model(images).softmax(1) - nn.functional.one_hot(labels, 5)
    direction = (residual @ model[1].weight).sign().view_as(images)
    got = fgsm(model, images, labels, draws(8), epsilon=0.1)
    torch.testing.assert_close(got, (images + 0.1 * direction).clamp(0, 1), atol=1e-12, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    epsilon=st.floats(0, 1),
    step_size=st.floats(0, 1),
    steps=st.integers(1, 5),
    start=st.sampled_from(["clean", "uniform", "normal"]),
    loss=st.sampled_from(["cross_entropy", "margin", "kl"]),
    binary=st.booleans(),
    key=st.integers(0, 1000),
)
def test_results_stay_in_the_ball_and_in_the_pixel_range(
    epsilon, step_size, steps, start, loss, binary, key
):
    images = Draws(key, torch.arange(5)).uniform("image", (2, 6, 6))
    images = images.round() if binary else images
    labels = torch.arange(5) % 3
    before = images.clone()
    got = pgd(
        linear(images, labels, classes=3),
        images,
        labels,
        draws(5, key),
        epsilon=epsilon,
        step_size=step_size,
        steps=steps,
        start=start,
        loss=loss,
    )
    assert got.min() >= 0 and got.max() <= 1
    assert (got - images).abs().max() <= epsilon + 1e-6
    assert torch.equal(images, before), "the caller's images were changed"
    assert got.dtype == torch.float32 and not got.requires_grad


def test_a_ball_of_size_zero_gives_the_image_back(subject):
    model, images, labels = subject
    row = PGD_20 | {"epsilon": 0.0, "steps": 2}
    assert torch.equal(pgd(model, images, labels, draws(48), **row), images)


def test_a_step_of_size_zero_gives_the_start_and_the_start_is_uniform(subject):
    _, images, labels = subject
    images = torch.full((40, 3, 16, 16), 0.5)
    model = linear(images, labels[:40], classes=10)
    row = PGD_20 | {"step_size": 0.0, "steps": 2}
    noise = pgd(model, images, labels[:40], draws(40), **row) - images
    uniform = draws(40).uniform(("start", 0), (3, 16, 16))
    torch.testing.assert_close(noise, EPSILON * (2 * uniform - 1), atol=1e-7, rtol=0)
    assert noise.abs().max() > 0.999 * EPSILON


def test_a_zero_gradient_leaves_the_start():
    images = torch.rand(3, 1, 4, 4)
    labels = torch.tensor([0, 1, 0])

    def constant(x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2] * 0

    row = PGD_20 | {"start": "clean"}
    assert torch.equal(pgd(constant, images, labels, draws(3), **row), images)


def test_confident_images_are_attacked_in_large_batches_too():
    images = torch.rand(4096, 1, 4, 4)
    labels = torch.zeros(4096, dtype=torch.int64)
    inner = linear(images, labels)

    def confident(x: Tensor) -> Tensor:
        return inner(x) + torch.tensor([96.0, 0.0])

    got = fgsm(confident, images, labels, draws(4096), epsilon=0.05)
    assert ((got - images).abs().amax((1, 2, 3)) > 0.04).all()


def test_no_parameter_gets_a_gradient_and_the_mode_is_kept(lived_in):
    model = lived_in("resnet8_w8")
    statistics = {name: value.clone() for name, value in model.named_buffers()}
    images, labels = torch.rand(4, 3, 32, 32), torch.arange(4)
    with torch.no_grad():
        pgd(model, images, labels, draws(4), **PGD_20 | {"steps": 2})
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not model.training
    assert all(torch.equal(statistics[name], value) for name, value in model.named_buffers())


def test_random_starts_do_not_depend_on_the_batch():
    images = torch.rand(10, 3, 8, 8)
    labels = torch.arange(10)
    model = linear(images, labels, classes=10)
    row = PGD_20 | {"step_size": 0.0, "steps": 1}
    whole = pgd(model, images, labels, draws(10), **row)
    parts = [
        pgd(model, images[part], labels[part], Draws(0, torch.arange(10)[part]), **row)
        for part in (slice(0, 3), slice(3, 10))
    ]
    assert torch.equal(torch.cat(parts), whole)


class Shifted:
    """Draws whose first restart is another one's."""

    def __init__(self, restart: int, inner: Draws):
        self.restart, self.inner = restart, inner

    def take(self, chosen: Tensor) -> "Shifted":
        return Shifted(self.restart, self.inner.take(chosen))

    def uniform(self, purpose: tuple[str, int], shape: tuple[int, ...]) -> Tensor:
        return self.inner.uniform((purpose[0], purpose[1] + self.restart), shape)


def test_restarts_find_what_any_single_start_finds(subject):
    model, images, labels = subject
    row = PGD_20 | {"step_size": 0.0, "steps": 1}
    single = [
        model(pgd(model, images, labels, Shifted(r, draws(48)), **row)).argmax(1) == labels
        for r in range(4)
    ]
    together = model(pgd(model, images, labels, draws(48), **row, restarts=4)).argmax(1) == labels
    assert torch.equal(together, torch.stack(single).all(0))
    assert 0 < together.sum() < single[0].sum(), "the restarts must matter for this test to tell"


def test_restarts_on_images_that_are_all_wrong_end_early(subject):
    model, images, _ = subject
    wrong = (model(images).argmax(1) + 1) % 10
    calls = []

    def counting(x: Tensor) -> Tensor:
        calls.append(len(x))
        return model(x)

    row = PGD_20 | {"epsilon": 0.0, "steps": 1}
    pgd(counting, images, wrong, draws(48), **row, restarts=5)
    assert calls == [48, 48]


# Other losses and starts


def gradient_of(loss: str, logits_of, images: Tensor, labels: Tensor, at: Tensor) -> Tensor:
    """Gradient of an attack's objective at `at`, for an attack that began with `images`."""
    at = at.clone().requires_grad_()
    return torch.autograd.grad(objective(loss, logits_of, images, labels)(logits_of(at)), at)[0]


def test_on_a_linear_model_the_gradients_of_the_losses_have_closed_forms():
    torch.manual_seed(0)
    images, other = torch.rand(2, 8, 3, 4, 4, dtype=torch.float64)
    labels = torch.arange(8) % 5
    model = linear(images, labels, classes=5)
    weight, natural, moved = model[1].weight.detach(), model(images), model(other)
    wrong = moved.clone()
    wrong[torch.arange(8), labels] = -torch.inf
    expected = {
        "cross_entropy": moved.softmax(1) - nn.functional.one_hot(labels, 5),
        "kl": moved.softmax(1) - natural.softmax(1),
        "margin": nn.functional.one_hot(wrong.argmax(1), 5) - nn.functional.one_hot(labels, 5),
    }
    for loss, residual in expected.items():
        got = gradient_of(loss, model, images, labels, other)
        wanted = (residual.double() @ weight).view_as(images).detach()
        torch.testing.assert_close(got, wanted, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("loss", ["cross_entropy", "kl", "margin"])
def test_gradients_of_the_losses_agree_with_finite_differences(subject, loss):
    model, images, labels = subject
    images, labels = images[:3], labels[:3]
    torch.manual_seed(1)
    at = (images + 0.02 * torch.randn_like(images)).clamp(0, 1)
    aim = objective(loss, model, images, labels)
    got = gradient_of(loss, model, images, labels, at)
    for direction in torch.randn(4, *images.shape, dtype=torch.float64):
        up, down = (aim(model(at + sign * 1e-8 * direction)) for sign in (1, -1))
        slope = (up - down).item() / 2e-8
        assert (got * direction).sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_the_natural_side_of_kl_takes_no_gradient_and_one_forward_pass(subject):
    model, images, labels = subject
    calls = []

    def counting(x: Tensor) -> Tensor:
        calls.append(x.requires_grad)
        return model(x)

    row = PGD_20 | {"steps": 3, "start": "normal"}
    pgd(counting, images, labels, draws(48), **row, loss="kl")
    assert calls == [False, True, True, True]


def test_kl_does_not_see_the_labels(subject):
    model, images, labels = subject
    row = PGD_20 | {"steps": 2, "start": "normal", "loss": "kl"}
    assert torch.equal(
        pgd(model, images, labels, draws(48), **row),
        pgd(model, images, (labels + 1) % 10, draws(48), **row),
    )


def test_kl_equals_torchattacks_from_the_same_start(subject):
    model, images, labels = subject
    torch.manual_seed(3)
    noise = torch.randn_like(images)
    torch.manual_seed(3)
    theirs = torchattacks.TPGD(model, EPSILON, STEP, steps=10)(images, labels)
    row = PGD_20 | {"steps": 10, "start": "normal"}
    ours = pgd(model, images, labels, Given(noise), **row, loss="kl")
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    assert (ours - images).abs().max() > 0.99 * EPSILON


@pytest.mark.parametrize("loss", ["cross_entropy", "kl", "margin"])
def test_losses_rise_step_by_step(subject, loss):
    model, images, labels = subject
    aim = objective(loss, model, images, labels)
    row = PGD_20 | {"step_size": 0.2 / 255, "start": "normal", "loss": loss}
    values = [aim(model(images)).item()]
    for steps in (1, 2, 4, 8):
        found = pgd(model, images, labels, draws(48), **row | {"steps": steps})
        values.append(aim(model(found)).item())
    assert values == sorted(values) and values[-1] > values[0] + 0.05


def test_margin_on_two_classes_has_a_closed_form():
    torch.manual_seed(0)
    images = torch.rand(6, 1, 5, 5, dtype=torch.float64)
    labels = torch.arange(6) % 2
    model = linear(images, labels)
    direction = (model[1].weight[1 - labels] - model[1].weight[labels]).sign().view_as(images)
    row = {"epsilon": 0.1, "step_size": 0.03, "steps": 5, "start": "clean", "loss": "margin"}
    got = pgd(model, images, labels, draws(6), **row)
    torch.testing.assert_close(got, (images + 0.1 * direction).clamp(0, 1), atol=1e-12, rtol=0)


def test_an_image_beyond_the_confidence_is_pushed_no_further():
    torch.manual_seed(0)
    images, labels = torch.rand(6, 1, 5, 5, dtype=torch.float64), torch.arange(6) % 2
    model = linear(images, labels)
    with torch.no_grad():
        model[1].bias -= model(images).mean(0)  # so that some are beyond it from the beginning
    row = {"epsilon": 0.1, "step_size": 0.01, "steps": 10, "start": "clean", "loss": "margin"}
    bound = margins(model(images), labels).median().item() + 1e-9
    free = pgd(model, images, labels, draws(6), **row)
    held = pgd(model, images, labels, draws(6), **row, confidence=bound)
    before, after, most = (margins(model(each), labels) for each in (images, held, free))
    beyond = before > bound
    assert beyond.any() and torch.equal(held[beyond], images[beyond])
    assert (before <= after).all() and (after <= most).all() and (after < most).any()
    assert ((after > bound) == (most > bound)).all()


@settings(max_examples=20, deadline=None)
@given(confidence=st.floats(0, 60), seed=st.integers(0, 1000))
def test_a_margin_with_confidence_is_the_hinge_of_the_papers_code(confidence, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 20 * torch.randn(7, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (7,), generator=generator)
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        other = max(value for place, value in enumerate(row) if place != label)
        total += confidence - max(row[label] - other + confidence, 0)
    aim = objective("margin", lambda x: x, logits, labels, confidence)
    assert aim(logits).item() == pytest.approx(total)
    assert objective("margin", lambda x: x, logits, labels)(logits) >= aim(logits)


def plain_margin_attack(
    model, images: Tensor, labels: Tensor, start: Tensor, confidence: float = 1e4
) -> Tensor:
    """PGD on the margin in the style of the papers' code: a mask of -10000, a hinge, a mean."""
    adversarial = start
    for _ in range(30):
        adversarial = adversarial.detach().requires_grad_()
        logits = model(adversarial)
        chosen = torch.zeros_like(logits).scatter_(1, labels[:, None], 1)
        correct = (chosen * logits).sum(1)
        wrong = ((1 - chosen) * logits - 1e4 * chosen).max(1).values
        (-(correct - wrong + confidence).relu()).mean().backward()
        adversarial = adversarial.detach() + STEP * adversarial.grad.sign()
        adversarial = images + (adversarial - images).clamp(-EPSILON, EPSILON)
        adversarial = adversarial.clamp(0, 1)
    return adversarial


@pytest.mark.parametrize("confidence", [None, 50, 0.01])
def test_margin_equals_a_plain_implementation(subject, confidence):
    model, images, labels = subject
    images, labels = images[:16], labels[:16]
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(5)).double()
    start = (images + EPSILON * (2 * noise - 1)).clamp(0, 1)
    expected = plain_margin_attack(model, images, labels, start, confidence or 1e4)
    row = PGD_20 | {"steps": 30, "loss": "margin", "confidence": confidence}
    got = pgd(model, images, labels, Given(noise), **row)
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=0)


def test_a_normal_start_is_small_normal_noise_inside_the_ball_and_the_range():
    images = torch.full((60, 3, 16, 16), 0.5)
    images[:20], images[20:40] = 0, 1
    labels = torch.zeros(60, dtype=torch.int64)
    begin = started(images, EPSILON, "normal", draws(60), 0)
    noise = (begin - images)[40:]
    expected = 0.001 * draws(60).normal(("start", 0), (3, 16, 16))
    torch.testing.assert_close(noise, expected[40:], atol=1e-7, rtol=0)
    assert noise.std().item() == pytest.approx(0.001, rel=0.02)
    assert abs(noise.mean().item()) < 4 * 0.001 / noise.numel() ** 0.5
    assert begin.min() == 0 and begin.max() == 1
    assert (begin[:20] > 0).double().mean() == pytest.approx(0.5, abs=0.02)
    tight = started(images, 0.0005, "normal", draws(60), 0)
    assert (tight - images).abs().max() <= 0.0005 + 1e-7
    row = PGD_20 | {"step_size": 0.0, "steps": 1, "start": "normal"}
    assert torch.equal(pgd(linear(images, labels), images, labels, draws(60), **row), begin)


def test_starts_differ_between_restarts_and_kinds():
    images = torch.full((4, 1, 8, 8), 0.5)
    found = [
        started(images, EPSILON, kind, draws(4), restart)
        for kind in ("uniform", "normal")
        for restart in (0, 1)
    ]
    assert len({tuple(each.flatten().tolist()) for each in found}) == 4
    assert torch.equal(started(images, EPSILON, "clean", draws(4), 0), images)


# Rows


ROW = {"attack": "pgd", "epsilon": "8/255", "step_size": "2/255", "steps": 3, "start": "clean"}


def test_rows_are_resolved_and_run(subject):
    model, images, labels = subject
    attack = resolve_row("attack", "pgd-3", ROW, {})
    assert attack["epsilon"] == pytest.approx(8 / 255) and attack["name"] == "pgd-3"
    constants = {"epsilon": EPSILON, "step_size": STEP, "steps": 3, "start": "clean"}
    assert torch.equal(
        craft(attack, model, images, labels, draws(48)),
        pgd(model, images, labels, draws(48), **constants),
    )
    assert {"fgsm", "pgd"} <= set(ATTACKS.names())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epsilon": "8"}, "attack 'mine': epsilon is 8, expected a number from 0 to 1"),
        ({"epsilon": "8/0"}, "epsilon is 8/0, expected a number"),
        ({"epsilon": "much"}, "epsilon is much, expected a number"),
        ({"step_size": -0.1}, "step_size is -0.1"),
        ({"steps": 0}, "steps is 0, expected an integer from 1"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"start": "unifrom"}, "attack 'mine': unknown start 'unifrom': did you mean 'uniform'"),
        ({"loss": "klm"}, "attack 'mine': unknown loss 'klm': did you mean 'kl'"),
        ({"attack": "pdg"}, "'pdg'.* did you mean 'pgd'"),
        ({"stepsize": 0.1}, "'stepsize'"),
        (
            {"confidence": 50},
            "attack 'mine': confidence is 50, but has an effect with loss=margin only; remove "
            "confidence, or set loss to margin",
        ),
        ({"loss": "margin", "confidence": -1}, "confidence is -1, expected a number of at least 0"),
    ],
)
def test_rows_that_make_no_sense_are_user_errors(change, words):
    with pytest.raises(UserError, match=words):
        resolve_row("attack", "mine", ROW | change, {})


def test_a_row_without_a_constant_is_a_user_error():
    row = {key: value for key, value in ROW.items() if key != "steps"}
    with pytest.raises(UserError, match="attack 'mine' lacks the key 'steps'"):
        resolve_row("attack", "mine", row, {})


def test_a_condition_names_every_constant_in_the_order_of_the_signature():
    swapped = {key: ROW[key] for key in reversed(ROW)}
    for row in (ROW, swapped):
        assert describe(resolve_row("attack", "pgd-3", row, {})) == (
            "attack=pgd-3;epsilon=0.0313725;step_size=0.00784314;steps=3;start=clean;"
            "loss=cross_entropy;restarts=1"
        )
