"""Predictions and perturbations of a whole image set."""

import pytest
import torch
from known_networks import (
    FLOAT32,
    attack_row,
    noisy,
)

from passband import evaluation
from passband.evaluation import added, batches, frozen, perturbations, predictions

pytestmark = pytest.mark.usefixtures("strict")


@pytest.mark.parametrize("count", [1, 249, 250, 251, 1000])
def test_batches_cover_every_image_once(count):
    found = torch.cat([torch.arange(count)[part] for part in batches(count, FLOAT32)])
    assert torch.equal(found, torch.arange(count))


def test_predictions_are_those_of_the_unfolded_network_one_by_one(lived_in):
    model = lived_in("resnet8_w8")
    images = noisy(7, side=32)
    expected = torch.cat([model(image[None].float() / 255).argmax(1) for image in images])
    assert torch.equal(predictions(frozen(model), images, FLOAT32), expected)


def test_starts_of_an_attack_do_not_depend_on_the_batch_size(monkeypatch, lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images, labels = noisy(30), torch.arange(30) % 10
    attack = attack_row("start", step_size=0)
    whole = perturbations(model, images, labels, attack, 3, FLOAT32)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    assert torch.equal(perturbations(model, images, labels, attack, 3, FLOAT32), whole)
    assert not torch.equal(perturbations(model, images, labels, attack, 4, FLOAT32), whole)


def test_perturbations_stay_in_the_ball_and_change_predictions(lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(60)
    labels = predictions(model, images, FLOAT32)
    attack = attack_row("strong", steps=10, epsilon="64/255", step_size="16/255")
    noise = perturbations(model, images, labels, attack, 0, FLOAT32)
    assert noise.shape == images.shape and noise.dtype == torch.float32
    assert noise.abs().max() <= 64 / 255 + 1e-6
    shown = images / 255 + noise
    assert shown.min() >= -1e-6 and shown.max() <= 1 + 1e-6
    assert (predictions(model, images, FLOAT32, added(noise)) != labels).any()
