"""Invented models that several files of tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside this file

from invented_components import components
from invented_corruptions import corrupted_model
from invented_defences import ALL_METHODS, invented_defence
from invented_detections import detector
from invented_images import PAPER_DATASETS, synthetic_models
from invented_jacobians import differentiated
from invented_networks import METHODS, Invented, attacked_models
from invented_searches import searched
from invented_trainings import along_training

SAMPLE = {"title": "Fashion-MNIST sample"}


@pytest.fixture(scope="session")
def substituted(tmp_path_factory):
    """One data set in the place of CIFAR-10, three methods, two seeds."""
    root = tmp_path_factory.mktemp("substituted")
    return synthetic_models(root, {"cifar10": ("Fashion-MNIST sample", 32)}, seeds=(0, 1))


@pytest.fixture(scope="session")
def papers(tmp_path_factory):
    """The paper's three data sets, two image sides, three methods, one seed."""
    sides = {name: (title, 32) for name, title in PAPER_DATASETS.items()}
    sides["tiny-imagenet"] = ("Tiny ImageNet", 64)
    return synthetic_models(tmp_path_factory.mktemp("papers"), sides)


@pytest.fixture(scope="session")
def twelve(tmp_path_factory) -> list[dict]:
    """All methods of a table of defences on a data set in the place of CIFAR-10."""
    root = tmp_path_factory.mktemp("twelve")
    return [
        invented_defence(root, method, robust=50 + place, **SAMPLE)
        for place, method in enumerate(ALL_METHODS)
    ]


@pytest.fixture(scope="session")
def distances(tmp_path_factory) -> list[dict]:
    """Adversarial training and three distances of spectral alignment, two seeds."""
    root = tmp_path_factory.mktemp("distances")
    methods = ("PGD-AT", "SAR", "SAR (L2)", "SAR (cosine)")
    return [
        invented_defence(root, method, seed=seed, robust=53 + place, **SAMPLE)
        for place, method in enumerate(methods)
        for seed in (0, 1)
    ]


@pytest.fixture(scope="session")
def coefficients(tmp_path_factory) -> list[dict]:
    """Adversarial training, and two alignments with four coefficients each."""
    root = tmp_path_factory.mktemp("coefficients")
    models = [invented_defence(root, "PGD-AT", **SAMPLE)]
    for branch, name in (("average", "SARWA"), ("live", "SAR")):
        for value in (0.2, 0.05, 0.1, 0.15):
            alignment = {"coefficient": value, "natural_branch": branch}
            method = f"{name} (λ={value})"
            models.append(invented_defence(root, method, alignment=alignment, **SAMPLE))
    return models


@pytest.fixture(scope="session")
def by_table(tmp_path_factory) -> dict[int, list[dict]]:
    """Models behind filters under six attacks, by number of the printed table."""
    root = tmp_path_factory.mktemp("attacked")
    return {number: attacked_models(root / str(number), number) for number in METHODS}


@pytest.fixture(scope="session")
def inspected(tmp_path_factory) -> list[dict]:
    """A natural and an adversarially trained model with everything that the figures read."""
    root = tmp_path_factory.mktemp("inspected")
    return [
        Invented(root, method)
        .curves().spectra().similarity().kernels().kernels("second-kernels", channels=16).entry()
        for method in ("natural", "PGD-7-AT")
    ]  # fmt: skip


@pytest.fixture(scope="session")
def split(tmp_path_factory) -> list[dict]:
    """A natural model with predictions for low and high components."""
    return [components(tmp_path_factory.mktemp("split"))]


@pytest.fixture(scope="session")
def smoothed(tmp_path_factory) -> list[dict]:
    """A natural model without and with smoothing, and their smallest perturbations."""
    root = tmp_path_factory.mktemp("smoothed")
    return [searched(root, method) for method in ("natural", "natural (ρ=0.10)")]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> list[dict]:
    """Two models with accuracies on components along their trainings, of two seeds."""
    root = tmp_path_factory.mktemp("recorded")
    options = {"natural": {}, "Mix-up": {"test": 85, "training": 77}}
    return [
        along_training(root, method, seed=seed, **options[method])
        for method in options
        for seed in (0, 1)
    ]


@pytest.fixture(scope="session")
def detected(tmp_path_factory) -> list[dict]:
    """A detector of scenes."""
    return [detector(tmp_path_factory.mktemp("detected"))]


@pytest.fixture(scope="session")
def regularised(tmp_path_factory) -> list[dict]:
    """A standard model and two with Jacobians regularised by different weights."""
    root = tmp_path_factory.mktemp("regularised")
    weights = {"natural": 0, "JaFR": 0.001, "JaFR (λ=0.01)": 0.01}
    return [differentiated(root, method, weight) for method, weight in weights.items()]


@pytest.fixture(scope="session")
def corrupted(tmp_path_factory) -> list[dict]:
    """Three models under four corruptions at two severities, two seeds."""
    root = tmp_path_factory.mktemp("corrupted")
    return [
        corrupted_model(root, method, seed=seed)
        for method in ("natural", "JaFR", "PGD-AT")
        for seed in (0, 1)
    ]
