"""Searches for the smallest epsilon: against foolbox 2.4.0 on 50 images of a trained network."""

import collections
import collections.abc
import importlib
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from passband.attacks import craft
from passband.data.preparation import prepare
from passband.data.storage import load
from passband.draws import Draws
from passband.plan import read_yaml
from passband.plan.rows import resolve_row

pytestmark = pytest.mark.usefixtures("strict")

IMAGES = 50


@pytest.fixture(scope="module")
def foolbox():
    """The reference, whose searches later versions lack; it was written for Python before 3.10."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name in ("Iterable", "Mapping"):
            patch.setattr(collections, name, getattr(collections.abc, name), raising=False)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield importlib.import_module("foolbox")


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """(network in double precision, 50 test images [50, 1, 8, 8], their labels).

    Fashion-MNIST at a quarter of the size, three epochs on 2,000 images.
    """
    folder = tmp_path_factory.mktemp("data")
    prepare("fashion-mnist-sample", folder)
    (images, labels), (test, true) = (
        (F.avg_pool2d(part.images[:2000].double() / 255, 4), part.labels[:2000])
        for part in (load(folder, "train"), load(folder, "test"))
    )
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(128, 10)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(120):
        chosen = torch.arange(50 * step, 50 * (step + 1)) % len(images)
        optimizer.zero_grad()
        F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    return model.eval().requires_grad_(False), test[:IMAGES], true[:IMAGES]


@pytest.mark.parametrize(
    ("row", "reference"),
    [("min-fgsm", "GradientSignAttack"), ("min-pgd", "ProjectedGradientDescentAttack")],
)
def test_the_smallest_epsilon_is_that_of_foolbox(root, foolbox, subject, row, reference):
    """With foolbox's defaults, which those of config/attacks.yaml are."""
    model, images, labels = subject
    attack = resolve_row("attack", row, read_yaml(root / "config/attacks.yaml")[row], {})
    found = craft(attack, model, images, labels, Draws(0, torch.arange(IMAGES)))
    ours = (found - images).abs().amax((1, 2, 3)).numpy()

    theirs = getattr(foolbox.attacks, reference)(
        foolbox.models.PyTorchModel(model, bounds=(0, 1), num_classes=10, device="cpu"),
        distance=foolbox.distances.Linfinity,
    )(images.numpy(), labels.numpy(), unpack=False)
    np.testing.assert_allclose(ours, [each.distance.value for each in theirs], atol=1e-9)
    assert (ours == 0).sum() < IMAGES / 2, "most images are right without an attack"
    assert (ours < 0.02).sum() > (ours == 0).sum(), "the line search is refined for some"
    assert len(np.unique(ours.round(6))) > IMAGES / 4
