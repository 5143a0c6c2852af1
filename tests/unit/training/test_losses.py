"""Outer losses and spectral distances against sums written out in double precision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, special
from torch import Tensor

from passband.attacks.objectives import divergences, margins
from passband.training.parts.mart import mart_loss
from passband.training.parts.spectral_alignment import spectral_distance
from passband.training.parts.trades import trades_loss

pytestmark = pytest.mark.usefixtures("strict")

LOSSES = {"trades": trades_loss, "mart": mart_loss}
DISTANCES = ("l1", "l2", "cosine")
TRANSFORMS = ("sample", "batch")
VARIANTS = [(distance, transform) for distance in DISTANCES for transform in TRANSFORMS]
sizes = st.tuples(st.integers(1, 9), st.integers(2, 12))


def logits(count: int, classes: int, seed: int = 0, scale: float = 3.0) -> tuple[Tensor, ...]:
    """Natural and adversarial logits [count, classes] in double precision, and labels [count]."""
    generator = torch.Generator().manual_seed(seed)
    natural, adversarial = scale * torch.randn(
        2, count, classes, generator=generator, dtype=torch.float64
    )
    return natural, adversarial, torch.randint(classes, (count,), generator=generator)


def slopes(function, value: Tensor, step: float = 1e-6) -> Tensor:
    """Central finite differences of a scalar function of `value`."""
    found = torch.empty_like(value)
    for place in np.ndindex(*value.shape):
        moved = [value.clone(), value.clone()]
        moved[0][place] += step
        moved[1][place] -= step
        found[place] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return found


# Outer losses


def written_out(kind: str, natural: Tensor, adversarial: Tensor, labels: Tensor, beta) -> float:
    """The losses of the papers, one image at a time, in NumPy."""
    total = 0.0
    for clean, attacked, label in zip(
        natural.numpy(), adversarial.numpy(), labels.tolist(), strict=True
    ):
        p, q = special.softmax(clean), special.softmax(attacked)
        divergence = special.rel_entr(p, q).sum()
        if kind == "trades":
            total += -np.log(p[label]) + beta * divergence
        else:
            wrong = max(q[k] for k in range(len(q)) if k != label)
            total += -np.log(q[label]) - np.log(1.0001 - wrong)
            total += beta * divergence * (1.0000001 - p[label])
    return total / len(labels)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["trades", "mart"]),
    size=sizes,
    seed=st.integers(0, 1000),
    beta=st.floats(0, 10),
)
def test_outer_losses_equal_the_sums_written_out(kind, size, seed, beta):
    natural, adversarial, labels = logits(*size, seed)
    got = LOSSES[kind](natural, adversarial, labels, beta)
    assert got.shape == ()
    expected = written_out(kind, natural, adversarial, labels, beta)
    assert got.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("kind", ["trades", "mart"])
def test_outer_losses_have_the_gradients_of_their_values(kind):
    natural, adversarial, labels = (
        part.requires_grad_(i < 2) for i, part in enumerate(logits(4, 5))
    )

    def loss(clean: Tensor, attacked: Tensor) -> Tensor:
        return LOSSES[kind](clean, attacked, labels, 6.0)

    assert torch.autograd.gradcheck(loss, (natural, adversarial))
    found = torch.autograd.grad(loss(natural, adversarial), (natural, adversarial))
    fixed = natural.detach(), adversarial.detach()
    expected = (
        slopes(lambda x: loss(x, fixed[1]), fixed[0]),
        slopes(lambda x: loss(fixed[0], x), fixed[1]),
    )
    for got, wanted in zip(found, expected, strict=True):
        assert got.abs().sum() > 0
        torch.testing.assert_close(got, wanted, atol=1e-7, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(size=sizes, seed=st.integers(0, 1000), beta=st.floats(0, 10))
def test_at_equal_logits_only_the_cross_entropies_are_left(size, seed, beta):
    natural, _, labels = logits(*size, seed)
    plain = F.cross_entropy(natural, labels)
    torch.testing.assert_close(trades_loss(natural, natural, labels, beta), plain)
    torch.testing.assert_close(
        mart_loss(natural, natural, labels, beta), mart_loss(natural, natural, labels, 0)
    )
    assert mart_loss(natural, natural, labels, 0) >= plain - 1.1e-4


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(["trades", "mart"]), size=sizes, seed=st.integers(0, 1000))
def test_outer_losses_do_not_see_shifts_nor_the_order_of_images(kind, size, seed):
    natural, adversarial, labels = logits(*size, seed)
    expected = LOSSES[kind](natural, adversarial, labels, 6.0)
    shifted = LOSSES[kind](natural + 7, adversarial - 3, labels, 6.0)
    torch.testing.assert_close(shifted, expected)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    turned = LOSSES[kind](natural[order], adversarial[order], labels[order], 6.0)
    torch.testing.assert_close(turned, expected)


def test_the_second_term_is_the_average_of_losses_of_single_images():
    natural, adversarial, labels = logits(6, 4)
    for loss in LOSSES.values():
        each = [
            loss(natural[i : i + 1], adversarial[i : i + 1], labels[i : i + 1], 6.0)
            for i in range(6)
        ]
        torch.testing.assert_close(
            loss(natural, adversarial, labels, 6.0), torch.stack(each).mean()
        )


@pytest.mark.parametrize("kind", ["trades", "mart"])
def test_outer_losses_stay_finite_for_networks_that_are_certain(kind):
    labels = torch.tensor([0, 1, 0])
    natural = torch.tensor([[80.0, -80.0], [80.0, -80.0], [-80.0, 80.0]], requires_grad=True)
    adversarial = (-natural.detach()).requires_grad_()
    loss = LOSSES[kind](natural, adversarial, labels, 6.0)
    loss.backward()
    assert torch.isfinite(loss)
    for part in (natural, adversarial):
        assert torch.isfinite(part.grad).all()


def test_divergence_is_that_of_scipy_and_is_never_negative():
    natural, adversarial, _ = logits(50, 7, scale=8.0)
    p, q = (special.softmax(part.numpy(), axis=1) for part in (natural, adversarial))
    found = divergences(natural, adversarial)
    np.testing.assert_allclose(found.numpy(), special.rel_entr(p, q).sum(1), rtol=1e-9)
    assert (found >= 0).all()
    assert not np.allclose(found, divergences(adversarial, natural))


def test_margin_is_the_best_wrong_logit_minus_the_true_one():
    natural, _, labels = logits(40, 6)
    expected = [
        max(row[k] for k in range(6) if k != label) - row[label]
        for row, label in zip(natural.tolist(), labels.tolist(), strict=True)
    ]
    assert margins(natural, labels).tolist() == pytest.approx(expected)
    assert torch.equal(margins(natural, labels) > 0, natural.argmax(1) != labels)


# Spectral distances


def transformed(values: np.ndarray, transform: str) -> np.ndarray:
    """The spectrum by explicit matrices, complex [vectors, entries of a vector]."""
    count, classes = values.shape
    rows = values @ linalg.dft(classes)
    return rows if transform == "sample" else (linalg.dft(count) @ rows).reshape(1, -1)


def distance_written_out(natural: Tensor, adversarial: Tensor, distance: str, transform: str):
    one, other = (transformed(part.numpy(), transform) for part in (natural, adversarial))
    total = 0.0
    for a, b in zip(one, other, strict=True):
        parts_a, parts_b = (np.concatenate([part.real, part.imag]) for part in (a, b))
        difference = parts_b - parts_a
        if distance == "cosine":
            norms = np.sqrt((parts_a**2).sum() * (parts_b**2).sum())
            total += 1 - (parts_a * parts_b).sum() / norms
        elif distance == "l1":
            total += (
                np.abs(difference).sum() if transform == "sample" else np.abs(difference).mean()
            )
        elif transform == "sample":
            total += np.sqrt((difference**2).sum())
        else:
            total += np.sqrt((difference**2).mean())
    return total / len(one)


@settings(max_examples=60, deadline=None)
@given(variant=st.sampled_from(VARIANTS), size=sizes, seed=st.integers(0, 1000))
def test_distances_equal_those_of_explicit_dft_matrices(variant, size, seed):
    natural, adversarial, _ = logits(*size, seed)
    got = spectral_distance(natural, adversarial, *variant)
    assert got.shape == ()
    expected = distance_written_out(natural, adversarial, *variant)
    assert got.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("distance", "transform"), VARIANTS)
@pytest.mark.parametrize("size", [(3, 5), (1, 2), (4, 10)])
def test_distances_have_the_gradients_of_their_values(distance, transform, size):
    natural, adversarial, _ = logits(*size)

    def measured(one: Tensor, other: Tensor) -> Tensor:
        return spectral_distance(one, other, distance, transform)

    leaves = natural.clone().requires_grad_(), adversarial.clone().requires_grad_()
    assert torch.autograd.gradcheck(measured, leaves)
    found = torch.autograd.grad(measured(*leaves), leaves)
    expected = (
        slopes(lambda x: measured(x, adversarial), natural),
        slopes(lambda x: measured(natural, x), adversarial),
    )
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-7, rtol=1e-6)
        assert got.abs().sum() > 0


@settings(max_examples=40, deadline=None)
@given(variant=st.sampled_from(VARIANTS), size=sizes, seed=st.integers(0, 1000))
def test_distances_are_symmetric_not_negative_and_zero_at_equal_logits(variant, size, seed):
    natural, adversarial, _ = logits(*size, seed)
    apart = spectral_distance(natural, adversarial, *variant)
    assert apart >= 0
    torch.testing.assert_close(spectral_distance(adversarial, natural, *variant), apart)
    assert spectral_distance(natural, natural, *variant).item() == pytest.approx(0, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    distance=st.sampled_from(["l1", "l2"]),
    transform=st.sampled_from(TRANSFORMS),
    size=sizes,
    factor=st.floats(-4, 4),
)
def test_l1_and_l2_grow_with_the_difference_and_see_nothing_else(distance, transform, size, factor):
    natural, adversarial, _ = logits(*size)
    difference = adversarial - natural
    once = spectral_distance(natural, adversarial, distance, transform)
    moved = spectral_distance(natural + 5, natural + 5 + factor * difference, distance, transform)
    torch.testing.assert_close(moved, abs(factor) * once, atol=1e-10, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(transform=st.sampled_from(TRANSFORMS), size=sizes, factor=st.floats(0.1, 9))
def test_cosine_does_not_see_scale_and_lies_between_zero_and_two(transform, size, factor):
    natural, adversarial, _ = logits(*size)
    apart = spectral_distance(natural, adversarial, "cosine", transform)
    scaled = spectral_distance(factor * natural, adversarial, "cosine", transform)
    torch.testing.assert_close(scaled, apart)
    assert 0 <= apart <= 2
    opposite = spectral_distance(natural, -natural, "cosine", transform)
    torch.testing.assert_close(opposite, torch.tensor(2.0, dtype=torch.float64))


@settings(max_examples=30, deadline=None)
@given(size=sizes, seed=st.integers(0, 1000))
def test_parseval_makes_l2_a_distance_of_the_logits(size, seed):
    natural, adversarial, _ = logits(*size, seed)
    lengths = (adversarial - natural).norm(dim=1)
    found = spectral_distance(natural, adversarial, "l2", "sample")
    torch.testing.assert_close(found, size[1] ** 0.5 * lengths.mean())
    found = spectral_distance(natural, adversarial, "l2", "batch")
    torch.testing.assert_close(found, (adversarial - natural).norm() / 2**0.5)
    angles = F.cosine_similarity(natural, adversarial, dim=1)
    found = spectral_distance(natural, adversarial, "cosine", "sample")
    torch.testing.assert_close(found, 1 - angles.mean())


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_papers_distance_is_an_average_over_images_in_any_order(distance):
    natural, adversarial, _ = logits(7, 10)
    whole = spectral_distance(natural, adversarial, distance, "sample")
    each = [
        spectral_distance(natural[i : i + 1], adversarial[i : i + 1], distance, "sample")
        for i in range(7)
    ]
    torch.testing.assert_close(whole, torch.stack(each).mean())
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    turned = spectral_distance(natural[order], adversarial[order], distance, "sample")
    torch.testing.assert_close(turned, whole)


def test_l1_of_one_raised_logit_is_known():
    natural = torch.zeros(1, 4, dtype=torch.float64)
    raised = torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    # its spectrum is 1, -i, -1, i
    assert spectral_distance(natural, raised, "l1", "sample").item() == pytest.approx(4)
    assert spectral_distance(natural, raised, "l1", "batch").item() == pytest.approx(4 / 8)
    assert spectral_distance(natural, raised, "l2", "sample").item() == pytest.approx(2)


@pytest.mark.parametrize(("count", "ratio"), [(32, 3.3), (128, 1.69), (512, 0.83)])
def test_the_equation_weighs_more_than_the_authors_code_in_small_batches(count, ratio):
    found = []
    for seed in range(20):
        natural, adversarial, _ = logits(count, 10, seed)
        one, other = (
            spectral_distance(natural, adversarial, "l1", transform) for transform in TRANSFORMS
        )
        found.append((one / other).item())
    assert np.mean(found) == pytest.approx(ratio, rel=0.02)


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_equal_logits_give_no_gradient_and_no_nan(distance, transform):
    natural, _, _ = logits(3, 5)
    adversarial = natural.clone().requires_grad_()
    spectral_distance(natural, adversarial, distance, transform).backward()
    assert torch.equal(adversarial.grad, torch.zeros_like(natural))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_cosine_of_zero_logits_is_finite(transform):
    natural = torch.zeros(2, 3, dtype=torch.float64)
    adversarial = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    found = spectral_distance(natural, adversarial, "cosine", transform)
    found.backward()
    assert found.item() == 1 and torch.isfinite(adversarial.grad).all()


@pytest.mark.parametrize(("distance", "transform"), VARIANTS)
def test_single_precision_is_close_to_double(distance, transform):
    natural, adversarial, _ = logits(128, 10)
    exact = spectral_distance(natural, adversarial, distance, transform).item()
    single = spectral_distance(natural.float(), adversarial.float(), distance, transform)
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(exact, rel=1e-5)
