"""Accuracy without an attack, on images as they are and as the model was trained on them."""

from dataclasses import replace

import pytest
import torch
from known_networks import Counting, grey, subject, two_classes

from passband.plan.rows import resolve_row
from passband.probes import PROBES
from passband.spectra.filters import apply
from passband.spectra.scaling import rescaled

LOW = resolve_row("filter", "disc-low-2", {"shape": "disc", "keep": "low", "radius": 2}, {})


def noisy(count):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 200, (count, 1, 8, 8), generator=generator).to(torch.uint8)


@pytest.mark.parametrize("as_trained", [False, True])
@pytest.mark.parametrize(
    ("seen", "condition"),
    [
        ({}, "filter=none"),
        ({"rescale": "image-max"}, "filter=none;rescale=image-max"),
        (
            {"filter": LOW, "rescale": "image-max"},
            "filter=disc-low-2;shape=disc;keep=low;radius=2;inclusive=False;rescale=image-max",
        ),
    ],
)
def test_images_pass_the_filter_of_the_recipe_only_as_trained(seen, condition, as_trained):
    shown, images = [], noisy(30)

    def network(x):
        shown.append(x.clone())
        return two_classes(x.mean((1, 2, 3)) - 0.4)

    given = replace(subject(Counting(network), images), input_filter=seen)
    found = PROBES["accuracy"](given, as_trained=as_trained)
    expected = images / 255
    if as_trained:
        expected = apply(LOW, expected) if "filter" in seen else expected
        expected = rescaled(expected, seen.get("rescale"))
    torch.testing.assert_close(torch.cat(shown), expected, atol=1e-6, rtol=0)
    right = expected.mean((1, 2, 3)) <= 0.4
    assert found.arrays["correct"].tolist() == right.int().tolist()
    (row,) = found.rows
    assert row[0] == (condition if as_trained else "filter=none")
    assert row[1:] == ("accuracy", pytest.approx(100 * right.float().mean().item()), 30, "percent")


def test_a_model_without_an_input_filter_sees_images_as_they_are():
    given = subject(Counting(lambda x: two_classes(x.mean((1, 2, 3)) - 0.4)), grey(5))
    plain, seen = (PROBES["accuracy"](given, as_trained=one) for one in (False, True))
    assert plain.rows == seen.rows == [("filter=none", "accuracy", 0.0, 5, "percent")]
