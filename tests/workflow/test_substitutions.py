"""What a scale trains in the place of the papers' trainings, as labels and lists say it."""

import pytest
from test_plans import ROOT, planned

from passband.errors import UserError
from passband.plan import read_yaml
from passband.plan.substitutions import attack_title, substitutions, trained_with, with_labels

PGD10 = {"name": "pgd-10", "attack": "pgd", "steps": 10}
PGD20 = {"name": "pgd-20", "attack": "pgd", "steps": 20}
ONE = {"name": "one-step", "attack": "pgd", "steps": 1}
FAR = {"name": "pgd-10-half", "attack": "pgd", "steps": 10, "epsilon": 0.5}


def recipe(attack=PGD10, validation=PGD20, batch=128, epochs=100, select="val_robust_accuracy"):
    parts = {"adversary": {"attack": attack}} if attack else {}
    attacked = {"attack": validation} if validation else {}
    return {
        "parts": parts,
        "validation": {"fraction": 0.1, **attacked},
        "select": select,
        "batch_size": batch,
        "epochs": epochs,
    }


def test_training_attack_comes_first():
    quick = recipe(ONE, {"name": "pgd-5", "attack": "pgd", "steps": 5}, batch=50, epochs=2)
    assert substitutions(quick, recipe()) == [
        "training attack one step (paper: PGD-10)",
        "selection attack PGD-5 (paper: PGD-20)",
        "batch size 50 (paper: 128)",
        "epochs 2 (paper: 100)",
    ]


def test_the_papers_own_training_substitutes_nothing():
    assert substitutions(recipe(), recipe()) == []
    assert substitutions(recipe(None, None), recipe(None, None)) == []


def test_attacks_that_only_one_side_has():
    assert substitutions(recipe(None), recipe()) == ["training attack none (paper: PGD-10)"]
    unattacked = recipe(validation=None, select="last")
    assert substitutions(unattacked, recipe()) == ["selection attack none (paper: PGD-20)"]


def test_attacks_of_the_same_title_go_by_their_names():
    assert attack_title(FAR) == attack_title(PGD10) == "PGD-10"
    assert trained_with(recipe(FAR), recipe())["training_attack"] == ["pgd-10-half", "pgd-10"]


def test_names_in_braces_are_filled_from_the_papers_own_models():
    models = [
        {"paper": "other", "method": "AT", "trained_with": {"batch_size": [1, 1]}},
        {"paper": "mine", "method": "AT", "trained_with": {"batch_size": [64, 256]}},
    ]
    paper = {"methods": {"AT": {"label": "size {batch_size}", "colour": "blue"}}}
    filled = with_labels("mine", paper, models)["methods"]["AT"]
    assert filled == {"label": "size 64 (paper: 256)", "colour": "blue"}
    assert with_labels("mine", {"title": "T"}, models) == {"title": "T"}


def test_unknown_name_in_braces():
    paper = {"methods": {"AT": {"reads": "model with {batchsize}"}}}
    with pytest.raises(UserError, match=r"'AT' of paper 'mine'.*batchsize.*batch_size"):
        with_labels("mine", paper, [])


def test_smoke_says_one_step_for_the_papers_attacks():
    plan = planned(scale="smoke")
    smoke = read_yaml(ROOT / "config/scales/smoke.yaml")["recipes"]["*"]
    robust = plan.models["sar-c10-rn18-pgd10"]
    assert robust["trained_with"]["training_attack"] == ["one step", "PGD-10"]
    assert robust["substitutions"][0] == "training attack one step (paper: PGD-10)"
    assert f"epochs {smoke['epochs']} (paper: 100)" in robust["substitutions"]
    natural = plan.models["sar-c10-rn18-natural"]
    assert "training_attack" not in natural["trained_with"]
    small = plan.papers["fourier_study"]["methods"]["PGD-7-AT (batch 64)"]
    assert small["reads"] == f"model with batch size {smoke['batch_size']} (paper: 64)"


def test_paper_scale_substitutes_nothing():
    plan = planned()
    assert not any(row["substitutions"] for row in plan.models.values())
    small = plan.papers["fourier_study"]["methods"]["PGD-7-AT (batch 64)"]
    assert small["label"] == "batch size 64"
