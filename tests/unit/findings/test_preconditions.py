"""Preconditions: what must hold before a claim can be tested."""

from pathlib import Path

import numpy as np
import pytest
from invented_measurements import N, world
from shipped import BY_ID, verdict, verdicts

from passband.files import write_arrays
from passband.findings.contrast import Language, Term
from passband.findings.flags import answers, flags
from passband.findings.measured import Group
from passband.findings.scores import SCORES, NotMeasured, read_scores
from passband.runs import write_run


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return world(tmp_path_factory.mktemp("preconditions"))


def needing(holds, name="sar.table1.d", says="the natural model's clean accuracy is {effect}"):
    return BY_ID[name] | {"needs": ["trained"]}, {"trained": {"holds": holds, "says": says}}


@pytest.mark.parametrize(
    "holds, verdict",
    [
        ("clean(natural) > 93.9", "reproduced"),
        ("clean(natural) > 94", "not testable here"),
        ("clean(natural) < 94", "not testable here"),
        ("clean(natural) < 94.1", "reproduced"),
        ("abs(clean(natural) - 94) < 0.1", "reproduced"),
        ("abs(clean(natural) - 94) > 0.1", "not testable here"),
    ],
)
def test_a_point_value_decides_at_the_edge(holds, verdict, models):
    finding, preconditions = needing(holds)
    assert verdicts([finding], models, preconditions).iloc[0].verdict == verdict


def test_the_reason_begins_with_what_fails(models):
    finding, preconditions = needing("clean(natural) > 95")
    row = verdicts([finding], models, preconditions).iloc[0]
    assert row.reason.startswith(
        "The precondition trained fails on CIFAR10: the natural model's clean accuracy is 94.0 "
        "percent (needed: more than 95 percent). On CIFAR10, "
    )
    assert row.effect == verdict("sar.table1.d", models).effect


def test_a_precondition_that_is_not_measured_is_not_run(models):
    finding, preconditions = needing("clean('SARWA') > 1")
    assert verdicts([finding], models, preconditions).iloc[0].verdict == "not run"


@pytest.mark.parametrize("images, expected", [(99, "not testable here"), (100, "reproduced")])
def test_a_hundred_images_are_needed(images, expected, tmp_path):
    models = world(tmp_path)
    for entry in models:
        arrays = {"correct": np.zeros(images), "correct_clean": np.ones(images)}
        write_arrays(entry["probes"]["pgd-20"]["arrays"], arrays, {})
    clauses = [{"holds": "pgd20(lmodel) < 20", "says": "{effect}"}]
    row = verdict(
        BY_ID["sar.table1.d"] | {"thresholds": "ours", "parameters": {"clauses": clauses}}, models
    )
    assert row.verdict == expected
    few = "Too few images on CIFAR10: 99 (needed: at least 100). "
    assert row.reason.startswith(few) == (images == 99)


def table(models, *checks):
    """An artifact that asks for checks of all models."""
    columns = [{"name": "PGD", "measured": "pgd-20", "attack": "pgd-20"}]
    options = {"columns": columns, "checks": list(checks)}
    return {"models": [entry["slug"] for entry in models], "options": options}


def test_a_flagged_model_tests_nothing(tmp_path):
    models = world(tmp_path)
    path = next(one for one in models if one["method"] == "L-model")["probes"]["pgd-20"]["arrays"]
    zeros = np.zeros(N, np.uint8)
    arrays = {"correct": zeros, "correct_clean": zeros + 1, "zero_gradient": zeros + 1}
    others = [one for one in models if one["method"] != "L-model"]
    write_arrays(path, arrays, {})
    for entry in others:
        place = entry["probes"]["pgd-20"]["arrays"]
        write_arrays(place, arrays | {"zero_gradient": zeros}, {})
    asked = [table(models, {"check": "has_no_gradient"})]
    assert len(flags(models, asked)) == 1 and not flags(models, [{**asked[0], "options": {}}])
    row, other = verdicts(["sar.table1.d", "sar.table1.c"], models, artifacts=asked).itertuples()
    assert row.verdict == "not testable here" and other.verdict == "reproduced"
    assert row.reason.startswith("The L-model on CIFAR10 may be falsely robust: gradients vanish: ")


def test_only_accuracy_under_attack_can_be_false():
    scores = read_scores(
        {
            "clean": {"score": "clean_accuracy", "probe": "a"},
            "attacked": {"score": "robust_accuracy", "probe": "a"},
            "accuracy": {"score": "accuracy_behind_filter", "probe": "b"},
        }
    )
    given = [("clean", ()), ("attacked", ()), ("accuracy", ("clean", 1)), ("accuracy", ("FGSM", 1))]
    terms = [Term(1.0, scores[name], "AT with VGG", arguments) for name, arguments in given]
    assert [term.attacked for term in terms] == [False, True, False, True]
    assert (terms[0].name, terms[0].network) == ("AT", "VGG")


def test_overfitting_to_a_single_step_falsifies_nothing_but_that_step(tmp_path):
    models = world(tmp_path)
    right = np.ones(N, np.uint8)
    for entry in models:
        if entry["method"] == "L-model":  # withstands one step, but not many
            path = Path(entry["probes"]["pgd-20"]["arrays"])
            entry["probes"]["fgsm"] = {"arrays": str(path.with_name("fgsm.safetensors"))}
            write_arrays(path, {"correct": 0 * right, "correct_clean": right}, {})
            write_arrays(
                path.with_name("fgsm.safetensors"), {"correct": right, "correct_clean": right}, {}
            )
    check = {"check": "one_step_overfitting", "fewer": "fgsm", "more": "pgd-20"}
    asked = table([one for one in models if one["method"] == "L-model"], check)
    asked["options"]["columns"].append({"name": "FGSM", "measured": "fgsm", "attack": "fgsm"})
    (signs,) = flags(models, [asked]).values()
    assert list(signs) == ["fgsm"] and signs["fgsm"].startswith("a single step overrates it")
    (row,) = verdicts(["sar.table1.d"], models, artifacts=[asked]).itertuples()
    assert row.verdict == "reproduced"  # under PGD-20


def test_answers_of_every_kind_of_probe():
    one, two = np.array([1, 0], np.uint8), np.array([[1, 1], [0, 1]], np.uint8)
    found = answers(
        {
            "pgd": {"correct": one, "correct_clean": np.array([0, 1], np.uint8)},
            "strong": {"correct": two, "correct_clean": one, "attacks": np.array(["a", "b"])},
            "worst": {"survived": two, "correct_clean": one, "attacks": np.array(["c", "d"])},
            "filtered": {
                "correct": np.stack([two, two, 1 - two]).transpose(0, 2, 1),
                "bandwidths": np.array([4, 2]),
                "attacks": np.array(["e", "f"]),
            },
        }
    )
    assert list(found) == ["pgd", "none", "a", "b", "worst:none", "worst:c", "worst:d", "e", "f"]
    assert found["pgd"].tolist() == [0, 0] and found["b"].tolist() == [0, 1]


HISTORY = {
    "lr": np.array([0.1, 0.1, 0.02, 0.01, 0.001]),
    "peak_rate": np.array([0.1]),
    "start|spectral_alignment": np.array([2]),
    "val_accuracy": np.array([10.0, 60.0, 70.0, 69.0, 72.0]),
}


def test_epochs_at_work():
    score = SCORES["epochs_at_work"]
    assert score(HISTORY, part="spectral_alignment", rate="1/10") == [2]
    assert score(HISTORY, part="spectral_alignment", rate=0.001) == [3]
    with pytest.raises(NotMeasured, match="no part 'weight_average'"):
        score(HISTORY, part="weight_average", rate=0.1)


def test_accuracy_gained_late():
    score = SCORES["gained_late"]
    assert score(HISTORY, column="val_accuracy", share="1/5") == [2]
    assert score(HISTORY, column="val_accuracy", share="2/5") == [2]
    assert score({"val_accuracy": np.array([40.0])}, column="val_accuracy", share="1/5") == [40]
    assert SCORES["last_epoch"](HISTORY, column="val_accuracy") == [72]
    with pytest.raises(NotMeasured, match="no 'val_robust_accuracy'"):
        score(HISTORY, column="val_robust_accuracy", share="1/5")


def test_a_training_tells_its_schedule(tmp_path):
    files = {"run": str(tmp_path / "run.json"), "history": str(tmp_path / "history.csv")}
    rows = [{"epoch": epoch, "lr": rate} for epoch, rate in ((1, 0.1), (2, 0.01))]
    told = {"recipe": {"optimizer": {"learning_rate": 0.1}}, "starts": {"adversary": 0}}
    write_run(tmp_path / "run.json", told, {"history": (tmp_path / "history.csv", rows)})
    group = Group("d", "D", False, {"AT": {0: {"training": files}}}, "", Language({}, {}, {}))
    arrays = group.read("AT", "training")[0]
    assert SCORES["epochs_at_work"](arrays, part="adversary", rate="1/10") == [2]
