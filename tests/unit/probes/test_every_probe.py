"""What holds for every probe."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from known_networks import (
    FLOAT32,
    RECIPE,
    attack_row,
    disc_row,
    filter_row,
    noisy,
    subject,
)

from passband import models
from passband.evaluation import frozen, perturbations
from passband.probes import PROBES

pytestmark = pytest.mark.usefixtures("strict")


def test_every_probe_is_registered():
    assert PROBES.names() == [
        "accuracy",
        "accuracy_under_attacks",
        "accuracy_under_filtered_attacks",
        "common_corruptions",
        "component_predictions",
        "detection",
        "example_images",
        "filtered_accuracy",
        "fourier_heatmap",
        "input_spectra",
        "jacobian_spectrum",
        "kernels",
        "layer_similarity",
        "minimal_epsilon",
        "perturbation_bands",
        "perturbation_spectrum",
        "training_cost",
        "worst_case_accuracy",
    ]


def test_every_probe_runs_on_a_real_network_and_every_array_is_storable(lived_in):
    trained = lived_in("resnet8_w8", channels=1, classes=2)
    model = frozen(trained)
    images = noisy(8, channels=1, side=32)
    labels = torch.arange(8) % 2
    noise = perturbations(model, images, labels, attack_row("pgd"), 0, FLOAT32)
    recipe = RECIPE | {"parts": {}}
    given = replace(subject(model, images, labels, noise), trained=trained, recipe=recipe)
    attacks = [attack_row("pgd"), attack_row("other", loss="margin")]
    low, high = ([filter_row(keep, size) for size in ("1/2", "1")] for keep in ("low", "high"))
    search = {"name": "line", "attack": "fgsm_search", "largest": 1, "sizes": 20, "finer": 5}
    options = SimpleNamespace(
        accuracy={"as_trained": True},
        accuracy_under_attacks={"attacks": attacks},
        accuracy_under_filtered_attacks={"attacks": attacks, "filters": low},
        common_corruptions={"corruptions": ["fog", "frost"], "severities": [1, 5], "images": 6},
        component_predictions={"low": [disc_row("low")], "high": [disc_row("high")], "examples": 4},
        example_images={"attack": attacks[0], "filter": low[0], "examples": 4, "images": 8},
        filtered_accuracy={"filters": high},
        fourier_heatmap={"norm_per_pixel": 0.125, "images": 2},
        input_spectra={"attack": attacks[0], "images": 8},
        jacobian_spectrum={"examples": 2, "images": 8},
        kernels={"layer": 1, "all_layers": True},
        layer_similarity={"attack": attacks[0], "images": 8, "batch": 4},
        minimal_epsilon={"attacks": [search, *attacks], "epsilons": [0.03, 0.5], "images": 6},
        perturbation_bands={"attack": attacks[0], "low": low, "high": high},
        perturbation_spectrum={"attack": attacks[0], "images": 8},
        training_cost={"blocks": 1, "steps": 1},
        worst_case_accuracy={"attacks": attacks, "images": 6},
    )
    of_classifiers = [name for name in PROBES.names() if "task" not in PROBES.settings(name)]
    assert set(PROBES.names()) - set(of_classifiers) == {"detection"}  # see test_detection.py
    for name in of_classifiers:
        found = PROBES[name](given, **getattr(options, name))
        assert found.arrays and found.rows
        for key, array in found.arrays.items():
            assert array.dtype in (np.uint8, np.int64, np.float32), name
            # infinite where no perturbation fools
            assert np.isfinite(array).all() or key == "minimal_epsilon_line", name
        assert all(np.isfinite(row[2]) for row in found.rows), name


def test_models_are_not_changed_by_measuring(lived_in):
    model = models.build("resnet8_w8", 1, 2, 16, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured = frozen(model)
    given = subject(measured, noisy(4, channels=1))
    PROBES["filtered_accuracy"](given, filters=[filter_row("low", "1")])
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
