"""Which corrupted images a probe reads, and when they are stored."""

import pytest

from passband.dependencies import declared
from passband.plan.corrupted import corrupted_for

PROBE = {"name": "corruptions", "probe": "common_corruptions"}


def test_all_types_and_severities_of_the_whole_split_by_default():
    wanted = corrupted_for(PROBE, "cifar10", None)
    assert wanted == corrupted_for(
        PROBE | {"corruptions": None, "severities": None}, "cifar10", None
    )
    assert wanted["corruptions"] == [*declared("data/corruptions")]
    assert len(wanted["corruptions"]) == 19
    assert wanted["severities"] == [1, 2, 3, 4, 5]
    assert (wanted["images"], wanted["stored"]) == (10_000, True)  # 2.9 GB


@pytest.mark.parametrize(
    ("limit", "own", "images"), [(500, None, 500), (500, 200, 200), (100, 200, 100), (None, 7, 7)]
)
def test_the_fewest_images_that_are_asked_for(limit, own, images):
    probe = PROBE | ({"images": own} if own else {})
    assert corrupted_for(probe, "mnist", limit)["images"] == images


def test_large_ones_are_generated_where_they_are_needed():
    assert not corrupted_for(PROBE, "tiny-imagenet", None)["stored"]  # 11.7 GB
    few = corrupted_for(PROBE | {"severities": [5]}, "tiny-imagenet", None)
    assert few["stored"]  # 2.3 GB


def test_other_probes_read_none():
    assert corrupted_for({"name": "test-images", "probe": "accuracy"}, "cifar10", None) is None
