"""Derived models: what the transforms do to weights, and the files of a derivation."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import nn

from passband import models
from passband.data.preparation import prepare
from passband.errors import UserError
from passband.files import read_arrays, sha256, write_arrays
from passband.models.derivation import run_derivation
from passband.models.transforms import TRANSFORMS
from passband.models.transforms.smoothing import smoothed

smooth = TRANSFORMS["smooth_first_convolution"]


@pytest.mark.parametrize("rho", [0.1, 1.0, 2.5])
@pytest.mark.parametrize("size", [3, 5])
def test_smoothing_equals_scipys_convolution_with_mirrored_borders(rho, size):
    """A border repeated once is a border mirrored once, and the mask reaches no further."""
    kernels = torch.randn(4, 3, size, size, dtype=torch.float64)
    mask = np.full((3, 3), rho)
    mask[1, 1] = 1
    got = smoothed(kernels, rho)
    assert got.dtype == torch.float64
    for kernel, result in zip(kernels.flatten(0, 1), got.flatten(0, 1), strict=True):
        expected = convolve2d(kernel.numpy(), mask, mode="same", boundary="symm")
        np.testing.assert_allclose(result.numpy(), expected, atol=1e-12)


def test_without_neighbours_weights_stay_as_they_are():
    kernels = torch.randn(2, 3, 3, 3)
    assert torch.equal(smoothed(kernels, 0), kernels)


def test_only_the_first_convolution_is_smoothed(lived_in):
    model = lived_in("resnet8_w8")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    after = smooth(model, rho=0.5).state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["0.weight"]
    torch.testing.assert_close(after["0.weight"], smoothed(before["0.weight"], 0.5))


def test_a_network_without_a_convolution_is_refused():
    with pytest.raises(UserError, match="no convolution to smooth"):
        smooth(nn.Linear(2, 2), rho=1)


@pytest.fixture
def derived(tmp_path: Path) -> tuple[Path, nn.Module]:
    """(folder with the files of a derived model, the model that it is made of)."""
    prepare("fashion-mnist-sample", tmp_path / "data")
    model = models.build("resnet8_w8", 1, 10, 32, seed=3)
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    write_arrays(tmp_path / "source.safetensors", state, {})
    row = {"name": "soft", "transform": "smooth_first_convolution", "method": "Smooth", "rho": 1.5}
    run_derivation(
        name="shirts--soft",
        network={"architecture": "resnet8_w8", "method": "Smooth", "quantization": None},
        derived={"of": "shirts", "transform": row},
        seed=3,
        source=tmp_path / "source.safetensors",
        data_file=tmp_path / "data/test.safetensors",
        weights=tmp_path / "new/weights.safetensors",
        run=tmp_path / "new/run.json",
    )
    return tmp_path, model


def test_a_derivation_writes_the_transformed_weights(derived):
    folder, model = derived
    found = read_arrays(folder / "new/weights.safetensors")
    expected = model.state_dict()
    expected["0.weight"] = smoothed(expected["0.weight"], 1.5)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_a_derivation_says_what_it_was_made_of(derived):
    folder, model = derived
    run = json.loads((folder / "new/run.json").read_text(encoding="utf-8"))
    assert run["source_sha256"] == sha256(folder / "source.safetensors")
    assert run["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    expected = {
        "model": "shirts--soft",
        "origin": "derived",
        "of": "shirts",
        "architecture": "resnet8_w8",
        "method": "Smooth",
        "seed": 3,
    }
    assert expected.items() <= run.items()
    assert run["transform"]["rho"] == 1.5
    assert run["started"] <= run["finished"]
