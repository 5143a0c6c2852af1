"""Numbers that a config allows work through to the report, or are refused while planning."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from passband import models
from passband.data.registry import DATASETS
from passband.errors import UserError
from passband.models.batch_moments import uses_batch_moments
from passband.plan.batch_moments import check_batch_moments, has_batch_moments
from passband.plan.budgets import check_training, most_measured, training_images

SAMPLE = "fashion-mnist-sample"


def training(batch: int, fraction: float, select: str = "last", dataset: str = SAMPLE) -> dict:
    validation = {"fraction": fraction}
    recipe = {"method": "M", "batch_size": batch, "validation": validation, "select": select}
    return {"dataset": dataset, "architecture": "resnet8", "recipe": recipe}


@given(
    images=st.integers(10, 12_000),
    batch=st.integers(1, 20_000),
    fraction=st.floats(0, 1, exclude_max=True),
    select=st.sampled_from(["last", "val_accuracy"]),
)
def test_the_least_number_that_is_named_is_the_least_that_works(images, batch, fraction, select):
    one = training(batch, fraction, select)
    try:
        check_training(one, images)
    except UserError as error:
        sentence = str(error)
        if "at least" in sentence:
            enough = int(sentence.rstrip(".").rpartition(" ")[2])
            refused_for = sentence.split(",")[0]
            with pytest.raises(UserError, match=refused_for.split("'M' ")[1].split(" ")[0]):
                check_training(one, enough - 1)
            try:
                check_training(one, enough)
            except UserError as other:
                assert not str(other).startswith(refused_for)
    else:
        inside = min(images, 10_000)
        held_out = round(inside * fraction)
        assert inside - held_out >= batch and (held_out or select == "last")


def test_the_sentences():
    with pytest.raises(UserError) as raised:
        check_training(training(50, 0.1), 54)
    assert str(raised.value) == (
        "the recipe of 'M' has batch_size 50, but 49 images to train on (54 without the 5 held "
        "out): lower batch_size, or raise train_images to at least 56."
    )


@pytest.mark.parametrize(("scale", "recipe"), [(None, 40), (200, 40), (40, 200), (40, None)])
def test_the_fewer_images_of_scale_and_recipe_count(scale, recipe):
    one = training(50, 0)
    one["recipe"] |= {} if recipe is None else {"train_images": recipe}
    assert training_images(one, scale) == 40
    with pytest.raises(UserError, match="batch_size 50, but 40 images to train on"):
        check_training(one, scale)


@pytest.mark.parametrize(
    ("probe", "origin", "recipe", "limit"),
    [
        ({}, "trained", 40, 7),
        ({"split": "test"}, "trained", 40, 7),
        ({"split": "train"}, "trained", 40, 40),
        ({"split": "train"}, "derived", 40, 40),
        ({"split": "train"}, "trained", 400, 300),
        ({"split": "train"}, "trained", None, 300),
        ({"split": "train"}, "imported", 40, 300),
        ({"split": "train", "dataset": "mnist"}, "trained", 40, 300),
    ],
)
def test_probes_of_training_images_measure_those_of_the_training(probe, origin, recipe, limit):
    model = {"origin": origin, "recipe": {} if recipe is None else {"train_images": recipe}}
    assert most_measured(probe, model, {"train_images": 300, "test_images": 7}) == limit


def test_probes_measure_all_images_where_nothing_limits_them():
    config = {"train_images": None, "test_images": None}
    for split in ("train", "test"):
        assert most_measured({"split": split}, {"origin": "trained", "recipe": {}}, config) is None


def test_the_registry_counts_the_images_of_the_embedded_sample(tmp_path):
    from passband.data.preparation import prepare
    from passband.data.storage import load

    prepare(SAMPLE, tmp_path)
    sizes = {split: len(load(tmp_path, split).labels) for split in ("train", "test")}
    assert sizes == DATASETS[SAMPLE].sizes


def test_every_published_data_set_has_a_size_for_every_split():
    for dataset in DATASETS.values():
        assert set(dataset.sizes) == (set(dataset.splits) if dataset.files else set())


def test_of_a_users_own_images_the_scale_tells_the_number():
    own = {"dataset": "imagenet-subset"}
    assert check_training(training(64, 0.5, **own), None) is None
    with pytest.raises(UserError, match="raise train_images to at least 128"):
        check_training(training(64, 0.5, **own), 100)


def moments(
    change: dict | None = None, probe: str = "clean", architecture: str = "resnet8_batch_moments"
) -> None:
    """Check a plan of one model and one artifact that measures it by a probe."""
    recipe = training(50, 0.1)["recipe"] | {"parts": {}, "recorders": {}} | (change or {})
    model = {"method": "M", "dataset": SAMPLE, "architecture": architecture, "recipe": recipe}
    fgsm = {"name": "fgsm", "attack": "fgsm", "epsilon": 0.1}
    attacks = {"fgsm": fgsm} | {
        name: {"name": name, "attack": "pgd", "restarts": restarts}
        for name, restarts in (("pgd-1", 1), ("pgd-2", 2))
    }
    attacks["square"] = {"name": "square", "attack": "square"}
    probes = {
        "clean": {"probe": "accuracy"},
        "one": {"probe": "accuracy", "images": 1},
        "several": {"probe": "accuracy_under_attacks", "attacks": [fgsm, attacks["square"]]},
    }
    artifact = {"models": ["m"], "probes": [probe]}
    check_batch_moments({"m": model}, [artifact], probes, attacks, {"train_images": 1000})


@pytest.mark.parametrize("probe", ["clean", "fgsm", "pgd-1"])
def test_networks_with_batch_moments_may_be_measured_in_whole_batches(probe):
    assert moments(probe=probe) is None


ADVERSARY = {"attack": {"name": "pgd-3", "attack": "pgd", "restarts": 3}, "batchnorm": "eval"}
ONE = {"curve": {"recorder": "accuracy", "images": 1}}


@pytest.mark.parametrize(
    ("change", "probe", "words"),
    [
        ({"batch_size": 899}, "clean", "'M' cuts 900 images into batches of 899, which leaves a"),
        ({"batch_size": 1}, "clean", "cuts 900 images into batches of 1"),
        ({"validation": {"fraction": 0.001}}, "clean", "'M' validates on one image"),
        ({"recorders": ONE}, "clean", "recorder 'curve' of the recipe of 'M' has images: 1"),
        ({}, "one", "probe 'one' has images: 1, which leaves a batch of one image, but resnet8_b"),
        ({}, "several", "probe 'several' has attack 'square', which drops images"),
        ({}, "pgd-2", "probe 'pgd-2' has attack 'pgd-2', which drops images"),
        ({"parts": {"adversary": ADVERSARY}}, "clean", "recipe of 'M' has attack 'pgd-3', which"),
    ],
)
def test_batches_of_one_and_dropped_images_are_refused_with_batch_moments(change, probe, words):
    moments(change, probe, architecture="resnet8_plain")
    with pytest.raises(UserError) as raised:
        moments(change, probe)
    assert words in str(raised.value) and str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_the_architectures_that_say_so_are_those_with_batch_moments():
    for name in models.names():
        with torch.device("meta"):
            network = models.ARCHITECTURES[name](3, 10, 32)
        assert has_batch_moments(name) == uses_batch_moments(network), name
