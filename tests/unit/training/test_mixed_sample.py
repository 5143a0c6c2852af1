"""Mixed-sample augmentation against NumPy, the mass of labels and pixels, distributions, edges."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from passband.draws import Draws, key_of
from passband.errors import UserError
from passband.training.batch import classification_loss
from passband.training.parts.mixed_sample import (
    beta_share,
    boxes,
    cut_mixed,
    cut_out,
    mixed_up,
    partners,
)

AUGMENTATIONS = {"mixup": mixed_up, "cutout": cut_out, "cutmix": cut_mixed}
shares = st.floats(0, 1)
keys = st.integers(0, 10**6)
shapes = st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))


def batch(count: int, channels: int, height: int, width: int, key: int = 0):
    """(images in (0, 1), labels of ten classes, draws) in double precision."""
    generator = torch.Generator().manual_seed(key)
    shape = (count, channels, height, width)
    images = 0.01 + 0.98 * torch.rand(shape, generator=generator, dtype=torch.float64)
    return images, torch.randint(10, (count,), generator=generator), draws(count, key)


def draws(count: int, key: int = 0) -> Draws:
    return Draws(key, torch.arange(count))


def box(middle: tuple[int, int], area: float, height: int, width: int) -> np.ndarray:
    """Which pixels [H, W] the box of that relative area around that pixel holds."""
    inside = np.zeros((height, width), bool)
    tall, wide = (round(math.sqrt(area) * side) for side in (height, width))
    top, left = middle[0] - tall // 2, middle[1] - wide // 2
    inside[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)] = True
    return inside


def middles(some: Draws, height: int, width: int) -> list[tuple[int, int]]:
    rows, columns = some.integers("row", height), some.integers("column", width)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def written_out(kind: str, images: Tensor, labels: Tensor, share: float, some: Draws):
    """One image at a time: images [B, C, H, W] and label weights [B, 10], or labels for cutout."""
    count, _, height, width = images.shape
    partner = partners(images, some).tolist()
    pictures, weights = images.numpy().copy(), np.zeros((count, 10))
    for i, other in enumerate(partner):
        own = share
        if kind == "mixup":
            pictures[i] = share * images[i].numpy() + (1 - share) * images[other].numpy()
        elif kind == "cutmix":
            (middle,) = middles(draws(1, some.key), height, width)
            inside = box(middle, 1 - share, height, width)
            pictures[i][:, inside] = images[other].numpy()[:, inside]
            own = 1 - inside.mean()
        else:
            middle = middles(some, height, width)[i]
            pictures[i][:, box(middle, share, height, width)] = 0
        weights[i, labels[i]] += own
        weights[i, labels[other]] += 1 - own
    return pictures, labels.numpy() if kind == "cutout" else weights


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(AUGMENTATIONS)), shape=shapes, share=shares, key=keys)
def test_mixing_equals_what_is_written_out_one_image_at_a_time(kind, shape, share, key):
    images, labels, some = batch(*shape, key)
    before = images.clone()
    mixed, targets = AUGMENTATIONS[kind](images, labels, 10, share, some)
    pictures, weights = written_out(kind, images, labels, share, some)
    np.testing.assert_allclose(mixed.numpy(), pictures, atol=1e-12)
    np.testing.assert_allclose(targets.numpy(), weights, atol=1e-12)
    assert torch.equal(images, before), "the caller's images were changed"
    assert mixed.min() >= 0 and mixed.max() <= 1


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixed_labels_sum_to_one_and_each_image_is_a_partner_once(kind):
    images, labels, some = batch(64, 3, 8, 8)
    mixed, targets = AUGMENTATIONS[kind](images.float(), labels, 10, 0.3, some)
    assert mixed.dtype == targets.dtype == torch.float32 and targets.shape == (64, 10)
    torch.testing.assert_close(targets.sum(1), torch.ones(64))
    partner = partners(images, some)
    assert torch.equal(partner.sort().values, torch.arange(64))
    assert (partner != torch.arange(64)).sum() > 50
    torch.testing.assert_close(mixed.double().sum(0), images.sum(0), atol=1e-4, rtol=0)
    counts = torch.bincount(labels, minlength=10).float()
    torch.testing.assert_close(targets.sum(0), counts, atol=1e-4, rtol=0)


@settings(max_examples=30, deadline=None)
@given(shape=shapes, share=shares, key=keys)
def test_labels_of_cutmix_are_weighted_by_the_pixels_of_each_image(shape, share, key):
    count, _, height, width = shape
    pictures = torch.arange(count).double()[:, None, None, None].expand(shape)
    mixed, targets = AUGMENTATIONS["cutmix"](
        pictures, torch.arange(count), count, share, draws(count, key)
    )
    for image, weights in zip(mixed, targets, strict=True):
        pixels = torch.bincount(image[0].flatten().long(), minlength=count)
        torch.testing.assert_close(weights, pixels / (height * width), check_dtype=False)


@settings(max_examples=30, deadline=None)
@given(shape=shapes, share=shares, key=keys)
def test_cutout_removes_one_box_and_leaves_the_labels(shape, share, key):
    images, labels, some = batch(*shape, key)
    mixed, targets = AUGMENTATIONS["cutout"](images, labels, 10, share, some)
    assert targets is labels
    removed = mixed == 0
    assert torch.equal(removed, removed[:, :1].expand_as(removed)), "a channel was left"
    assert torch.equal(mixed[~removed], images[~removed])
    sides = [round(math.sqrt(share) * side) for side in shape[2:]]
    for hole in removed[:, 0]:
        rows, columns = hole.any(1), hole.any(0)
        assert torch.equal(hole, rows[:, None] & columns)
        for taken, side in zip((rows, columns), sides, strict=True):
            assert taken.sum() <= side
            assert taken.sum() >= (side + 1) // 2 or 0 in sides
            assert taken.long().diff().abs().sum() <= 2, "the box has a gap"


def test_places_of_boxes_are_uniform_and_belong_to_the_image():
    some = draws(4000, key=2)
    inside = boxes(some, 8, 8, 1 / 64)
    assert inside.shape == (4000, 1, 8, 8) and (inside.sum((1, 2, 3)) == 1).all()
    assert stats.chisquare(inside.sum((0, 1)).flatten()).pvalue > 1e-3
    assert torch.equal(boxes(some.take(torch.tensor([7, 3])), 8, 8, 1 / 64), inside[[7, 3]])
    middles = {boxes(draws(1, key), 8, 8, 1 / 64).flatten().nonzero().item() for key in range(600)}
    assert len(middles) == 64, "other batches must cut at other places"


# Edges


@pytest.mark.parametrize("kind", sorted(AUGMENTATIONS))
def test_nothing_is_mixed_at_one_end_of_the_share_and_everything_at_the_other(kind):
    images, labels, some = batch(6, 3, 5, 5, key=1)
    partner = partners(images, some)
    none, all_of_it = (0.0, 1.0) if kind == "cutout" else (1.0, 0.0)
    mixed, targets = AUGMENTATIONS[kind](images, labels, 10, none, some)
    assert torch.equal(mixed, images)
    if kind == "cutout":
        key = next(k for k in range(1000) if middles(draws(1, k), 5, 5) == [(2, 2)])
        mixed, _ = AUGMENTATIONS[kind](images[:1], labels[:1], 10, all_of_it, draws(1, key))
        assert (mixed == 0).all()
        return
    assert torch.equal(targets, F.one_hot(labels, 10).double())
    if kind == "cutmix":
        key = next(k for k in range(1000) if middles(draws(1, k), 5, 5) == [(2, 2)])
        some = draws(6, key)
        partner = partners(images, some)
    mixed, targets = AUGMENTATIONS[kind](images, labels, 10, all_of_it, some)
    assert torch.equal(mixed, images[partner])
    assert torch.equal(targets, F.one_hot(labels[partner], 10).double())


def test_a_box_of_full_size_in_the_corner_is_clipped_to_a_quarter():
    key = next(k for k in range(1000) if middles(draws(1, k), 8, 8) == [(0, 0)])
    inside = boxes(draws(1, key), 8, 8, 1.0)[0, 0]
    assert inside[:4, :4].all() and inside.sum() == 16
    images, labels, _ = batch(2, 1, 8, 8)
    labels = torch.tensor([0, 1])
    key = next(
        k
        for k in range(10_000)
        if middles(draws(1, k), 8, 8) == [(0, 0)] and partners(images, draws(2, k))[0] == 1
    )
    _, targets = AUGMENTATIONS["cutmix"](images, labels, 2, 0.0, draws(2, key))
    assert targets.tolist() == [[0.75, 0.25], [0.25, 0.75]]


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_a_batch_of_one_is_mixed_with_itself(kind):
    images, labels, some = batch(1, 3, 4, 4)
    mixed, targets = AUGMENTATIONS[kind](images, labels, 10, 0.4, some)
    torch.testing.assert_close(mixed, images)
    torch.testing.assert_close(targets, F.one_hot(labels, 10).double())


def test_mixing_runs_in_strict_mode_and_is_repeatable(strict):
    images, labels, some = batch(8, 3, 6, 6)
    for mix in AUGMENTATIONS.values():
        first, again, other = (
            mix(images, labels, 10, 0.5, one)[0] for one in (some, some, draws(8, 99))
        )
        assert torch.equal(first, again) and not torch.equal(first, other)


# The share


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_have_the_beta_distribution(alpha):
    found = [beta_share(key_of("share", number), alpha) for number in range(3000)]
    assert stats.kstest(found, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert beta_share(5, alpha) == beta_share(5, alpha)


def test_shares_of_alpha_one_are_uniform_numbers_of_the_key():
    found = np.array([beta_share(number, 1.0) for number in range(100)])
    expected = [key_of(number, "share") / 2**63 for number in range(100)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.3


def test_extreme_alphas_give_the_ends_and_the_middle():
    small, large = ([beta_share(key, alpha) for key in range(200)] for alpha in (1e-3, 1e6))
    assert min(small) >= 0 and max(small) <= 1
    assert sum(min(share, 1 - share) < 1e-6 for share in small) > 185
    assert 60 < sum(share > 0.5 for share in small) < 140
    assert max(abs(share - 0.5) for share in large) < 0.01


@pytest.mark.parametrize("alpha", [0, -1, 0.0, math.nan, math.inf])
def test_an_alpha_that_is_not_positive_is_a_user_error(alpha):
    with pytest.raises(UserError, match=r"alpha is .*, expected a number above 0"):
        beta_share(1, alpha)


# The loss


def random_logits(count: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, classes, generator=generator, dtype=torch.float64)
    first, second = torch.randint(classes, (2, count), generator=generator)
    return logits, first, second


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 8), classes=st.integers(2, 10), share=shares, seed=st.integers(0, 1000))
def test_losses_equal_the_sums_written_out(count, classes, share, seed):
    logits, first, second = random_logits(count, classes, seed)
    eye = torch.eye(classes, dtype=torch.float64)
    weights = share * eye[first] + (1 - share) * eye[second]
    z, t = logits.numpy(), weights.numpy()
    p = 1 / (1 + np.exp(-z))
    binary = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / (count * classes)
    assert classification_loss(logits, weights, "bce").item() == pytest.approx(binary, rel=1e-9)
    two = share * F.cross_entropy(logits, first) + (1 - share) * F.cross_entropy(logits, second)
    torch.testing.assert_close(classification_loss(logits, weights, "ce"), two)


@pytest.mark.parametrize("kind", ["bce", "ce"])
def test_losses_have_the_gradients_of_their_values(kind):
    logits, first, second = random_logits(4, 5)
    eye = torch.eye(5, dtype=torch.float64)
    weights = 0.3 * eye[first] + 0.7 * eye[second]
    assert torch.autograd.gradcheck(
        lambda z: classification_loss(z, weights, kind), (logits.requires_grad_(),)
    )


def test_binary_cross_entropy_is_the_mean_over_classes_too():
    logits, first, _ = random_logits(4, 10)
    weights = F.one_hot(first, 10).double()
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(classification_loss(logits, weights, "bce"), logits)
    torch.testing.assert_close(gradient, (logits.sigmoid() - weights).detach() / 40)
