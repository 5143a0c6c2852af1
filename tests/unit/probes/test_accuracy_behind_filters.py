"""Accuracy behind filters: of images, of perturbations and of attacked images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_networks import (
    FLOAT32,
    Counting,
    attack_row,
    filter_row,
    noisy,
    normal,
    subject,
    trained_subject,
    two_classes,
)

from passband.attacks import describe
from passband.evaluation import added, frozen, perturbations, predictions
from passband.probes import PROBES
from passband.spectra.filters.square import square

pytestmark = pytest.mark.usefixtures("strict")


STRONG = {"epsilon": "16/255", "step_size": "8/255"}
FILTERS = [filter_row("low", "1"), filter_row("low", "1/2")]


def test_filtered_accuracy_shows_the_network_filtered_images():
    images, shares = noisy(20), ["1/8", "1/2", "1"]
    seen = []

    def network(x):
        seen.append(x.clone())
        return two_classes(x.std((1, 2, 3)) - 0.2)

    found = PROBES["filtered_accuracy"](
        subject(Counting(network), images), filters=[filter_row("low", share) for share in shares]
    )
    assert found.arrays["bandwidths"].tolist() == [2, 8, 16]
    for shown, bandwidth in zip(seen, (2, 8, 16), strict=True):
        torch.testing.assert_close(
            shown, square(images / 255, keep="low", bandwidth=bandwidth), atol=1e-6, rtol=0
        )
    assert found.arrays["correct"].mean(1).tolist() == [1, 1, 0]
    conditions = [row[0] for row in found.rows]
    assert conditions == [
        f"filter=low-{share};shape=square;keep=low;bandwidth={k}"
        for share, k in zip(shares, (2, 8, 16), strict=True)
    ]
    assert [row[2] for row in found.rows] == [100, 100, 0]


def test_bands_end_at_the_clean_and_at_the_attacked_accuracy(lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(40)
    labels = predictions(model, images, FLOAT32)
    attack = attack_row("big", epsilon="32/255", step_size="16/255")
    noise = perturbations(model, images, labels, attack, 0, FLOAT32)
    given = subject(model, images, labels, noise)
    shares = [0, "1/2", "1"]
    bands = {keep: [filter_row(keep, share) for share in shares] for keep in ("low", "high")}
    found = PROBES["perturbation_bands"](given, attack=attack, **bands)
    clean, broken = (
        (predictions(model, images, FLOAT32, change) == labels).numpy()
        for change in (lambda images, _: images, added(noise))
    )
    for keep in ("low", "high"):
        correct = found.arrays[f"correct_{keep}"]
        assert correct.shape == (3, 40) and correct.dtype == np.uint8
        assert np.array_equal(correct[0], clean)
        assert (correct[-1] == broken).mean() >= 0.975
        shown = (images / 255 + square(noise, keep=keep, bandwidth=8)).clamp(0, 1)
        assert np.array_equal(correct[1], (model(shown).argmax(1) == labels).numpy())
        assert found.arrays[f"bandwidths_{keep}"].tolist() == [0, 8, 16]
    assert set(found.arrays) == {
        f"{name}_{keep}" for name in ("correct", "bandwidths") for keep in ("low", "high")
    }
    assert [row[0] for row in found.rows] == [
        "attack=big;epsilon=0.12549;step_size=0.0627451;steps=2;start=uniform;loss=cross_entropy;"
        f"restarts=1;perturbation_filter={keep}-{share};shape=square;keep={keep};bandwidth={size}"
        for keep in ("low", "high")
        for share, size in zip(shares, (0, 8, 16), strict=True)
    ]
    correct = [*found.arrays["correct_low"], *found.arrays["correct_high"]]
    assert [row[2] for row in found.rows] == pytest.approx([100 * each.mean() for each in correct])


def test_filtered_attacks_attack_every_image_and_then_filter(lived_in):
    trained = lived_in("resnet8_w8", side=16)
    images, labels = noisy(30), torch.arange(30) % 10
    attacks = [
        attack_row("one", **STRONG, start="clean"),
        attack_row("two", **STRONG, loss="margin"),
    ]
    given = trained_subject(trained, images, labels)
    found = PROBES["accuracy_under_filtered_attacks"](
        given, attacks=attacks, filters=FILTERS, images=25
    )
    correct = found.arrays["correct"]
    assert correct.shape == (3, 2, 25) and correct.dtype == np.uint8
    assert found.arrays["bandwidths"].tolist() == [16, 8]
    shown = images[:25] / 255
    for number, attack in enumerate([None, *attacks]):
        noise = torch.zeros_like(shown)
        if attack:
            noise = perturbations(given.model, images[:25], labels[:25], attack, 0, FLOAT32)
        attacked = (shown + noise).clamp(0, 1)
        for place, seen in enumerate((attacked, square(attacked, keep="low", bandwidth=8))):
            expected = given.model(seen).argmax(1) == labels[:25]
            np.testing.assert_array_equal(correct[number, place], expected)
    assert [row[0] for row in found.rows] == [
        f"{condition};filter=low-{share};shape=square;keep=low;bandwidth={size}"
        for condition in ("attack=none", *map(describe, attacks))
        for share, size in (("1", 16), ("1/2", 8))
    ]
    assert [row[2] for row in found.rows] == pytest.approx(
        (100 * correct.mean(2)).flatten().tolist()
    )
    assert found.metadata["attacks"] == ["one", "two"]


def test_misclassified_images_are_attacked_too_and_no_filter_is_no_change(lived_in):
    trained = lived_in("resnet8_w8", side=16)
    images = noisy(40)
    given = trained_subject(trained, images)
    attack = attack_row("one", epsilon="64/255", step_size="64/255", start="clean")
    labels = predictions(given.model, images, FLOAT32, added(0.3 * normal(*images.shape)))
    given = replace(given, labels=labels)
    found = PROBES["accuracy_under_filtered_attacks"](given, attacks=[attack], filters=FILTERS[:1])
    clean, attacked = found.arrays["correct"][:, 0]
    plain = predictions(given.model, images, FLOAT32) == labels
    np.testing.assert_array_equal(clean, plain)
    noise = perturbations(given.model, images, labels, attack, 0, FLOAT32)
    shown = predictions(given.model, images, FLOAT32, added(noise)) == labels
    np.testing.assert_array_equal(attacked, shown)
    assert not noise[~plain].flatten(1).abs().amax(1).eq(0).any()
