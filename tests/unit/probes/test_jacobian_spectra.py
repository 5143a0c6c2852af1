"""Jacobians and their spectra, of networks whose gradient is known and against NumPy."""

import math

import numpy as np
import pytest
import torch
from known_networks import grey, noisy, normal, subject, two_classes

from passband.probes import PROBES
from passband.spectra.bases import basis_images

pytestmark = pytest.mark.usefixtures("strict")


def measured(model, images, labels=None, count=None, examples=2):
    given = subject(model, images, labels)
    return PROBES["jacobian_spectrum"](given, examples=examples, images=count or len(images))


def test_the_spectrum_of_a_linear_network_is_that_of_its_weights():
    weights = normal(1, 8, 8)
    images = grey(5)
    found = measured(lambda x: two_classes((x * weights).sum((1, 2, 3))), images).arrays
    second = (weights * 128 / 255).sum().double()
    slope = torch.sigmoid(second).item()  # of log(1 + exp(second)), the loss of class 0
    expected = slope * np.abs(np.fft.rfft2(weights[0].double().numpy()))[:5]
    np.testing.assert_allclose(found["spectrum"], expected, rtol=1e-4)
    np.testing.assert_allclose(found["jacobians"][1], slope * weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found["images"], images[:2])


def test_biases_are_those_of_the_mean_spectra():
    weights, images = 0.1 * normal(2, 12, 3, 16, 16), noisy(12)
    labels = torch.arange(12) % 2

    def network(x):
        return two_classes((x * x * weights[0, : len(x)]).sum((1, 2, 3)))

    found = measured(network, images, labels)
    clean = images.double().numpy() / 255
    logits = (clean**2 * weights[0].double().numpy()).sum((1, 2, 3))
    slopes = 1 / (1 + np.exp(-logits)) - labels.numpy()
    jacobians = slopes[:, None, None, None] * 2 * clean * weights[0].double().numpy()
    for name, shown in (("", jacobians), ("_images", clean)):
        spectrum = np.abs(np.fft.rfft2(shown))[:, :, :9].mean((0, 1))
        np.testing.assert_allclose(found.arrays[f"spectrum{name}"], spectrum, rtol=1e-4)
        assert found.arrays[f"bias{name}"].mean() == pytest.approx(bias(spectrum), rel=1e-5)
    rows = {(row[0].split(";")[0], row[1]): row[2:] for row in found.rows}
    value, count, unit = rows["of=jacobian", "low_frequency_bias"]
    assert (value, count, unit) == (pytest.approx(found.arrays["bias"].mean()), 12, "log")
    flat = jacobians.reshape(12, -1), clean.reshape(12, -1)
    cosine = np.abs((flat[0] * flat[1]).sum(1)) / np.prod(
        [np.linalg.norm(one, axis=1) for one in flat], axis=0
    )
    np.testing.assert_allclose(found.arrays["alignment"], cosine, rtol=1e-4)
    assert rows["of=jacobian", "alignment"][0] == pytest.approx(cosine.mean(), rel=1e-4)


def bias(spectrum: np.ndarray) -> float:
    logs, alpha = np.log(spectrum + 1e-5), np.linspace(1, -1, len(spectrum)) + 1e-5
    return math.log(np.exp((logs * alpha).sum(1)).sum() + np.exp((logs.T * alpha).sum(1)).sum())


@pytest.mark.parametrize(("frequency", "above"), [((0, 1), True), ((-8, -7), False)])
def test_a_network_of_one_frequency_has_its_bias(frequency, above):
    wave = basis_images(torch.tensor([frequency]), 16)
    found = measured(lambda x: two_classes((x * wave).sum((1, 2, 3))), noisy(6, channels=1))
    assert (found.arrays["bias"].mean() > math.log(18)) == above


def test_jacobians_do_not_depend_on_the_number_of_images():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval()
    images = noisy(230, channels=1, side=8)
    few, many = measured(model, images, count=7).arrays, measured(model, images).arrays
    np.testing.assert_allclose(few["alignment"], many["alignment"][:7], rtol=1e-5)


def test_a_network_without_a_gradient_has_the_bias_of_a_flat_spectrum():
    found = measured(lambda x: two_classes(0 * x.sum((1, 2, 3))), noisy(4, channels=1, side=8))
    assert found.arrays["alignment"].max() == 0
    assert found.arrays["bias"] == pytest.approx(math.log(10), abs=1e-2)


def test_examples_take_classes_in_turn():
    labels = torch.tensor([0, 0, 1, 0, 1])
    images = noisy(5, channels=1, side=8)
    found = measured(lambda x: two_classes(x.sum((1, 2, 3))), images, labels, examples=3)
    np.testing.assert_array_equal(found.arrays["labels"], [0, 1, 0])
    np.testing.assert_array_equal(found.arrays["images"], images[[0, 2, 1]])
