"""Accuracy on corrupted images, of networks whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_networks import noisy, subject, two_classes

from passband.data.corrupted import GENERATED, PROCEDURAL, generated, store
from passband.data.corruptions import CORRUPTIONS, corrupted
from passband.data.storage import load_corrupted
from passband.probes import PROBES

probe = PROBES["common_corruptions"]
CHOSEN = {"corruptions": ["contrast", "fog"], "severities": [2, 5]}

pytestmark = pytest.mark.usefixtures("strict")


def brighter_than_half(images):
    return two_classes(images.mean((1, 2, 3)) - 0.5)


def test_accuracy_is_that_on_each_corruption_and_severity():
    images = noisy(30)
    labels = torch.arange(30) % 2
    found = probe(subject(brighter_than_half, images, labels), **CHOSEN)
    assert found.arrays["correct"].shape == (2, 2, 30)
    assert found.metadata["corruptions"] == ["contrast", "fog"]
    for row, name in enumerate(CHOSEN["corruptions"]):
        for column, severity in enumerate(CHOSEN["severities"]):
            changed = corrupted(images.numpy(), name, severity) / 255
            expected = (changed.mean((1, 2, 3)) > 0.5) == labels.numpy()
            np.testing.assert_array_equal(found.arrays["correct"][row, column], expected)
    clean = (images.numpy() / 255).mean((1, 2, 3)) > 0.5
    np.testing.assert_array_equal(found.arrays["correct_clean"], clean == labels.numpy())
    conditions = [row[0] for row in found.rows if row[1] == "accuracy"]
    assert conditions[0] == "corruption=none"
    assert conditions[2] == "corruption=contrast;severity=5;images=generated"


def test_the_bias_of_a_change_is_that_of_its_mean_spectrum():
    images = noisy(7, side=16)
    found = probe(subject(brighter_than_half, images), **CHOSEN)
    for row, name in enumerate(CHOSEN["corruptions"]):
        for column, severity in enumerate(CHOSEN["severities"]):
            change = (
                corrupted(images.numpy(), name, severity) - images.numpy().astype(float)
            ) / 255
            spectrum = np.abs(np.fft.fft2(change))[..., :9, :9].mean((0, 1)) + 1e-5
            alpha = np.linspace(1, -1, 9) + 1e-5
            rows = np.prod(spectrum**alpha, axis=1).sum()
            columns = np.prod(spectrum ** alpha[:, None], axis=0).sum()
            expected = np.log(rows + columns)
            assert found.arrays["change_bias"][row, column] == pytest.approx(expected, rel=1e-5)


def test_all_types_and_severities_are_measured_by_default():
    found = probe(subject(brighter_than_half, noisy(2, channels=1)))
    assert found.metadata["corruptions"] == CORRUPTIONS.names()
    assert found.arrays["correct"].shape == (19, 5, 2)
    assert found.arrays["severities"].tolist() == [1, 2, 3, 4, 5]


def test_the_first_images_only():
    given = subject(brighter_than_half, noisy(9))
    few, all_of_them = (probe(given, images=count, **CHOSEN).arrays for count in (4, None))
    np.testing.assert_array_equal(few["correct"], all_of_them["correct"][..., :4])


def test_stored_images_take_the_place_of_generated_ones(tmp_path):
    images = noisy(5)
    made = generated(images.numpy(), [])
    arrays = {
        name: np.stack([made.of(name, severity) for severity in (2, 5)])
        for name in CHOSEN["corruptions"]
    }
    store(tmp_path / "file", arrays, [2, 5], {"contrast": GENERATED, "fog": "an archive"})
    given = subject(brighter_than_half, images)
    stored = replace(given, corrupted=load_corrupted(tmp_path / "file"))
    fresh, read = (probe(one, **CHOSEN) for one in (given, stored))
    for name, array in fresh.arrays.items():
        np.testing.assert_array_equal(array, read.arrays[name])
    assert read.metadata["sources"] == {"contrast": "generated", "fog": "an archive"}
    assert any("images=an archive" in row[0] for row in read.rows)


def test_the_measurement_says_where_frost_comes_from():
    found = probe(subject(brighter_than_half, noisy(2)), corruptions=["frost"], severities=[1])
    assert found.metadata["sources"] == {"frost": PROCEDURAL}
    pictures = [np.zeros((3, 40, 40), np.uint8)]
    assert generated(noisy(1).numpy(), pictures).source("frost") == GENERATED
