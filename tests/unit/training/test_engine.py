"""Training: augmentation, one step against a plain one, selection, kill and resume."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from scipy import stats
from stripes import ATTACK, FLOAT32, RECIPE, changed, run, stripes

from passband import compute as compute_module
from passband import models
from passband.attacks.pgd import pgd
from passband.draws import Draws, key_of, permutation
from passband.errors import UserError
from passband.files import read_metadata
from passband.spectra.filters.square import square
from passband.training.augmentation import crop_and_flip
from passband.training.checkpoint import State, restore_state, save_state
from passband.training.engine import best_so_far, split_validation
from passband.training.schedules import rate_share
from passband.training.step import training_step

pytestmark = pytest.mark.usefixtures("strict")


# Augmentation


@settings(max_examples=30, deadline=None)
@given(
    pad=st.integers(0, 4), flip=st.booleans(), channels=st.integers(1, 3), key=st.integers(0, 1000)
)
def test_crop_and_flip_equals_torchvision_image_by_image(pad, flip, channels, key):
    images = torch.randint(0, 256, (6, channels, 8, 8), dtype=torch.uint8)
    draws = Draws(key, torch.arange(6))
    got = crop_and_flip(images, draws, pad, flip)
    rows, columns = (draws.integers(axis, 2 * pad + 1).tolist() for axis in ("row", "column"))
    mirrored = (draws.bits("flip") < 0).tolist() if flip else [False] * 6
    for i, image in enumerate(images):
        expected = TF.crop(TF.pad(image, [pad] * 4), rows[i], columns[i], 8, 8)
        expected = TF.hflip(expected) if mirrored[i] else expected
        assert torch.equal(got[i], expected)
    assert got.dtype == torch.uint8


def test_offsets_and_flips_are_uniform_and_independent():
    count, pad = 8100, 4
    marked = torch.zeros(count, 1, 9, 9)
    marked[:, 0, 4, 3] = 1
    places = crop_and_flip(marked, Draws(7, torch.arange(count)), pad, flip=True)
    found = places.flatten(1).argmax(1)
    rows, columns = found // 9, found % 9
    assert (places.sum((1, 2, 3)) <= 1).all()
    visible = places.sum((1, 2, 3)) == 1
    assert visible.float().mean() == pytest.approx(8 / 9, abs=0.02)
    table = torch.zeros(9, 9)
    table.index_put_((rows[visible], columns[visible]), torch.ones(()), accumulate=True)
    # Column 3 of 9 is shown at 0..7 (and once cut off), mirrored at 1..8.
    expected = torch.tensor([0.5, 1, 1, 1, 1, 1, 1, 1, 0.5]) / 8 * visible.sum()
    assert stats.chisquare(table.sum(0).numpy(), expected.numpy()).pvalue > 1e-3
    assert stats.chisquare(table.sum(1).numpy()).pvalue > 1e-3
    assert stats.chi2_contingency(table.numpy()).pvalue > 1e-3


def test_augmentation_differs_between_epochs_and_not_between_batches():
    images = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    first, second = (
        Draws(key_of(0, "augmentation", epoch), torch.arange(20)) for epoch in range(2)
    )
    whole = crop_and_flip(images, first, 4, True)
    assert not torch.equal(whole, crop_and_flip(images, second, 4, True))
    tail = Draws(first.key, torch.arange(20)[13:])
    assert torch.equal(crop_and_flip(images[13:], tail, 4, True), whole[13:])


# The step


def plain_step(recipe, data, seed, epoch, indices):
    """The same update, written out in a straight line with torch.optim in its simplest form."""
    model = models.build("resnet8_w8", 1, 2, 16, seed=seed)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=0.1,
        momentum=0.9,
        weight_decay=5e-4,
        nesterov=True,
        foreach=False,
        fused=False,
    )
    draws = Draws(key_of(seed, "augmentation", epoch), indices)
    shown = crop_and_flip(data.images[indices].float() / 255, draws, 2, True)
    labels = data.labels[indices]
    if "input_filter" in recipe["parts"]:
        if "filter" in recipe["parts"]["input_filter"]:
            shown = square(shown, keep="low", bandwidth=8)
        if "rescale" in recipe["parts"]["input_filter"]:
            shown = shown / shown.amax((1, 2, 3), keepdim=True)
    if "adversary" in recipe["parts"]:
        model.train(recipe["parts"]["adversary"]["batchnorm"] == "train")
        draws = Draws(key_of(seed, "adversary", epoch), indices)
        row = {key: ATTACK[key] for key in ("epsilon", "step_size", "steps", "start")}
        shown = pgd(model, shown, labels, draws, **row)
        model.zero_grad()
    model.train()
    logits = model(shown)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    optimizer.step()
    return model, loss.item(), (logits.argmax(1) == labels).sum().item()


FILTER = {"name": "half", "shape": "square", "keep": "low", "bandwidth": "1/2"}
PARTS = {
    "natural": {},
    "filtered": {"input_filter": {"filter": FILTER}},
    "rescaled": {"input_filter": {"rescale": "image-max"}},
    "filtered-rescaled": {"input_filter": {"filter": FILTER, "rescale": "image-max"}},
    "at-eval": {"adversary": {"attack": ATTACK, "batchnorm": "eval"}},
    "at-train": {"adversary": {"attack": ATTACK, "batchnorm": "train"}},
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_a_step_equals_the_same_step_written_plainly(parts):
    recipe = RECIPE | {"parts": parts}
    data, seed, epoch, indices = stripes(), 5, 2, torch.tensor([7, 100, 3, 42, 8, 239, 11, 60])
    expected, expected_loss, expected_correct = plain_step(recipe, data, seed, epoch, indices)
    model = FLOAT32.place(models.build("resnet8_w8", 1, 2, 16, seed=seed))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True, fused=True
    )
    step = training_step(model, optimizer, recipe, seed, FLOAT32)
    loss, correct = step(data.images[indices], data.labels[indices], indices, epoch)
    assert loss.item() / len(indices) == pytest.approx(expected_loss, rel=1e-4)
    assert correct.item() == expected_correct
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, atol=1e-4, rtol=1e-3)
    counted = [b for name, b in model.named_buffers() if "num_batches" in name]
    passes = 1 + ATTACK["steps"] if parts.get("adversary", {}).get("batchnorm") == "train" else 1
    assert {buffer.item() for buffer in counted} == {passes}


def test_split_is_a_partition_of_the_wanted_size():
    training, validation = split_validation(100, 0.1)
    assert len(validation) == 10
    assert torch.equal(torch.cat([training, validation]).sort().values, torch.arange(100))
    assert torch.equal(split_validation(100, 0.1)[1], validation)


def test_every_image_is_seen_once_per_epoch_at_the_scheduled_rate(tmp_path, monkeypatch):
    seen, rates = [], []

    def recording(*arguments):
        step, optimizer = training_step(*arguments), arguments[1]

        def recorded(images, labels, indices, epoch, number):
            seen.append((epoch, indices))
            rates.append(optimizer.param_groups[0]["lr"])
            return step(images, labels, indices, epoch, number)

        return recorded

    monkeypatch.setattr("passband.training.engine.stepping", recording)
    recipe = changed({"adversary": None, "select": "last"})
    state = run(tmp_path / "state", recipe)
    orders = [torch.cat([i for epoch, i in seen if epoch == wanted]) for wanted in range(3)]
    assert all(torch.equal(order.sort().values, torch.arange(192)) for order in orders)
    assert torch.equal(orders[1], permutation(key_of(0, "order", 1), 192))
    assert not torch.equal(orders[0], orders[1])
    assert {len(indices) for _, indices in seen} == {64}
    expected = [0.1 * rate_share(recipe["schedule"], batch / 3, 3) for batch in range(9)]
    assert rates == pytest.approx(expected)
    assert [row["lr"] for row in state.history] == pytest.approx(expected[2::3])


# Whole trainings


def test_training_learns_is_deterministic_and_depends_on_the_seed(tmp_path):
    recipe = RECIPE | {"epochs": 6}
    first, again = run(tmp_path / "a", recipe), run(tmp_path / "b", recipe)
    other = run(tmp_path / "c", recipe, seed=1)
    assert max(row["val_accuracy"] for row in first.history) > 90
    for name, value in first.best.items():
        assert torch.equal(value, again.best[name])
    weights = [name for name, value in first.best.items() if value.ndim > 1]
    assert not any(torch.equal(first.best[name], other.best[name]) for name in weights)
    columns = ("train_loss", "train_accuracy", "val_accuracy", "val_robust_accuracy", "lr")
    for row, same in zip(first.history, again.history, strict=True):
        assert [row[column] for column in columns] == [same[column] for column in columns]


def test_the_best_validation_epoch_is_selected_and_its_weights_are_kept(tmp_path):
    recipe = RECIPE | {"epochs": 6}
    state = run(tmp_path / "a", recipe)
    robust = [row["val_robust_accuracy"] for row in state.history]
    assert state.selected_epoch == 1 + robust.index(max(robust))
    stored = load_file(tmp_path / "a")
    for name, value in state.best.items():
        assert torch.equal(stored[f"best.{name}"], value)
    short = run(tmp_path / "b", recipe | {"select": "last"})
    assert short.selected_epoch == 6
    for name, value in short.model.state_dict().items():
        assert torch.equal(short.best[name], value)


@given(
    values=st.lists(st.integers(0, 20), min_size=1, max_size=12),
)
def test_best_so_far_keeps_the_first_of_equals(values):
    selected = 0
    for i in range(len(values)):
        history = [{"val_accuracy": value} for value in values[: i + 1]]
        assert best_so_far(history, "last")
        if best_so_far(history, "val_accuracy"):
            selected = i
    assert selected == values.index(max(values))


def test_a_loss_that_is_not_finite_is_a_user_error(tmp_path):
    optimizer = RECIPE["optimizer"] | {"learning_rate": 1e30}
    with pytest.raises(UserError, match=r"the loss of 'stripes' seed 0 became (nan|inf)"):
        run(tmp_path / "state", RECIPE | {"optimizer": optimizer})


def test_a_batch_larger_than_the_data_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="batch_size 500 of 'stripes' is larger than its 192"):
        run(tmp_path / "state", RECIPE | {"batch_size": 500})


# Checkpoints


def test_a_state_comes_back_as_it_was(tmp_path):
    state = run(tmp_path / "state")
    model = compute_module.choose(1).place(models.build("resnet8_w8", 1, 2, 16, seed=9))
    fresh = State(model, torch.optim.SGD(model.parameters(), lr=1, momentum=0.9, fused=True))
    save_state(tmp_path / "other", state, "mine")
    assert restore_state(tmp_path / "other", fresh, "mine")
    for name, value in state.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    for ours, theirs in zip(state.model.parameters(), model.parameters(), strict=True):
        momentum = fresh.optimizer.state[theirs]["momentum_buffer"]
        assert torch.equal(momentum, state.optimizer.state[ours]["momentum_buffer"])
        assert momentum.stride() == theirs.stride()
    assert all(torch.equal(fresh.best[name], value) for name, value in state.best.items())
    assert fresh.history == state.history and fresh.selected_epoch == state.selected_epoch
    assert fresh.resumed == state.resumed + 1


@pytest.mark.parametrize("change", [{"epochs": 5}, {"batch_size": 32}, {"select": "last"}])
def test_a_state_of_another_recipe_is_not_used(tmp_path, change):
    run(tmp_path / "state", RECIPE | {"epochs": 1})
    state = run(tmp_path / "state", RECIPE | change)
    assert state.resumed == 0 and len(state.history) == (RECIPE | change)["epochs"]


@pytest.mark.parametrize("change", [{"sha256": "1"}, {"seed": 1}])
def test_a_state_of_other_data_or_another_seed_is_not_used(tmp_path, change):
    run(tmp_path / "state")
    assert run(tmp_path / "state", **change).resumed == 0


def test_a_finished_training_is_not_repeated(tmp_path):
    state = run(tmp_path / "state")
    again = run(tmp_path / "state")
    assert again.resumed == 1 and again.history == state.history
    assert all(torch.equal(again.best[name], value) for name, value in state.best.items())


JOB = """
import json, sys
from pathlib import Path
from safetensors.torch import load_file
from passband import compute, models
from passband.data.storage import ImageSet
from passband.training.checkpoint import write_tensors
from passband.training.engine import train

folder = Path(sys.argv[1])
data = ImageSet(**load_file(folder / "data"), classes=("across", "down"), title="Stripes")
model = models.build(sys.argv[3], 1, 2, 16, seed=0)
state = train(json.loads(sys.argv[2]), data, model, name="stripes", seed=0,
              data_sha256="0", compute=compute.choose(1), checkpoint=folder / "state")
tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
tensors |= {f"best.{name}": value for name, value in state.best.items()}
write_tensors(folder / "final", tensors, {"resumed": state.resumed, "curves": state.curves})
"""


OPTIMIZERS = {
    "sgd": RECIPE["optimizer"],
    "adam": {
        "kind": "adam",
        "learning_rate": 0.01,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 1e-4,
    },
    "adadelta": {
        "kind": "adadelta",
        "learning_rate": 1.0,
        "rho": 0.9,
        "epsilon": 1e-6,
        "weight_decay": 1e-4,
    },
}


KILLED = {name: ("resnet8_w8", {"optimizer": row}) for name, row in OPTIMIZERS.items()}
KILLED["adam, shuffled labels, batch moments"] = (
    "resnet8_batch_moments_w4",
    {"optimizer": OPTIMIZERS["adam"], "parts": {"shuffled_labels": {}}, "select": "last"},
)


@pytest.mark.parametrize(("architecture", "changes"), KILLED.values(), ids=KILLED)
def test_killed_and_resumed_training_gives_the_same_bits(tmp_path, architecture, changes):
    recorders = {"ratio": {"recorder": "activation_ratio", "images": 20}}
    recipe = RECIPE | {"epochs": 12, "recorders": recorders} | changes
    expected = run(tmp_path / "whole", recipe, architecture=architecture)
    chance = random.Random(0)
    stored = tmp_path / "state"
    data = stripes()
    save_file({"images": data.images, "labels": data.labels}, tmp_path / "data")
    command = [sys.executable, "-c", JOB, str(tmp_path), json.dumps(recipe), architecture]
    for stop in (signal.SIGTERM, signal.SIGKILL, None):
        before = stored.stat().st_mtime_ns if stored.exists() else None
        job = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        if stop:
            while not stored.exists() or stored.stat().st_mtime_ns == before:
                assert job.poll() is None, job.communicate()[1]
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.1))
            job.send_signal(stop)
        _, errors = job.communicate(timeout=120)
        assert (job.returncode == 0) == (stop is None), errors
    assert read_metadata(tmp_path / "final") == {"resumed": 2, "curves": expected.curves}
    final = load_file(tmp_path / "final")
    for group, tensors in (("model", expected.model.state_dict()), ("best", expected.best)):
        for name, value in tensors.items():
            assert torch.equal(final[f"{group}.{name}"], value), f"{group}.{name} differs"
