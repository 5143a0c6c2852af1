"""Accuracy under several attacks, and in the worst case."""

import dataclasses

import numpy as np
import pytest
import torch
from known_networks import (
    FLOAT32,
    Counting,
    attack_row,
    noisy,
    subject,
    two_classes,
)
from torch import Tensor

from passband import evaluation
from passband.attacks import describe
from passband.evaluation import added, frozen, perturbations, predictions
from passband.probes import PROBES, Subject

pytestmark = pytest.mark.usefixtures("strict")


@pytest.fixture(scope="module")
def attacked(lived_in) -> Subject:
    """A network and 40 images of which it gets about four in five right."""
    model = lived_in("resnet8_w8", side=16)
    images = noisy(40)
    with torch.no_grad():
        model[-1].bias -= model(images / 255).mean(0)
    model = frozen(model)
    labels = predictions(model, images, FLOAT32)
    labels = torch.where(torch.arange(40) % 5 == 0, (labels + 1) % 10, labels)
    return subject(model, images, labels, classes=tuple("abcdefghij"))


ATTACKS = [
    attack_row("weak", epsilon="1/510", step_size="1/255"),
    attack_row("strong", epsilon="3/510", step_size="1/255", loss="margin"),
]


def test_each_attack_gives_what_it_gives_alone(attacked):
    found = PROBES["accuracy_under_attacks"](attacked, attacks=ATTACKS)
    clean = predictions(attacked.model, attacked.images, FLOAT32) == attacked.labels
    assert found.arrays["correct_clean"].tolist() == clean.tolist()
    assert clean.sum() == 32
    for attack, row in zip(ATTACKS, found.arrays["correct"], strict=True):
        noise = perturbations(
            attacked.model, attacked.images, attacked.labels, attack, attacked.seed, FLOAT32
        )
        found_alone = predictions(attacked.model, attacked.images, FLOAT32, added(noise))
        assert row.tolist() == ((found_alone == attacked.labels) & clean).tolist()
        assert 0 < row.sum() < 32, "the attack must matter for this test to tell"
    assert found.metadata == {"attacks": ["weak", "strong"]}
    correct = found.arrays["correct"]
    assert found.rows == [
        ("attack=none", "accuracy", 80.0, 40, "percent"),
        (describe(ATTACKS[0]), "accuracy", 100 * correct[0].mean(), 40, "percent"),
        (describe(ATTACKS[1]), "accuracy", 100 * correct[1].mean(), 40, "percent"),
        ("", "zero_gradient_share", 0.0, 40, "percent"),
    ]
    assert {array.dtype for array in found.arrays.values()} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
def test_results_do_not_depend_on_the_batch_size(attacked, monkeypatch, probe):
    whole = PROBES[probe](attacked, attacks=ATTACKS)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    parts = PROBES[probe](attacked, attacks=ATTACKS)
    assert parts.rows == whole.rows
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(parts.arrays[name], array)


def recorded(monkeypatch) -> list[tuple[str, list[int], torch.dtype]]:
    """What attacks are asked for from now on: (name, image indices, precision)."""
    asked = []

    def recording(model, images, labels, attack, seed, compute, indices=None):
        asked.append((attack["name"], indices.tolist(), compute.autocast_dtype))
        return perturbations(model, images, labels, attack, seed, compute, indices)

    monkeypatch.setattr("passband.probes.robustness.perturbations", recording)
    return asked


def test_misclassified_images_are_not_attacked(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    found = PROBES["accuracy_under_attacks"](attacked, attacks=ATTACKS)
    right = found.arrays["correct_clean"].nonzero()[0].tolist()
    assert [(name, indices) for name, indices, _ in asked] == [("weak", right), ("strong", right)]


def test_the_worst_case_attacks_only_what_still_stands(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    attacks = [*ATTACKS, attack_row("third", epsilon="8/255", step_size="2/255", steps=20)]
    found = PROBES["worst_case_accuracy"](attacked, attacks=attacks)
    survived, clean = found.arrays["survived"], found.arrays["correct_clean"]
    standing = [clean, *survived[:-1]]
    assert [indices for _, indices, _ in asked] == [row.nonzero()[0].tolist() for row in standing]
    counts = [clean.sum(), *survived.sum(1)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) > 2
    assert all((later <= earlier).all() for earlier, later in zip(standing, survived, strict=True))
    constants = [
        ";".join(f"{attack['name']}.{pair}" for pair in describe(attack).split(";")[1:])
        for attack in attacks
    ]
    conditions = [
        "attack=none",
        f"attack=weak;{constants[0]}",
        f"attack=weak+strong;{constants[0]};{constants[1]}",
        f"attack=weak+strong+third;{constants[0]};{constants[1]};{constants[2]}",
    ]
    assert found.rows == [
        (condition, "accuracy", pytest.approx(2.5 * count), 40, "percent")
        for condition, count in zip(conditions, counts, strict=True)
    ]
    assert "third.epsilon=0.0313725;third.step_size=0.00784314;third.steps=20" in conditions[-1]
    alone = PROBES["accuracy_under_attacks"](attacked, attacks=attacks).arrays["correct"]
    np.testing.assert_array_equal(survived, np.minimum.accumulate(alone))
    assert found.metadata == {"attacks": ["weak", "strong", "third"]}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
@pytest.mark.parametrize("images", [1, 13, 40, 1000])
def test_a_limit_measures_the_first_images(attacked, probe, images):
    whole = PROBES[probe](attacked, attacks=ATTACKS)
    found = PROBES[probe](attacked, attacks=ATTACKS, images=images)
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array[..., :images])
    assert {row[3] for row in found.rows} == {min(images, 40)}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
def test_where_all_images_have_fallen_nothing_is_attacked(attacked, monkeypatch, probe):
    wrong = (predictions(attacked.model, attacked.images, FLOAT32) + 1) % 10
    asked = recorded(monkeypatch)
    fallen = dataclasses.replace(attacked, labels=wrong)
    found = PROBES[probe](fallen, attacks=ATTACKS)
    assert asked == []
    rows = found.arrays.get("correct", found.arrays.get("survived"))
    assert rows.shape == (2, 40) and rows.sum() == found.arrays["correct_clean"].sum() == 0
    assert all(row[2] == 0 for row in found.rows if row[1] == "accuracy")


def test_attacks_end_when_the_last_image_has_fallen(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    half = attack_row("half", epsilon="1/2", step_size="1/10", steps=10)
    found = PROBES["worst_case_accuracy"](attacked, attacks=[half, *ATTACKS])
    assert [name for name, *_ in asked] == ["half"]
    assert found.arrays["survived"].sum() == 0 < found.arrays["correct_clean"].sum()


def test_zero_gradients_of_saturated_images_are_counted():
    images = noisy(30, channels=1, side=8)
    labels = torch.arange(30) % 2
    bright = images.float().mean((1, 2, 3)).argsort().argsort() >= 18  # masked for 12 images
    threshold = (images / 255).mean((1, 2, 3)).sort().values[17:19].mean()

    def network(x: Tensor) -> Tensor:
        """Certain without a slope above the threshold, a slope below."""
        mean = x.mean((1, 2, 3))
        return two_classes(torch.where(mean > threshold, torch.full_like(mean, 200.0), mean))

    attacks = [attack_row("none", epsilon=0)]
    found = PROBES["accuracy_under_attacks"](
        subject(Counting(network), images, labels), attacks=attacks
    )
    assert found.arrays["zero_gradient"].tolist() == bright.tolist()
    assert found.rows[-1] == ("", "zero_gradient_share", pytest.approx(40.0), 30, "percent")


def test_a_confident_network_hides_its_gradients_from_single_precision():
    images, labels = noisy(6, channels=1, side=8), torch.ones(6, dtype=torch.int64)
    attacks = [attack_row("none", epsilon=0)]
    shares = []
    for scale in (1, 1000):
        model = Counting(lambda x, scale=scale: two_classes(scale * x.mean((1, 2, 3))))
        found = PROBES["accuracy_under_attacks"](subject(model, images, labels), attacks=attacks)
        shares.append(found.rows[-1][2])
    assert shares == [0, 100]
