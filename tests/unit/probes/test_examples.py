"""Example images, and what of them is left intact."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from known_networks import (
    Counting,
    attack_row,
    filter_row,
    noisy,
    subject,
    two_classes,
)

from passband.probes import PROBES
from passband.probes.examples import detail_kept, shape_kept
from passband.spectra.filters.square import square

pytestmark = pytest.mark.usefixtures("strict")


def test_examples_take_each_class_in_turn():
    labels = torch.tensor([2, 2, 0, 1, 0, 2, 1, 1, 0, 2])
    images = noisy(10)
    images[:, 0, 0, 0] = torch.arange(10).byte()
    noise = torch.zeros(10, 3, 16, 16)
    classes = ("a", "b", "c")
    model = Counting(lambda x: F.one_hot((x[:, 0, 0, 0] * 255).round().long() % 3, 3).float())
    given = subject(model, images, labels, noise, classes)
    found = PROBES["example_images"](
        given, attack=attack_row("a"), filter=filter_row("low", "1/4"), examples=5, images=9
    )
    order = [2, 3, 0, 4, 6]
    assert (found.arrays["images"][:, 0, 0, 0] * 255).round().tolist() == order
    assert found.arrays["labels"].tolist() == [0, 1, 2, 0, 1]
    assert found.arrays["predicted"].tolist() == [i % 3 for i in order]
    assert found.arrays["predicted_adversarial"].tolist() == [i % 3 for i in order]
    expected = square(images[order] / 255, keep="low", bandwidth=4)
    np.testing.assert_allclose(found.arrays["filtered"], expected, atol=1e-6)
    assert found.arrays["spectrum"].shape == (5, 16, 16)
    assert found.metadata == {"classes": list(classes), "bandwidth": 4, "attack": "a"}
    np.testing.assert_allclose(found.arrays["detail_kept"][1], 1, rtol=1e-5)
    np.testing.assert_allclose(found.arrays["shape_kept"][1], 1, rtol=1e-5)
    assert (found.arrays["detail_kept"][0] < 0.1).all()


def test_rows_count_the_images_that_there_are():
    model = Counting(lambda x: two_classes(x.mean((1, 2, 3))))
    given = subject(model, noisy(6), perturbation=torch.zeros(6, 3, 16, 16))
    found = {
        "examples": PROBES["example_images"](
            given, attack=attack_row("a"), filter=filter_row("low", "1/4"), examples=2, images=1000
        ),
        "spectrum": PROBES["perturbation_spectrum"](given, attack=attack_row("a"), images=1000),
        "heat map": PROBES["fourier_heatmap"](given, norm_per_pixel=0.1, images=1000),
    }
    for name, measurement in found.items():
        assert {row[3] for row in measurement.rows} == {6}, name


def test_detail_and_shape_of_known_changes():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 8, 8, generator=generator)
    clean = F.interpolate(coarse, 32, mode="bilinear")
    blurred = F.avg_pool2d(F.pad(clean, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    rough = clean + 0.1 * torch.randn(clean.shape, generator=generator)
    torch.testing.assert_close(detail_kept(clean, clean), torch.ones(8))
    torch.testing.assert_close(shape_kept(clean, clean), torch.ones(8))
    torch.testing.assert_close(detail_kept(0.5 * clean, clean), torch.ones(8))
    torch.testing.assert_close(shape_kept(0.5 * clean + 0.2, clean), torch.ones(8))
    assert (detail_kept(blurred, clean) < 1).all()
    assert (detail_kept(rough, clean) < shape_kept(rough, clean)).all()
    torch.testing.assert_close(detail_kept(-clean, clean), -torch.ones(8))
    assert (shape_kept(blurred, clean) > 0.9).all()
    assert (shape_kept(clean.roll(1, 0), clean).abs() < 0.9).all()
