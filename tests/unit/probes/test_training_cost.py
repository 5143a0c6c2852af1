"""What a training step costs: operations that are known, and a clock that is set by the test."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from known_networks import RECIPE, attack_row, noisy, trained_subject

from passband import models
from passband.probes import training_cost

pytestmark = pytest.mark.usefixtures("strict")

PGD = {"adversary": {"attack": attack_row("pgd"), "batchnorm": "train"}}
AVERAGE = {"distance": "l1", "transform": "sample", "natural_branch": "average"}
SARWA = {"spectral_alignment": {"coefficient": 0.1} | AVERAGE, "weight_average": {"cycle": 1}}


def measured(parts: dict, blocks: int = 2):
    model = models.build("preact_resnet8_w8", 3, 2, 16, seed=0)
    before = deepcopy(model.state_dict())
    given = replace(trained_subject(model, noisy(4)), recipe=RECIPE | {"parts": parts})
    found = training_cost.training_cost(given, blocks=blocks, steps=1)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    return found, {metric: value for _, metric, value, *_ in found.rows}


@pytest.mark.parametrize(
    ("parts", "passes"),
    [
        ({}, 3),
        (PGD, 3 + 2 * 2),
        (PGD | SARWA, 3 + 2 * 2 + 1),
        ({"jacobian_bias": {"weight": 0.001}}, 6.1),
    ],
    ids=["natural", "pgd-at", "sarwa", "jafr"],
)
def test_operations_are_those_of_the_passes_that_a_recipe_makes(parts, passes):
    """The first convolution's gradient of the images, which natural training needs not, is small.

    A pass forward and back to the weights is three passes forward.
    """
    found, values = measured(parts)
    assert values["step_operations"] == pytest.approx(passes / 3, rel=0.05)
    assert {name: array.shape for name, array in found.arrays.items()} == dict.fromkeys(
        ("seconds", "natural_seconds", "ratio", "control"), (2,)
    )
    assert all((array > 0).all() for array in found.arrays.values())


def test_ratios_are_those_of_a_block(monkeypatch):
    seconds = iter([2.0, 9.0, 4.0, 1.0, 5.0, 1.0, 3.0, 6.0, 3.0])
    monkeypatch.setattr(training_cost, "_timed", lambda *_: next(seconds))
    found, values = measured({}, blocks=3)
    np.testing.assert_allclose(found.arrays["ratio"], [3, 5, 2])
    np.testing.assert_allclose(found.arrays["control"], [2, 1, 1])
    assert values["step_ratio"] == 3 and values["step_control"] == 1
    assert values["seconds_per_step"] == 6 and values["natural_seconds_per_step"] == 3
    assert found.rows[0] == ("batch_size=6;steps=1", "seconds_per_step", 6, 3, "seconds")
