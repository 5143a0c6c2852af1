"""Marks and expected times say what runs."""

import pytest

from passband.errors import UserError
from passband.plan.marks import check_mark, expected_of, filled, mark_of

SCALE = {
    "scale": "smoke",
    "mark": "smoke scale · {train_images} images · {networks} · no science",
    "expected": "about 5 minutes on 2 cores",
    "seeds": [0],
    "train_images": 600,
    "test_images": 100,
    "datasets": {},
    "architectures": {},
    "training_attacks": {},
    "recipes": {},
    "probes": {},
}
SAMPLE = {"dataset": "fashion-mnist-sample", "architecture_title": "ResNet-8"}


def test_an_unchanged_scale_has_its_own_mark():
    assert mark_of(SCALE, SCALE) == SCALE["mark"]
    assert expected_of(SCALE, SCALE) == SCALE["expected"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train_images": 57}, " · changed: train images"),
        ({"test_images": 9, "datasets": {"a": "b"}}, " · changed: test images and datasets"),
        ({"probes": {"a": {}}}, ""),
        ({"recipes": {"a": {}}}, ""),
    ],
)
def test_a_changed_scale_says_what_it_changes(change, said):
    config = SCALE | change
    assert mark_of(config, SCALE) == SCALE["mark"] + said
    assert expected_of(config, SCALE) == "about 5 minutes on 2 cores (the unchanged scale)"


def test_a_scale_without_a_mark_has_one_when_it_is_changed():
    paper = SCALE | {"scale": "paper", "mark": ""}
    assert mark_of(paper, paper) == ""
    assert mark_of(paper | {"train_images": 57}, paper) == "paper scale · changed: train images"


def test_more_seeds_take_longer_and_change_no_figure():
    config = SCALE | {"seeds": [0, 1]}
    assert mark_of(config, SCALE) == SCALE["mark"]
    assert expected_of(config, SCALE).endswith(" (the unchanged scale)")


def test_the_users_own_words_are_left_alone():
    config = SCALE | {"train_images": 57, "mark": "my run", "expected": "an hour"}
    assert mark_of(config, SCALE) == "my run"
    assert expected_of(config, SCALE) == "an hour"


@pytest.mark.parametrize(
    ("limit", "models", "shown"),
    [
        (600, [SAMPLE], "smoke scale · 600 images · ResNet-8 · no science"),
        (57, [SAMPLE], "smoke scale · 57 images · ResNet-8 · no science"),
        (90_000, [SAMPLE], "smoke scale · 10,000 images · ResNet-8 · no science"),
        (
            None,
            [SAMPLE, SAMPLE | {"dataset": "cifar10", "architecture_title": "ResNet-20"}],
            "smoke scale · all images · ResNet-8 and ResNet-20 · no science",
        ),
        (600, [], "smoke scale · no science"),
    ],
)
def test_fields_are_filled_in_from_what_is_shown(limit, models, shown):
    assert filled(SCALE["mark"], models, (), SCALE | {"train_images": limit}) == shown


def test_data_sets_are_called_by_their_titles():
    assert filled("{datasets}", [SAMPLE], ["cifar10"], SCALE) == "Fashion-MNIST sample and CIFAR-10"


def test_an_unknown_field_is_refused():
    with pytest.raises(UserError, match="unknown field of mark 'network': did you mean 'networks'"):
        check_mark("{network}")
