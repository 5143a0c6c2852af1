"""The smallest epsilon that fools: a network with a known boundary, and what is read from it."""

import numpy as np
import pytest
import torch
from known_networks import FLOAT32, attack_row, normal, subject, two_classes
from torch import nn

from passband import evaluation
from passband.attacks import describe
from passband.evaluation import added, perturbations, predictions
from passband.plan.rows import resolve_row
from passband.probes import PROBES, Subject

pytestmark = pytest.mark.usefixtures("strict")

FGSM = {"name": "min-fgsm", "attack": "fgsm_search", "largest": 1, "sizes": 1000, "finer": 20}
PGD = {
    "name": "min-pgd", "attack": "pgd_search", "first": 0.3, "growth": 1.5, "tries": 12,
    "steps": 40, "step_share": "1/30",
}  # fmt: skip
SEARCHES = [
    resolve_row("attack", row["name"], {key: row[key] for key in row if key != "name"}, {})
    for row in (FGSM, PGD)
]
EPSILONS = [0.03, 0.06, 0.09]
FIXED = [
    attack_row(
        f"{name}-{epsilon}", epsilon=epsilon, step_size=epsilon / share, steps=steps, start="clean"
    )
    for name, share, steps in (("fgsm", 1, 1), ("pgd", 30, 40))
    for epsilon in EPSILONS
]


class Brighter(nn.Module):
    """Class 1 where the mean pixel is above a half."""

    def forward(self, x):
        return two_classes(40 * (x.mean((1, 2, 3)) - 0.5001))


@pytest.fixture(scope="module")
def grey_levels() -> Subject:
    """Images that are 25, 10, 5, 1 and -10 grey levels below the boundary, nearly."""
    levels = torch.tensor([102, 117, 122, 127, 138], dtype=torch.uint8)
    return subject(Brighter(), levels[:, None, None, None].expand(-1, 1, 8, 8).contiguous())


@pytest.fixture(scope="module")
def network() -> Subject:
    """A small network and images, three in four of which it gets right."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Tanh(), nn.Conv2d(6, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(96, 5)
    ).requires_grad_(False)
    images = (normal(60, 1, 8, 8).sigmoid() * 255).byte()
    model[-1].bias -= model(images / 255).mean(0)
    labels = predictions(model, images, FLOAT32)
    labels[::4] = (labels[::4] + 1) % 5
    return subject(model, images, labels, classes=tuple("abcde"))


def measured(given: Subject, attacks=SEARCHES, epsilons=EPSILONS, **options):
    return PROBES["minimal_epsilon"](given, attacks=attacks, epsilons=epsilons, **options)


def test_the_norm_is_the_distance_to_the_boundary_and_zero_without_need(grey_levels):
    found = measured(grey_levels)
    assert found.arrays["correct_clean"].tolist() == [1, 1, 1, 1, 0]
    distances = 0.5001 - np.array([102, 117, 122, 127]) / 255
    fgsm, pgd = (found.arrays[f"minimal_epsilon_{name}"] for name in ("min-fgsm", "min-pgd"))
    assert fgsm[4] == pgd[4] == 0
    assert (fgsm[:4] >= distances - 1e-6).all() and (fgsm[:4] <= distances + 1.001e-3).all()
    assert (pgd[:4] >= distances - 1e-6).all() and (pgd[:4] <= distances + 0.3 / 2**12).all()
    rows = {(row[0].partition(";")[0], row[0].rpartition(";")[2]): row for row in found.rows}
    # 0.1001, 0.0413, 0.0217 and 0.0021 away, and one that is wrong
    expected = {"epsilon=0.03": 40, "epsilon=0.06": 20, "epsilon=0.09": 20}
    for search in ("min-fgsm", "min-pgd"):
        for epsilon, percent in expected.items():
            assert rows[f"attack={search}", epsilon][1:] == ("accuracy", percent, 5, "percent")
    assert found.rows[0] == ("attack=none", "accuracy", 80, 5, "percent")


def test_a_condition_has_the_constants_of_the_search_and_the_epsilon(grey_levels):
    found = measured(grey_levels, SEARCHES[:1], [0.03])
    assert found.rows[1][0] == ("attack=min-fgsm;largest=1;sizes=1000;finer=20;epsilon=0.03")
    assert found.metadata == {"attacks": []} and found.arrays["correct"].shape == (0, 5)


def test_an_image_at_epsilon_is_fooled_by_it(grey_levels):
    """The line search finds 0.042 exactly; float32 may put the norm a little above."""
    found = measured(grey_levels, SEARCHES[:1], [0.041, 0.042])
    assert [row[2] for row in found.rows[1:]] == [40, 20]
    assert found.arrays["minimal_epsilon_min-fgsm"][1] == pytest.approx(0.042, abs=1e-6)


def test_what_is_never_fooled_is_infinite():
    class Constant(nn.Module):
        def forward(self, x):
            return two_classes(0 * x.sum((1, 2, 3)) - 1)

    given = subject(Constant(), torch.full((3, 1, 4, 4), 9, dtype=torch.uint8))
    few = [SEARCHES[0] | {"sizes": 5}, SEARCHES[1] | {"tries": 2, "steps": 2}]
    found = measured(given, few, [0.5, 1.0])
    for search in ("min-fgsm", "min-pgd"):
        assert np.isinf(found.arrays[f"minimal_epsilon_{search}"]).all()
    assert {row[2] for row in found.rows} == {100}


def test_images_that_are_all_wrong_are_not_attacked(grey_levels):
    labels = torch.tensor([1, 1, 1, 1, 0])
    found = measured(subject(grey_levels.model, grey_levels.images, labels))
    assert not found.arrays["minimal_epsilon_min-pgd"].any()
    assert {row[2] for row in found.rows} == {0}


def test_attacks_of_a_fixed_epsilon_give_what_they_give_alone(network):
    found = measured(network, [*SEARCHES[:1], *FIXED])
    assert found.metadata == {"attacks": [attack["name"] for attack in FIXED]}
    clean = predictions(network.model, network.images, FLOAT32) == network.labels
    for attack, row in zip(FIXED, found.arrays["correct"], strict=True):
        noise = perturbations(network.model, network.images, network.labels, attack, 0, FLOAT32)
        alone = predictions(network.model, network.images, FLOAT32, added(noise))
        assert row.tolist() == ((alone == network.labels) & clean).tolist()
        assert (describe(attack), "accuracy", 100 * row.mean(), 60, "percent") in found.rows


def test_the_search_agrees_with_the_same_attack_at_each_epsilon(network):
    found = measured(network, [*SEARCHES, *FIXED]).arrays
    for place, (search, epsilon) in enumerate(
        (search, epsilon) for search in ("min-fgsm", "min-pgd") for epsilon in EPSILONS
    ):
        read, fixed = found[f"minimal_epsilon_{search}"] > epsilon + 1e-6, found["correct"][place]
        assert 0 < fixed.sum() < 45, "the attack must matter for this test to tell"
        assert not (read & (fixed == 0)).any(), "what the attack fools, the search finds"
        assert (read != fixed).sum() <= 2, "few have a smaller perturbation only"


def test_accuracy_falls_with_epsilon_by_construction(network):
    rows = measured(network, SEARCHES[:1], [step / 100 for step in range(41)]).rows
    values = [row[2] for row in rows[1:]]
    assert values == sorted(values, reverse=True)
    assert values[0] == rows[0][2] and values[-1] < 20


def test_smallest_perturbations_do_not_depend_on_the_batch_size(network, monkeypatch):
    whole = measured(network)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    parts = measured(network)
    for search in ("min-fgsm", "min-pgd"):
        name = f"minimal_epsilon_{search}"
        np.testing.assert_allclose(parts.arrays[name], whole.arrays[name], atol=1e-4)
    assert parts.rows == whole.rows


def test_the_first_images_are_measured(network):
    whole, first = measured(network, SEARCHES[:1]), measured(network, SEARCHES[:1], images=20)
    for name in ("correct_clean", "minimal_epsilon_min-fgsm"):
        np.testing.assert_allclose(first.arrays[name], whole.arrays[name][:20], atol=1e-4)
    assert {row[3] for row in first.rows} == {20}
