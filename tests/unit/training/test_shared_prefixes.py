"""Late parts: the weight average, and trainings that share a prefix."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from stripes import ATTACK, DOUBLE, FLOAT32, RECIPE, changed, run, stripes
from torch import nn
from torch.optim import swa_utils

from passband import models
from passband.draws import key_of, permutation
from passband.errors import UserError
from passband.training import engine
from passband.training.checkpoint import State
from passband.training.engine import split_validation
from passband.training.parts import weight_average
from passband.training.parts.weight_average import include, refresh_statistics
from passband.training.recipes import prefix_of, shared_prefixes
from passband.training.step import parts_of, shown

pytestmark = pytest.mark.usefixtures("strict")

DROP = 2
PLAIN = RECIPE | {
    "epochs": 5,
    "schedule": {"kind": "steps", "milestones": [DROP], "factors": [0.1]},
}
ALIGNMENT = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
AVERAGE = ALIGNMENT | {"natural_branch": "average"}
SAR = changed({"method": "SAR", "spectral_alignment": ALIGNMENT}, PLAIN)
LATE = {"method": "SARWA", "spectral_alignment": AVERAGE, "weight_average": {"cycle": 1}}
SARWA = changed(LATE, PLAIN)
KL = {"attack": ATTACK | {"loss": "kl", "start": "normal"}, "batchnorm": "eval"}
TRADES = changed({"method": "TRADES", "adversary": KL, "trades": {"beta": 6}}, PLAIN)
AWP = changed({"method": "AWP", "weight_perturbation": {"gamma": 0.01, "warmup": DROP}}, PLAIN)
RECIPES = {
    "plain": PLAIN,
    "sar": SAR,
    "sarwa": SARWA,
    "sarwa-2": changed({"weight_average": {"cycle": 2}}, SARWA),
    "trades+sarwa": changed(LATE, TRADES),
    "awp": AWP,
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


def common(recipe: dict) -> dict:
    return prefix_of(recipe)[0]


@pytest.fixture(scope="module")
def prefix(folder):
    """Trains what a recipe of RECIPES has in common with others, once; gives the file."""

    def prefix(name: str) -> Path:
        recipe = common(RECIPES[name])
        path = folder / f"prefix of {'trades' in recipe['parts']}"
        if not path.exists():
            run(path, recipe, until=DROP)
        return path

    return prefix


# Which trainings share


def test_the_common_part_is_what_happens_before_the_first_late_part():
    assert common(SAR) == common(SARWA) == common(AWP) == common(PLAIN)
    assert common(RECIPES["trades+sarwa"]) == common(TRADES) != common(PLAIN)
    assert common(PLAIN) == {key: value for key, value in PLAIN.items() if key != "method"}
    for key, value in (("epochs", 6), ("batch_size", 32), ("select", "last")):
        assert common(SAR | {key: value}) != common(SAR)
    assert [prefix_of(recipe)[1] for recipe in (PLAIN, SAR, AWP)] == [None, DROP, DROP]


def rows(**recipes: dict) -> dict[str, dict]:
    return {name: {"dataset": "stripes", "recipe": recipe} for name, recipe in recipes.items()}


def test_trainings_share_up_to_the_earliest_late_part():
    early = changed({"weight_perturbation": {"gamma": 0.01, "warmup": 1}}, PLAIN)
    trainings = rows(plain=PLAIN, sar=SAR, trades=TRADES)
    found = shared_prefixes(trainings)
    assert found == {"plain": {"dataset": "stripes", "recipe": common(PLAIN), "until": DROP}}
    assert {name: row["shared_prefix"] for name, row in trainings.items()} == {
        "plain": "plain",
        "sar": "plain",
        "trades": None,
    }
    found = shared_prefixes(rows(sar=SAR, early=early))
    assert {name: row["until"] for name, row in found.items()} == {"sar": 1}


def test_recipes_that_differ_in_their_method_only_share_everything(tmp_path):
    renamed = PLAIN | {"method": "the same"}
    found = shared_prefixes(rows(plain=PLAIN, renamed=renamed))
    assert {name: row["until"] for name, row in found.items()} == {"plain": PLAIN["epochs"]}
    whole = run(tmp_path / "prefix", common(PLAIN), until=PLAIN["epochs"])
    state = run(tmp_path / "state", renamed, shared_prefix=tmp_path / "prefix")
    assert_same(state, whole)
    assert state.resumed == 0


def test_nothing_is_shared_alone_or_between_data_sets_or_with_a_part_from_the_beginning():
    always = changed({"weight_perturbation": {"gamma": 0.01, "warmup": 0}}, PLAIN)
    other = {"other": {"dataset": "spots", "recipe": SARWA}}
    for trainings in (rows(sar=SAR), rows(sar=SAR) | other, rows(a=PLAIN, c=always)):
        assert shared_prefixes(trainings) == {}
        assert all(row["shared_prefix"] is None for row in trainings.values())


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


def batches_of(sizes: list[int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, 1, 16, 16, generator=generator, dtype=torch.float64) for size in sizes]


def test_refreshed_statistics_equal_those_of_update_bn():
    expected = small(0)
    expected(batches_of([7])[0])  # statistics to be forgotten
    refreshed, batches = deepcopy(expected), batches_of([32] * 5)
    swa_utils.update_bn(batches, expected)
    refresh_statistics(refreshed, refreshed, iter(batches))
    for name, value in expected.named_buffers():
        if "num_batches" not in name:
            torch.testing.assert_close(refreshed.get_buffer(name), value, atol=1e-12, rtol=1e-10)
    assert not refreshed.training
    assert {m.momentum for m in refreshed.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_a_batch_weighs_as_many_images_as_it_has():
    model, sizes = small(0), [32, 32, 9]
    batches = batches_of(sizes)
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
    run(tmp_path / "state", changed({"weight_average": {"cycle": cycle}}, SARWA))
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
    parts = parts_of(SARWA)
    batches = [shown(images[part], part, SARWA, parts, key, FLOAT32) for part in order.split(64)]
    expected = deepcopy(state.average)
    swa_utils.update_bn(batches, expected)
    for name, value in expected.named_buffers():
        if "num_batches" not in name:
            torch.testing.assert_close(state.average.get_buffer(name), value, atol=1e-6, rtol=1e-5)
    assert all(parameter.grad is None for parameter in state.average.parameters())


def test_refreshing_the_average_leaves_the_model_alone():
    model = small(0)
    state = State(model, torch.optim.SGD(model.parameters()))
    before = deepcopy(model.state_dict())
    for since in range(3):
        weight_average.weight_average(state, batches_of([8, 8]), DOUBLE, since, cycle=2)
    assert state.averaged == 2
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_an_average_comes_back_from_its_checkpoint(folder, straight):
    state = straight("sarwa")
    again = run(folder / "sarwa", SARWA)
    assert again.resumed == state.resumed + 1 and again.averaged == 3
    assert_same(state, again)


# Forks


@pytest.mark.parametrize(
    ("recipe", "from_prefix", "selected"),
    [(SAR, False, DROP + 1), (SARWA, True, DROP + 1), (PLAIN, False, 1)],
    ids=["straight", "forked", "no late part"],
)
def test_an_epoch_before_a_late_part_starts_is_never_selected(
    tmp_path, monkeypatch, recipe, from_prefix, selected
):
    accuracy = iter(range(90, 0, -1))
    monkeypatch.setattr(engine, "validate", lambda *_: dict.fromkeys(COLUMNS, next(accuracy)))
    options = {}
    if from_prefix:
        run(tmp_path / "prefix", common(recipe), until=DROP)
        options = {"shared_prefix": tmp_path / "prefix"}
    assert run(tmp_path / "state", recipe, **options).selected_epoch == selected


@pytest.mark.parametrize("name", ["sar", "sarwa"])
def test_recipes_part_at_the_drop_and_not_before(straight, name):
    plain, aligned = straight("plain"), straight(name)
    for epoch in range(PLAIN["epochs"]):
        same = plain.history[epoch]["train_loss"] == aligned.history[epoch]["train_loss"]
        assert same == (epoch < DROP)
    assert differs(plain, aligned)


@pytest.mark.parametrize("name", RECIPES)
def test_a_fork_equals_a_straight_training(tmp_path, straight, prefix, name):
    beginning = prefix(name)
    before = beginning.read_bytes()
    forked = run(tmp_path / "state", RECIPES[name], shared_prefix=beginning)
    assert_same(forked, straight(name))
    assert forked.resumed == 0
    assert beginning.read_bytes() == before


class Killed(Exception):
    """Stands in for a signal in the middle of an epoch."""


@pytest.mark.parametrize("name", RECIPES)
def test_a_fork_killed_and_resumed_equals_a_straight_training(
    tmp_path, monkeypatch, straight, prefix, name
):
    made, calls, begin = engine.stepping, [], prefix(name)

    def killing(*arguments):
        step = made(*arguments)

        def counted(*batch):
            calls.append(batch)
            if len(calls) == 5:  # of 3 steps an epoch
                raise Killed
            return step(*batch)

        return counted

    monkeypatch.setattr(engine, "stepping", killing)
    with pytest.raises(Killed):
        run(tmp_path / "state", RECIPES[name], shared_prefix=begin)
    resumed = run(tmp_path / "state", RECIPES[name], shared_prefix=begin)
    assert resumed.resumed == 1
    assert [epoch for *_, epoch, _ in calls] == [2] * 3 + [3] * 5 + [4] * 3
    assert_same(resumed, straight(name))


def test_a_prefix_that_was_killed_goes_on(tmp_path, straight):
    path = tmp_path / "prefix"
    run(path, common(SAR), until=1)
    assert run(path, common(SAR), until=DROP).resumed == 1
    assert_same(run(tmp_path / "state", SAR, shared_prefix=path), straight("sar"))


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
def test_a_prefix_of_another_training_is_refused(tmp_path, prefix, recipe, options):
    words = r"does not match the recipe, data or precision of 'stripes' seed \d: remove it"
    with pytest.raises(UserError, match=words):
        run(tmp_path / "state", recipe, shared_prefix=prefix("sar"), **options)


def test_a_missing_prefix_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not match the recipe, data or precision of"):
        run(tmp_path / "state", SAR, shared_prefix=tmp_path / "nothing")
