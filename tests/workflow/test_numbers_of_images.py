"""Numbers that a config allows work through to the report, or are refused while planning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passband.data.registry import DATASETS
from passband.errors import UserError
from passband.plan.budgets import check_training

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


def test_the_registry_counts_the_images_of_the_embedded_sample(tmp_path):
    from passband.data.preparation import prepare
    from passband.data.storage import load

    prepare(SAMPLE, tmp_path)
    sizes = {split: len(load(tmp_path, split).labels) for split in ("train", "test")}
    assert sizes == DATASETS[SAMPLE].sizes


def test_every_data_set_has_a_size_for_every_split():
    for dataset in DATASETS.values():
        assert set(dataset.sizes) == set(dataset.splits)
