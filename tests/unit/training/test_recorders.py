"""Recorders: activation ratio and accuracy after each epoch, and what they leave alone."""

import csv
import json

import pytest
import torch
from stripes import FLOAT32, RECIPE, run, stripes

from passband.evaluation import frozen
from passband.files import write_arrays
from passband.spectra.activations import RATIOS
from passband.spectra.filters import apply
from passband.training.engine import split_validation
from passband.training.recipes import needs_test
from passband.training.recorders import RECORDERS, Subject
from passband.training.run import run_shared_prefix, run_training

pytestmark = pytest.mark.usefixtures("strict")

LOW = {"name": "half", "shape": "square", "keep": "low", "bandwidth": "1/2"}
RATIO = {"first": {"recorder": "activation_ratio", "images": 20}}
TEST = {
    "behind": {"recorder": "accuracy", "split": "test", "images": 50, "filters": [LOW]},
    "seen": {"recorder": "accuracy", "split": "train", "images": 30},
}


def test_the_ratio_is_that_of_the_first_activation_on_the_first_images(tmp_path):
    state = run(tmp_path / "state", RECIPE | {"recorders": RATIO})
    plain = run(tmp_path / "plain")
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, state.model.state_dict()[name]), "recording changed the training"
    assert plain.curves == []
    inside, _ = split_validation(240, 0.2)
    images = stripes().images[inside[:20]].float() / 255
    model = state.model.eval()
    with torch.no_grad():
        first = model[2](model[1](model[0](images))).double()
    last = {row["condition"]: row for row in state.curves if row["epoch"] == 3}
    assert len(state.curves) == 3 * len(RATIOS)
    for name, ratio in RATIOS.items():
        row = last[f"definition={name}"]
        assert row["value"] == pytest.approx(float(ratio(first)), rel=1e-5)
        assert (row["recorder"], row["split"], row["n_images"]) == ("first", "train", 20)


def test_accuracy_is_measured_on_the_first_images_behind_each_filter(tmp_path):
    state = run(tmp_path / "state")
    data, test = stripes(), stripes(300)
    subject = Subject(state.model, data, test, FLOAT32)
    rows = RECORDERS["accuracy"](subject, split="test", images=50, filters=[LOW])
    model, images = frozen(state.model), test.images[:50].float() / 255
    for row, shown in zip(rows, (images, apply(LOW, images)), strict=True):
        with torch.no_grad():
            right = model(shown).argmax(1) == test.labels[:50]
        assert row.value == pytest.approx(100 * right.double().mean().item())
        assert (row.split, row.metric, row.n_images) == ("test", "accuracy", 50)
    half = "filter=half;shape=square;keep=low;bandwidth=8"
    assert [row.condition for row in rows] == ["filter=none", half]
    (row,) = RECORDERS["accuracy"](subject, split="train", images=999)
    assert (row.split, row.n_images) == ("train", 240)


def test_filtered_images_are_recorded_on_the_scale_that_is_asked_for(tmp_path):
    state = run(tmp_path / "state")
    test = stripes(60)
    subject = Subject(state.model, stripes(), test, FLOAT32)
    options = {"split": "test", "images": 60, "filters": [LOW], "rescale": "image-max"}
    plain, filtered = RECORDERS["accuracy"](subject, **options)
    assert (plain.condition, filtered.condition) == (
        "filter=none",
        "filter=half;shape=square;keep=low;bandwidth=8;rescale=image-max",
    )
    images, model = test.images.float() / 255, frozen(state.model)
    low = apply(LOW, images)
    for row, shown in ((plain, images), (filtered, low / low.amax((1, 2, 3), keepdim=True))):
        with torch.no_grad():
            right = model(shown).argmax(1) == test.labels
        assert row.value == pytest.approx(100 * right.double().mean().item())


def test_recorded_test_images_never_select_an_epoch(tmp_path):
    recipe = RECIPE | {"recorders": TEST}
    test = stripes(60)
    turned = test._replace(labels=1 - test.labels)
    one, other = (
        run(tmp_path / name, recipe, test=data) for name, data in (("a", test), ("b", turned))
    )
    assert one.selected_epoch == other.selected_epoch == run(tmp_path / "c").selected_epoch
    assert all(torch.equal(value, other.best[name]) for name, value in one.best.items())
    values = [
        [row["value"] for row in state.curves if row["split"] == "test"] for state in (one, other)
    ]
    assert values[0] == pytest.approx([100 - value for value in values[1]])


def test_only_recorders_of_the_test_split_need_it():
    assert needs_test(TEST)
    assert not needs_test(RATIO)
    assert not needs_test({})


@pytest.mark.parametrize("shared", [1, 2], ids=["one epoch shared", "all epochs shared"])
def test_a_job_writes_the_curves_of_prefix_and_rest(tmp_path, shared):
    for split, count in (("train", 240), ("test", 60)):
        data = stripes(count)
        arrays = {"images": data.images.numpy(), "labels": data.labels.numpy()}
        described = {"dataset": {"classes": data.classes, "title": data.title}}
        write_arrays(tmp_path / f"{split}.safetensors", arrays, described)
    schedule = {"kind": "steps", "milestones": [1], "factors": [0.1]}
    common = RECIPE | {"epochs": 2, "schedule": schedule, "recorders": TEST | RATIO}
    common |= {"train_images": 180}
    common.pop("method")
    alignment = {"coefficient": 0.1, "distance": "l1", "transform": "sample"}
    alignment |= {"natural_branch": "live"}
    late = {"spectral_alignment": alignment} if shared == 1 else {}
    job = {
        "architecture": "resnet8_w8",
        "seed": 0,
        "data_file": tmp_path / "train.safetensors",
        "test_file": tmp_path / "test.safetensors",
        "limit": 200,
        "compute": FLOAT32,
    }
    prefix = tmp_path / "plain" / "seed-0.safetensors"
    prefix.parent.mkdir()
    run_shared_prefix(
        name="plain",
        recipe=common,
        until=shared,
        checkpoint=tmp_path / "work" / "prefix",
        output=prefix,
        **job,
    )
    run_training(
        name="aligned",
        recipe=common | {"method": "aligned", "parts": common["parts"] | late},
        shared_prefix=prefix,
        checkpoint=tmp_path / "work" / "model",
        weights=tmp_path / "weights",
        history=tmp_path / "history.csv",
        curves=tmp_path / "curves.csv",
        run=tmp_path / "run.json",
        **job,
    )
    with open(tmp_path / "curves.csv") as file:
        rows = list(csv.DictReader(file))
    columns = "epoch recorder split condition metric value n_images"
    assert list(rows[0]) == columns.split()
    assert [row["epoch"] for row in rows if row["recorder"] == "seen"] == ["1", "2"]
    assert {row["n_images"] for row in rows if row["split"] == "test"} == {"50"}
    described = json.loads((tmp_path / "run.json").read_text())
    assert described["origin"] == "trained"
    assert described["train_images"] == 180  # of the 200 to which the job is limited
    assert described["shared_prefix"] == "plain"
    assert 0 < described["shared_prefix_seconds"] <= described["seconds"]
    assert described["selected_epoch"] == {1: 2, 2: 1}[shared]
    with open(tmp_path / "history.csv") as file:
        assert not any("lfi" in column for column in csv.DictReader(file).fieldnames)
    kept = (tmp_path / "work" / "model").exists()  # until Snakemake has accepted the results
    assert kept == (shared == 1)
