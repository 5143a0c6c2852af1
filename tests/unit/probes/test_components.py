"""Predictions for low and high components: a network whose answers are known, and a real one."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from known_networks import FLOAT32, noisy, subject, two_classes

from passband.evaluation import frozen
from passband.plan.rows import resolve_row
from passband.probes import PROBES
from passband.probes.examples import in_turn
from passband.spectra.filters.disc import disc
from passband.spectra.filters.svd import svd_energy_of_disc
from passband.spectra.scaling import rescaled

pytestmark = pytest.mark.usefixtures("strict")


def pair(shape: str, radius: int) -> list[dict]:
    """The resolved rows of both components."""
    name = shape.partition("_")[0]
    return [
        resolve_row(
            "filter",
            f"{name}-{keep}-{radius}",
            {"shape": shape, "keep": keep, "radius": radius},
            {},
        )
        for keep in ("low", "high")
    ]


def measured(given, *pairs, **options):
    low, high = zip(*pairs, strict=True)
    options = {"examples": 8} | options
    return PROBES["component_predictions"](given, low=[*low], high=[*high], **options)


def wave(frequency: int, amplitude: float, side: int = 16) -> torch.Tensor:
    """uint8 [1, side, side]: grey with vertical stripes."""
    position = 2 * torch.pi * torch.arange(side) / side
    stripes = amplitude * torch.cos(frequency * position).expand(1, side, side)
    return (255 * (0.5 + stripes)).round().byte()


def fine_stripes(x: torch.Tensor) -> torch.Tensor:
    """Class 1 where there are stripes of frequency 6."""
    return two_classes(torch.fft.rfft2(x)[:, 0, 0, 6].abs() / 128 - 0.05)


def test_images_that_follow_their_high_component_are_counted():
    images = torch.stack([wave(6, 0.2), wave(2, 0.2), wave(6, 0.3), wave(6, 0.2), wave(6, 0.01)])
    labels = torch.tensor([1, 1, 1, 0, 0])  # found, not recognised, found, wrong, of class 0
    found = measured(subject(fine_stripes, images, labels), pair("disc", 4))
    assert found.arrays["follows_high_disc-low-4"].tolist() == [1, 0, 1, 0, 0]
    assert found.arrays["predicted"].tolist() == [1, 0, 1, 1, 0]
    assert found.arrays["predicted_low_disc-low-4"].tolist() == [0, 0, 0, 0, 0]
    assert found.arrays["predicted_high_disc-low-4"].tolist() == [1, 0, 1, 1, 0]
    rows = {row[:2]: row[2:] for row in found.rows}
    condition = "components=disc-low-4+disc-high-4;shape=disc;radius=4;inclusive=False"
    assert rows[condition, "images_following_high"] == (2, 5, "images")
    assert rows[condition, "follows_high"] == (40, 5, "percent")
    described = [f"shape=disc;keep={k};radius=4;inclusive=False" for k in ("low", "high")]
    accuracies = {
        "filter=none": 60.0,
        f"filter=disc-low-4;{described[0]}": 40.0,
        f"filter=disc-high-4;{described[1]}": 60.0,
    }
    for name, percent in accuracies.items():
        assert rows[name, "accuracy"] == (percent, 5, "percent")


def test_what_is_kept_are_those_images_and_their_components():
    images = torch.stack([wave(6, 0.2), wave(2, 0.2), wave(6, 0.3), wave(6, 0.1)])
    given = subject(fine_stripes, images, torch.ones(4, dtype=torch.int64))
    found = measured(given, pair("disc", 4), pair("disc", 7), examples=2).arrays
    assert found["indices_disc-low-4"].tolist() == [0, 2]
    shown = images[[0, 2]].float() / 255
    np.testing.assert_array_equal(found["images_disc-low-4"], shown)
    together = found["low_disc-low-4"] + found["high_disc-low-4"]
    np.testing.assert_allclose(together, shown, atol=1e-6)
    np.testing.assert_array_equal(found["low_disc-low-4"], disc(shown, keep="low", radius=4))
    assert found["indices_disc-low-7"].shape == (0,)  # this low component has the stripes
    assert found["high_disc-low-7"].shape == (0, 1, 16, 16)


def test_components_of_a_real_network_are_those_of_plain_loops(lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(30)
    clean = images.float() / 255
    labels = model(clean).argmax(1)
    labels[::5] = (labels[::5] + 1) % 10
    pairs = [pair("disc", 3), pair("disc", 6), pair("svd_energy_of_disc", 6)]
    given = subject(model, images, labels, classes=tuple("abcdefghij"))
    found = measured(given, *pairs, images=25, rescale="image-max")
    filters = {"disc": disc, "svd_energy_of_disc": svd_energy_of_disc}
    for low, _ in pairs:
        name, function = low["name"], filters[low["shape"]]
        follows = []
        for image, label in zip(clean[:25], labels[:25], strict=True):
            parts = [function(image[None], keep=k, radius=low["radius"]) for k in ("low", "high")]
            shown = [rescaled(part, "image-max") for part in parts]
            whole, by_low, by_high = (int(model(x).argmax(1)) for x in (image[None], *shown))
            follows.append(whole == by_high == label and by_low != label)
        assert found.arrays[f"follows_high_{name}"].tolist() == follows
        kept = function(clean[:25].double(), keep="low", radius=low["radius"])
        energy = kept.square().sum((1, 2, 3)) / clean[:25].double().square().sum((1, 2, 3))
        np.testing.assert_allclose(found.arrays[f"energy_low_{name}"], energy, atol=1e-5)
    by_disc, by_svd = (found.arrays[f"energy_low_{name}-low-6"] for name in ("disc", "svd"))
    squares = np.linalg.svd(clean[:25].double().numpy(), compute_uv=False) ** 2
    half_a_step = squares[..., 1].sum(1) / squares.sum((1, 2)) / 2  # of the rank in each channel
    assert (abs(by_svd - by_disc) <= half_a_step + 1e-5).all()
    assert sum(";rescale=image-max" in row[0] for row in found.rows) == len(found.rows) - 1
    assert found.metadata["filters"]["disc-low-3"].startswith("filter=disc-low-3;shape=disc")


def test_black_images_hold_all_their_energy_in_both_ways():
    black = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    given = subject(lambda x: two_classes(x.mean((1, 2, 3))), black)
    found = measured(given, pair("disc", 2), pair("svd_energy_of_disc", 2))
    for name in ("disc", "svd"):
        assert found.arrays[f"energy_low_{name}-low-2"].tolist() == [1, 1, 1]
        assert not found.arrays[f"follows_high_{name}-low-2"].any()


def test_the_first_of_each_class_come_first():
    labels = torch.tensor([2, 2, 0, 2, 1, 0])
    assert labels[in_turn(labels, 3)].tolist() == [0, 1, 2, 0, 2, 2]
    order = in_turn(labels, 3).tolist()
    assert all(a < b for a, b in pairwise([i for i in order if labels[i] == 2]))
    assert in_turn(labels[:0], 3).tolist() == []


def test_results_do_not_depend_on_the_batch_size(lived_in, monkeypatch):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(20)
    labels = model(images.float() / 255).argmax(1)
    given = subject(model, images, labels, classes=tuple("abcdefghij"))
    before = measured(given, pair("svd_energy_of_disc", 4)).arrays
    monkeypatch.setattr("passband.evaluation.BATCH", {FLOAT32.device.type: 3})
    after = measured(given, pair("svd_energy_of_disc", 4)).arrays
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, atol=1e-5, err_msg=name)
