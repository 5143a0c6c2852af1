"""What begins at the first drop: the weight average, and trainings that share their beginning."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from passband.training.averaging import include, refresh_statistics
from passband.training.schedule import common_part, first_drop
from stripes import ATTACK, DOUBLE, FLOAT32, RECIPE, run, stripes
from torch import nn
from torch.optim import swa_utils

from passband import models
from passband.compute import Compute
from passband.draws import key_of, permutation
from passband.errors import UserError
from passband.training import engine
from passband.training.checkpoint import State
from passband.training.engine import shown, split_validation

pytestmark = pytest.mark.usefixtures("strict")

DROP = 2
PLAIN = RECIPE | {
    "epochs": 5,
    "schedule": {"kind": "steps", "milestones": [DROP], "factors": [0.1]},
}
ALIGNMENT = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
AVERAGE = ALIGNMENT | {"natural_branch": "average"}
SAR = PLAIN | {"method": "SAR", "alignment": ALIGNMENT}
SARWA = PLAIN | {"method": "SARWA", "alignment": AVERAGE, "weight_average": {"cycle": 1}}
KL = {"attack": ATTACK | {"loss": "kl", "start": "normal"}, "batchnorm": "eval"}
TRADES = PLAIN | {"method": "TRADES", "adversary": KL, "loss": {"kind": "trades", "beta": 6}}
RECIPES = {
    "plain": PLAIN,
    "sar": SAR,
    "sarwa": SARWA,
    "sarwa-2": SARWA | {"weight_average": {"cycle": 2}},
    "trades+sarwa": TRADES | {key: SARWA[key] for key in ("method", "alignment", "weight_average")},
}
COLUMNS = ("val_accuracy", "val_robust_accuracy")
CLOCK = ("seconds", "images_per_second")


def assert_same(one: State, other: State) -> None:
    """The same training, bit for bit, but for the time that it took."""
    for ours, theirs in (
        (one.model.state_dict(), other.model.state_dict()),
        (one.best, other.best),
    ):
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert one.selected_epoch == other.selected_epoch and one.averaged == other.averaged
    if one.average is not None:
        theirs = other.average.state_dict()
        assert all(
            torch.equal(value, theirs[name]) for name, value in one.average.state_dict().items()
        )
    for row, same in zip(one.history, other.history, strict=True):
        assert all(row[column] == same[column] for column in row if column not in CLOCK)


def differs(one: State, other: State) -> bool:
    theirs = other.model.state_dict()
    return any(not torch.equal(value, theirs[key]) for key, value in one.model.state_dict().items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trainings")


@pytest.fixture(scope="module")
def straight(folder):
    """Trains a recipe of RECIPES from its beginning, once."""
    done = {}

    def straight(name: str) -> State:
        if name not in done:
            done[name] = run(folder / name, RECIPES[name])
        return done[name]

    return straight


@pytest.fixture(scope="module")
def trunk(folder):
    """Trains what a recipe of RECIPES has in common with others, once; gives the file."""

    def trunk(name: str) -> Path:
        recipe = common_part(RECIPES[name])
        path = folder / f"trunk of {'loss' in recipe}"
        if not path.exists():
            run(path, recipe, until=DROP)
        return path

    return trunk


# The schedule


@pytest.mark.parametrize(
    ("milestones", "factors", "epochs", "expected"),
    [
        ([75, 90], [0.1, 0.1], 100, 75),
        ([100, 150], [0.1, 0.1], 200, 100),
        ([3], [0.25], 9, 3),
        ([2, 4], [0.5, 0.5], 9, 4),
        ([1, 2, 3], [0.8, 0.6, 0.5], 9, 3),
        ([20], [0.1], 20, None),
        ([2], [0.9], 9, None),
        ([2, 5], [3.0, 0.08], 9, 5),
        ([], [], 9, None),
    ],
)
def test_first_drop_of_steps(milestones, factors, epochs, expected):
    schedule = {"kind": "steps", "milestones": milestones, "factors": factors}
    assert first_drop(schedule, epochs) == expected


@pytest.mark.parametrize(("warmup", "share"), [(0.1, 0.7), (0.4, 0.8), (0.25, 0.75), (0.7, 0.9)])
@pytest.mark.parametrize("epochs", [11, 12, 15, 20, 40, 60, 100, 120, 200])
def test_first_drop_of_one_cycle_is_two_thirds_down(warmup, share, epochs):
    expected = next(epoch for epoch in range(epochs) if epoch / epochs >= share - 1e-12)
    assert first_drop({"kind": "one-cycle", "warmup": warmup}, epochs) == expected


def test_a_cycle_too_short_to_fall_has_no_drop():
    assert first_drop({"kind": "one-cycle", "warmup": 0.3}, 1) is None
    assert first_drop({"kind": "one-cycle", "warmup": 0.3}, 4) is None


def test_the_common_part_is_what_happens_before_the_drop():
    assert common_part(SAR) == common_part(SARWA) == common_part(PLAIN)
    assert common_part(RECIPES["trades+sarwa"]) == common_part(TRADES) != common_part(PLAIN)
    assert common_part(PLAIN) == {key: value for key, value in PLAIN.items() if key != "method"}
    for key, value in (("epochs", 6), ("batch_size", 32), ("select", "last")):
        assert common_part(SAR | {key: value}) != common_part(SAR)


# The average


def small(seed: int) -> nn.Module:
    return DOUBLE.place(models.build("resnet8_w8", 1, 2, 16, seed=seed))


def test_the_average_is_the_mean_of_all_checkpoints():
    checkpoints = [small(seed) for seed in range(6)]
    average = deepcopy(checkpoints[0])
    buffers = {name: value.clone() for name, value in average.named_buffers()}
    for past, newest in enumerate(checkpoints[1:], start=1):
        before = deepcopy(newest.state_dict())
        include(average, newest, past)
        together = [dict(model.named_parameters()) for model in checkpoints[: past + 1]]
        for name, value in average.named_parameters():
            mean = torch.stack([each[name] for each in together]).mean(0)
            torch.testing.assert_close(value, mean, atol=1e-14, rtol=1e-12)
        assert all(torch.equal(value, before[name]) for name, value in newest.state_dict().items())
    assert all(torch.equal(buffers[name], value) for name, value in average.named_buffers())


def parts_of(sizes: list[int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, 1, 16, 16, generator=generator, dtype=torch.float64) for size in sizes]


def test_refreshed_statistics_equal_those_of_update_bn():
    expected = small(0)
    expected(parts_of([7])[0])  # statistics to be forgotten
    refreshed, batches = deepcopy(expected), parts_of([32] * 5)
    swa_utils.update_bn(batches, expected)
    refresh_statistics(refreshed, refreshed, iter(batches))
    for name, value in expected.named_buffers():
        if "num_batches" not in name:
            torch.testing.assert_close(refreshed.get_buffer(name), value, atol=1e-12, rtol=1e-10)
    assert not refreshed.training
    assert {m.momentum for m in refreshed.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_a_batch_weighs_as_many_images_as_it_has():
    model, sizes = small(0), [32, 32, 9]
    batches = parts_of(sizes)
    refresh_statistics(model, model, batches)
    seen = model[0](torch.cat(batches))
    torch.testing.assert_close(model[1].running_mean, seen.mean((0, 2, 3)))
    variances = torch.stack([model[0](part).var((0, 2, 3)) for part in batches])
    weights = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)
    torch.testing.assert_close(model[1].running_var, weights @ variances)


@pytest.mark.parametrize(("cycle", "taken"), [(1, [1, 2, 3]), (2, [1, 3]), (3, [1])])
def test_a_training_averages_its_checkpoints_from_before_the_drop(
    tmp_path, monkeypatch, cycle, taken
):
    ends, averages = [], []

    def recording(path: Path, state: State, fingerprint: str) -> None:
        ends.append(deepcopy(dict(state.model.named_parameters())))
        averages.append(deepcopy(state.average))

    monkeypatch.setattr(engine, "save_state", recording)
    run(tmp_path / "state", SARWA | {"weight_average": {"cycle": cycle}})
    assert averages[:DROP] == [None] * DROP
    for epoch in range(DROP, PLAIN["epochs"]):
        past = [ends[end] for end in taken if end < epoch]
        for name, value in averages[epoch].named_parameters():
            mean = torch.stack([parameters[name] for parameters in past]).mean(0)
            torch.testing.assert_close(value, mean, atol=1e-6, rtol=1e-5)


def test_a_training_refreshes_the_statistics_of_its_average_on_augmented_images(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("stripes.compute_module.choose", lambda threads: FLOAT32)
    state = run(tmp_path / "state", SARWA)
    data, last = stripes(), PLAIN["epochs"] - 1
    inside, _ = split_validation(len(data.labels), PLAIN["validation"]["fraction"])
    order = permutation(key_of(0, "order", last), len(inside))
    key = key_of(0, "statistics of the average", last)
    images = data.images[inside]
    batches = [shown(images[part], part, SARWA, key, FLOAT32) for part in order.split(64)]
    expected = deepcopy(state.average)
    swa_utils.update_bn(batches, expected)
    for name, value in expected.named_buffers():
        if "num_batches" not in name:
            torch.testing.assert_close(state.average.get_buffer(name), value, atol=1e-6, rtol=1e-5)
    assert all(parameter.grad is None for parameter in state.average.parameters())


def test_refreshing_the_average_leaves_the_model_alone(tmp_path, monkeypatch):
    seen, update = [], engine.update_average

    def watched(state: State, batches, compute: Compute) -> None:
        before = deepcopy(state.model.state_dict())
        update(state, batches, compute)
        after = state.model.state_dict()
        seen.append(all(torch.equal(value, after[name]) for name, value in before.items()))

    monkeypatch.setattr(engine, "update_average", watched)
    run(tmp_path / "state", SARWA)
    assert seen == [True] * (PLAIN["epochs"] - DROP)


def test_an_average_comes_back_from_its_checkpoint(folder, straight):
    state = straight("sarwa")
    again = run(folder / "sarwa", SARWA)
    assert again.resumed == state.resumed + 1 and again.averaged == 3
    assert_same(state, again)


# Forks


@pytest.mark.parametrize("parts", [SAR, SARWA], ids=["sar", "sarwa"])
def test_a_coefficient_of_zero_trains_as_without_alignment(tmp_path, straight, parts):
    nothing = parts | {"alignment": parts["alignment"] | {"coefficient": 0}}
    assert_same(run(tmp_path / "state", nothing), straight("plain"))


@pytest.mark.parametrize(
    ("recipe", "trunked", "selected"),
    [(SAR, False, DROP + 1), (SARWA, True, DROP + 1), (PLAIN, False, 1)],
    ids=["straight", "forked", "never aligned"],
)
def test_an_epoch_before_alignment_is_never_selected(
    tmp_path, monkeypatch, recipe, trunked, selected
):
    accuracy = iter(range(90, 0, -1))
    monkeypatch.setattr(engine, "validate", lambda *_: dict.fromkeys(COLUMNS, next(accuracy)))
    options = {}
    if trunked:
        run(tmp_path / "trunk", common_part(recipe), until=DROP)
        options = {"trunk": tmp_path / "trunk"}
    assert run(tmp_path / "state", recipe, **options).selected_epoch == selected


@pytest.mark.parametrize("name", ["sar", "sarwa"])
def test_recipes_part_at_the_drop_and_not_before(straight, name):
    plain, aligned = straight("plain"), straight(name)
    for epoch in range(PLAIN["epochs"]):
        same = plain.history[epoch]["train_loss"] == aligned.history[epoch]["train_loss"]
        assert same == (epoch < DROP)
    assert differs(plain, aligned)


@pytest.mark.parametrize("name", RECIPES)
def test_a_fork_equals_a_straight_training(tmp_path, straight, trunk, name):
    beginning = trunk(name)
    before = beginning.read_bytes()
    forked = run(tmp_path / "state", RECIPES[name], trunk=beginning)
    assert_same(forked, straight(name))
    assert forked.resumed == 0
    assert beginning.read_bytes() == before


class Killed(Exception):
    """Stands in for a signal in the middle of an epoch."""


@pytest.mark.parametrize("name", RECIPES)
def test_a_fork_killed_and_resumed_equals_a_straight_training(
    tmp_path, monkeypatch, straight, trunk, name
):
    made, calls, begin = engine.training_step, [], trunk(name)

    def killing(*arguments):
        step = made(*arguments)

        def counted(*batch):
            calls.append(batch)
            if len(calls) == 5:  # of 3 steps an epoch
                raise Killed
            return step(*batch)

        return counted

    monkeypatch.setattr(engine, "training_step", killing)
    with pytest.raises(Killed):
        run(tmp_path / "state", RECIPES[name], trunk=begin)
    resumed = run(tmp_path / "state", RECIPES[name], trunk=begin)
    assert resumed.resumed == 1
    assert [epoch for *_, epoch, _ in calls] == [2] * 3 + [3] * 5 + [4] * 3
    assert_same(resumed, straight(name))


def test_a_trunk_that_was_killed_goes_on(tmp_path, straight, trunk):
    part = common_part(SAR)
    run(tmp_path / "trunk", part, until=1)
    assert run(tmp_path / "trunk", part, until=DROP).resumed == 1
    assert_same(run(tmp_path / "state", SAR, trunk=tmp_path / "trunk"), straight("sar"))


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (SAR | {"batch_size": 32}, {}),
        (SAR | {"epochs": 6}, {}),
        (RECIPES["trades+sarwa"], {}),
        (SAR, {"seed": 1}),
        (SAR, {"sha256": "1"}),
    ],
    ids=["batch size", "epochs", "loss", "seed", "data"],
)
def test_a_trunk_of_another_training_is_refused(tmp_path, trunk, recipe, options):
    words = r"is no beginning of 'stripes' seed \d on this machine .*: remove it and run again\."
    with pytest.raises(UserError, match=words):
        run(tmp_path / "state", recipe, trunk=trunk("sar"), **options)


def test_a_missing_trunk_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no beginning of 'stripes'"):
        run(tmp_path / "state", SAR, trunk=tmp_path / "nothing")
