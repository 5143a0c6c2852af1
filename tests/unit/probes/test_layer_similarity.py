"""Linear CKA against feature-space formulas in NumPy, and the probe that streams it."""

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from passband import models
from passband.compute import Compute
from passband.errors import UserError
from passband.probes import PROBES, Subject
from passband.probes.cka import layer_grams, shallow_deep
from passband.spectra.similarity import (
    centred,
    cka,
    gram,
    hsic_biased,
    hsic_unbiased,
    u_centred,
)

FLOAT32 = Compute(torch.device("cpu"), torch.float32)
PGD = {"name": "pgd-20", "attack": "pgd", "steps": 20}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def related(count: int, seed: int = 0) -> list[Tensor]:
    """Three representations [count, ...] that have something in common, and one that has not."""
    first = normal(count, 3, 4, 4, seed=seed)
    second = torch.relu(first[:, :2]) + 0.5 * normal(count, 2, 4, 4, seed=seed + 1) + 3
    return [first, second, first.flatten(1)[:, :7] ** 2, normal(count, 10, seed=seed + 2)]


def biased_in_feature_space(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019, section 3: norms of covariances, without any Gram matrix."""
    x, y = (each.reshape(len(each), -1) - each.reshape(len(each), -1).mean(0) for each in (x, y))
    square = [np.linalg.norm(a.T @ b) ** 2 for a, b in ((x, y), (x, x), (y, y))]
    return square[0] / np.sqrt(square[1] * square[2])


def hsic_of_song(x: np.ndarray, y: np.ndarray) -> float:
    """Song et al. 2012, equation 5, term by term, from features that are not centred."""
    n = len(x)
    k, m = (each.reshape(n, -1) @ each.reshape(n, -1).T for each in (x, y))
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    product = np.trace(k @ m)
    sums = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    mixed = 2 / (n - 2) * (one @ k @ m @ one)
    return (product + sums - mixed) / (n * (n - 3))


def unbiased_in_numpy(x: np.ndarray, y: np.ndarray) -> float:
    return hsic_of_song(x, y) / np.sqrt(hsic_of_song(x, x) * hsic_of_song(y, y))


def both(outputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Unbiased and biased CKA [L, L] of one batch."""
    grams = torch.stack([gram(each) for each in outputs])
    return cka(hsic_unbiased(grams)), cka(hsic_biased(grams))


# Estimators


@pytest.mark.parametrize("count", [4, 5, 37])
def test_both_estimators_equal_an_independent_implementation(count):
    outputs = related(count)
    unbiased, biased = both(outputs)
    for i, x in enumerate(outputs):
        for j, y in enumerate(outputs):
            x_array, y_array = x.numpy(), y.numpy()
            assert biased[i, j] == pytest.approx(biased_in_feature_space(x_array, y_array))
            assert unbiased[i, j] == pytest.approx(unbiased_in_numpy(x_array, y_array), abs=1e-9)


def test_float32_outputs_with_a_large_common_part_give_six_digits():
    outputs = [each + 20 for each in related(60)]
    for got, expected in zip(both([each.float() for each in outputs]), both(outputs), strict=True):
        assert got.dtype == torch.float64
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=0)


def test_cka_ignores_rotation_scale_and_offset_but_not_a_linear_map():
    first, second = related(30)[:2]
    rotation = torch.linalg.qr(normal(48, 48, seed=5))[0]
    turned = -0.3 * first.flatten(1) @ rotation + 7
    stretched = first.flatten(1) @ torch.diag(torch.arange(1, 49).double())
    for matrix in both([first, turned, second, stretched]):
        assert matrix[0, 1] == pytest.approx(1)
        assert matrix[2, 0] == pytest.approx(matrix[2, 1])
        assert matrix[0, 3] < 0.95
        torch.testing.assert_close(matrix, matrix.T)
        torch.testing.assert_close(matrix.diagonal(), torch.ones(4, dtype=torch.float64))


def test_unbiased_hsic_averages_to_zero_for_independent_features_and_biased_does_not():
    pairs = [(normal(6, 40, seed=2 * i), normal(6, 30, seed=2 * i + 1)) for i in range(400)]
    grams = [torch.stack([gram(x), gram(y)]) for x, y in pairs]
    unbiased = torch.stack([hsic_unbiased(each)[0, 1] for each in grams])
    error = unbiased.std() / len(unbiased) ** 0.5
    assert unbiased.mean().abs() < 4 * error
    biased = torch.stack([hsic_biased(each)[0, 1] for each in grams])
    assert biased.mean() > 20 * error


def test_averages_over_small_batches_are_those_of_the_whole_set_only_if_unbiased():
    outputs = related(2000)
    whole = both(outputs)
    batches = [torch.stack([gram(x[i : i + 8]) for x in outputs]) for i in range(0, 2000, 8)]
    unbiased, biased = (
        cka(torch.stack([hsic(each) for each in batches]).mean(0))
        for hsic in (hsic_unbiased, hsic_biased)
    )
    torch.testing.assert_close(unbiased, whole[0], atol=0.05, rtol=0)
    assert (biased - whole[1]).abs().max() > 0.3


def test_centrings_leave_no_sum_in_any_row():
    grams = torch.stack([gram(each) + 5 for each in related(9)])
    for result in (centred(grams), u_centred(grams)):
        assert result.sum(-1).abs().max() < 1e-9 and result.sum(-2).abs().max() < 1e-9
    assert not u_centred(grams).diagonal(dim1=-2, dim2=-1).any()


def test_a_layer_that_is_the_same_for_all_images_has_no_cka():
    unbiased, biased = both([normal(8, 5), torch.ones(8, 3)])
    for matrix in (unbiased, biased):
        assert matrix[0, 0] == pytest.approx(1)
        assert matrix[1].isnan().all() and matrix[:, 1].isnan().all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_than_four_images_are_refused(count):
    with pytest.raises(UserError, match=f"at least 4 images in a batch, not {count}"):
        hsic_unbiased(torch.zeros(2, count, count))


@pytest.mark.parametrize(
    ("layers", "expected"), [(1, 1), (2, 12), (3, 13), (6, (15 + 16 + 25 + 26) / 4)]
)
def test_shallow_deep_is_the_corner_block(layers, expected):
    number = torch.arange(1, layers + 1).double()
    matrix = 10 * number[:, None] + number if layers > 1 else torch.ones(1, 1).double()
    assert shallow_deep(matrix) == pytest.approx(expected)


def test_shallow_deep_leaves_dead_layers_out():
    matrix = torch.arange(36.0).view(6, 6)
    matrix[1], matrix[:, 4] = torch.nan, torch.nan
    assert shallow_deep(matrix) == 5


# Layers


class Branching(nn.Module):
    """Registers its layers in another order than that in which they run."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.shortcut = nn.Conv2d(3, 4, 1)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.norm(self.conv(x)) + self.shortcut(x)).mean((2, 3)))


def images(count: int, channels: int = 3, side: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator).byte()


def subject(model: nn.Module, count: int) -> Subject:
    shown = images(count)
    noise = 0.1 * torch.randn(shown.shape, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros(count, dtype=torch.int64)
    model = model.eval()
    return Subject(None, shown, labels, ("a", "b"), 0, FLOAT32, noise, trained=model)


def test_layers_come_in_the_order_in_which_they_run():
    model = Branching().eval()
    shown = images(5) / 255
    grams = layer_grams(model, shown)
    assert list(grams) == ["conv", "shortcut", "head"]
    with torch.no_grad():
        torch.testing.assert_close(grams["conv"], gram(model.conv(shown)))
        torch.testing.assert_close(grams["head"], gram(model(shown)))
    assert list(layer_grams(model, shown, ["head", "conv"])) == ["conv", "head"]
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("wrong", ["Conv", "norm", "3.conv1"])
def test_an_unknown_layer_is_refused_with_the_list(wrong):
    with pytest.raises(UserError, match=f"unknown layer '{wrong}'.*conv, head, shortcut, unused"):
        layer_grams(Branching(), images(4) / 255, ["conv", wrong])


def test_no_output_of_a_layer_is_kept():
    model = Branching().eval()
    alive, most = [], 0

    def watch(module, inputs, outputs):
        nonlocal most
        most = max(most, sum(each() is not None for each in alive))
        alive.append(weakref.ref(outputs))

    stack = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(12)]).eval()
    for module in stack:
        module.register_forward_hook(watch)
    for _ in range(3):
        grams = layer_grams(stack, images(6) / 255)
    assert len(alive) == 36 and most <= 2
    assert {tuple(each.shape) for each in grams.values()} == {(6, 6)}
    assert layer_grams(model, images(6) / 255)["conv"].grad_fn is None


# Probe


def test_probe_equals_numpy_on_all_outputs_at_once():
    model = models.build("resnet8_w8", 3, 2, 8, seed=0)
    given = subject(model, 23)
    found = PROBES["layer_similarity"](given, attack=PGD, images=22, batch=5)
    names = found.metadata["layers"]
    assert names[0] == "0" and names[-1].isdigit() and len(names) == 8
    outputs = {name: [] for name in names}
    for name, module in model.named_modules():
        if name in outputs:
            module.register_forward_hook(lambda _, __, out, name=name: outputs[name].append(out))
    with torch.no_grad():
        model((given.images[:20] / 255 + given.perturbation[:20]).clamp(0, 1))
    features = [outputs[name][0].double().numpy() for name in names]

    def mean_hsic(x, y):
        return np.mean([hsic_of_song(x[i : i + 5], y[i : i + 5]) for i in range(0, 20, 5)])

    own = [mean_hsic(x, x) for x in features]
    for i, x in enumerate(features):
        for j, y in enumerate(features):
            expected = mean_hsic(x, y) / np.sqrt(own[i] * own[j])
            assert found.arrays["cka"][i, j] == pytest.approx(expected, abs=1e-5)
    corner = found.arrays["cka"][:2, -2:].mean()
    by_batch = found.arrays["shallow_deep_by_batch"]
    first = [[unbiased_in_numpy(x[:5], y[:5]) for y in features[-2:]] for x in features[:2]]
    assert by_batch.shape == (4,) and by_batch[0] == pytest.approx(np.mean(first), abs=1e-5)
    assert [row[:2] for row in found.rows] == [
        (f"attack=pgd-20;steps=20;estimator={name};batch=5", "shallow_deep_cka")
        for name in ("unbiased", "biased")
    ]
    assert found.rows[0][2] == pytest.approx(corner, abs=1e-6)
    assert {row[3] for row in found.rows} == {20}


def test_one_batch_of_all_images_gives_the_biased_value_of_one_gram_matrix():
    model = Branching()
    given = subject(model, 12)
    found = PROBES["layer_similarity"](given, attack=PGD, images=1000, batch=1000)
    with torch.no_grad():
        shown = (given.images / 255 + given.perturbation).clamp(0, 1)
        conv, logits = model.conv(shown).numpy(), model(shown).numpy()
    assert found.metadata == {
        "layers": ["conv", "shortcut", "head"],
        "attack": "pgd-20",
        "batch": 12,
    }
    expected = biased_in_feature_space(conv, logits)
    assert found.arrays["cka_biased"][0, 2] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("count", "batch"), [(3, 100), (50, 2)])
def test_probe_refuses_batches_of_fewer_than_four_images(count, batch):
    with pytest.raises(UserError, match="at least 4 images"):
        PROBES["layer_similarity"](subject(Branching(), count), attack=PGD, images=50, batch=batch)


@pytest.mark.parametrize("count", [16, 80])
def test_grams_of_a_batch_are_gone_when_the_next_but_one_runs(monkeypatch, count):
    seen, most = [], 0

    def counted(outputs: Tensor) -> Tensor:
        nonlocal most
        found = gram(outputs)
        seen.append(weakref.ref(found))
        most = max(most, sum(each() is not None for each in seen))
        return found

    monkeypatch.setattr("passband.probes.cka.gram", counted)
    PROBES["layer_similarity"](subject(Branching(), count), attack=PGD, images=count, batch=8)
    assert len(seen) == 3 * count // 8
    assert most <= 2 * 3
