"""Findings are checked while planning: every name, with the nearest one."""

import subprocess
import sys

import pytest
from shipped import BY_ID, FINDINGS, PAPERS, SCORES, checked

from passband.errors import UserError
from passband.findings.measured import paper_of


@pytest.mark.parametrize("paper", PAPERS)
def test_the_shipped_findings_are_sound(paper):
    checked([finding for finding in FINDINGS if paper_of(finding) == paper])


def test_checking_needs_no_heavy_module():
    heavy = "{'torch', 'pandas', 'scipy'} & set(sys.modules)"
    check = f"import sys, passband.findings.check; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def broken(name="sar.table1.d", **change):
    return {**BY_ID[name], **change}


def clause(holds, **more):
    return {"parameters": {"clauses": [{"holds": holds, "says": "{effect}", **more}]}}


ZERO = {"holds": "pgd20(lmodel) - pgd20(natural) > 0", "says": "{effect}"}
EACH = {"holds": "pgd20('{m}') > 0", "says": "{effect}"}
SOME = {
    "models": ["SAR", "SARWA"],
    "clauses": [{"holds": "clean('{model}') > 0", "says": "{effect}"}],
}
MAJORITY = BY_ID["sar.fig7.c"]["parameters"]
EPOCHS = BY_ID["fourier_study.fig5.b"]["parameters"]
DEPENDS = BY_ID["sar.fig4.a"]["parameters"]


def several(test="contrasts", **parameters):
    return {"test": test, "parameters": parameters}


CHANGES = [
    ({"test": "contrast"}, "unknown test 'contrast': did you mean 'contrasts'"),
    ({"theme": "where-attack-live"}, "unknown theme 'where-attack-live': did you mean 'where-att"),
    ({"shares": "sar.table1.d"}, "finding in 'shares', which shares with no other, 'sar.table1.d'"),
    ({"thresholds": "ours"} | {"parameters": {"clauses": [ZERO]}}, "are 0, .* remove 'thresholds'"),
    *(
        (
            several(clauses=[{**EACH, "each": [{"m": ["SAR", "SARWA"]}], "at_least": count}]),
            f"at_least is '{count}', expected a whole number from 1 to 2",
        )
        for count in (3, 0, 1.5, True)
    ),
    ({"parameters": {}}, "lacks the key 'clauses'"),
    ({"parameters": {"clause": []}}, "'clause': did you mean 'clauses'"),
    ({"parameters": {"clauses": "all"}}, "clauses is 'all', expected a list"),
    ({"datasets": ["cifar1"]}, "unknown data set 'cifar1': did you mean 'cifar10'"),
    ({"architectures": ["resnet81"]}, "unknown architecture 'resnet81': did you mean 'resnet8'"),
    (clause("pgd20(lmodel) < 1", on=["mnist"]), "unknown key of a clause 'on'"),
    (clause("pgd20(lmodel) < 1", **{"for": ["cifar1"]}), "data set in 'for' 'cifar1': did you"),
    (clause("pgd(lmodel) < 1"), "unknown score 'pgd': did you mean 'pgd"),
    (clause("pgd20(natura) < 1"), "unknown model 'natura': did you mean 'natural'"),
    (clause("pgd20('SARW') < 1"), "unknown method 'SARW': did you mean 'SARWA'"),
    (clause("pgd20() < 1"), r"pgd20 takes \(model\)"),
    (clause("lowpass(natural) < 1"), r"takes \(model, bandwidth\)"),
    (clause("lowpass(natural, 16) < 1"), "share of the image side"),
    (clause("detail(natural, blurred) < 1"), "unknown image 'blurred'"),
    (
        clause("accuracy(natural, 'PGD20', 1) < 1"),
        "attack of accuracy 'pgd20': did you mean 'pgd-20'",
    ),
    (
        clause("follows_high(natural, 'disc-lo-4') < 1"),
        "filter of follows_high 'disc-lo-4': did you mean 'disc-low-4'",
    ),
    (
        clause("follows_high(natural, 'disc-high-4') < 1"),
        "filter of follows_high 'disc-high-4': did you mean 'disc-low-4'",
    ),
    (clause("pgd20(lmodel)"), "an inequality"),
    (clause("1 < 2"), "scores belong on the left"),
    (clause("pgd20(lmodel) < pgd20(robust)"), "scores belong on the left"),
    (clause("pgd20(lmodel) * pgd20(robust) < 1"), "stands where"),
    (clause("pgd20(lmodel) + shape(robust, filtered) < 1"), "different units"),
    (clause("total_variation(natural) - ratio_last(natural) > 0"), "kernels and of training"),
    (clause("shallow_deep(natural) - shape(natural, filtered) > 0"), "batches and of images"),
    (clause("clean(natural) > 0", margin=1), "score of images; remove it"),
    (clause("__import__('os').system('true') < 1"), "stands where"),
    (clause("pgd20(lmodel < 1"), "cannot be read"),
    (several(clauses=[EACH]), r"the mark \{m\} has no value; name it in 'each'"),
    (several(clauses=[{**EACH, "each": [{"n": "SAR"}]}]), "unknown mark in 'each' of .* 'n'"),
    (
        several(clauses=[{**EACH, "holds": "{m}(robust) > 0", "each": [{"m": "pgd2"}]}]),
        "unknown score 'pgd2': did you mean 'pgd20'",
    ),
    (several("contrasts_for_some_model", **SOME | {"models": ["SAR"]}), "at least two"),
    (
        several("contrasts_for_some_model", **SOME | {"models": ["SAR", "SARWAA"]}),
        "unknown method 'SARWAA': did you mean 'SARWA'",
    ),
    (
        several(
            "contrasts_for_some_model",
            models=SOME["models"],
            clauses=[{**EACH, "holds": "clean(robust) > 0"}],
        ),
        r"none has the mark \{model\}",
    ),
    (several("contrasts_between_networks", clauses=SOME["clauses"]), "no value|names no network"),
    (
        {**clause("clean('SAR with ResNet-81') > 0"), "test": "contrasts_between_networks"},
        "unknown network of the claim 'ResNet-81': did you mean 'ResNet-18'",
    ),
    (several("less_sensitive_in_most_frequencies", **MAJORITY | {"share": "x"}), "share is x"),
    (several("less_sensitive_in_most_frequencies", **MAJORITY | {"than": "x"}), "method 'x'"),
    (
        several("less_sensitive_in_most_frequencies", **MAJORITY | {"probe": "lowpass"}),
        "expected a fourier_heatmap probe: fourier-heatmap",
    ),
    (
        several("rank_correlation_with_epoch", **EPOCHS | {"recorder": "first-act"}),
        "unknown recorder 'first-act': did you mean 'first-activation'",
    ),
    (
        several("depends_on_model_and_dataset", **DEPENDS | {"score": "energy({model}, 1/2)"}),
        "unknown score 'energy'",
    ),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_bad_finding_is_named(change, words):
    with pytest.raises(UserError, match=words) as caught:
        checked([broken(**change)])
    assert str(caught.value).startswith("finding sar.table1.d: ")


def test_a_claim_may_await_the_models_of_another_paper():
    row = clause("clean('Another method') > 0")
    checked([broken(**row, awaits="another")])
    with pytest.raises(UserError, match="unknown method 'Another method'"):
        checked([broken(**row)])


def test_a_measurement_that_nobody_asks_for_is_named():
    measured = {"L-model": {"lowpass"}, "natural": {"pgd-20"}}
    with pytest.raises(UserError, match="needs the measurement 'pgd-20' of L-model") as caught:
        checked([BY_ID["sar.table1.d"]], measured=measured)
    assert "Measured of it: lowpass." in str(caught.value)
    runs = {method: {"training", "training:another"} for method in ("natural", "PGD-7-AT")}
    with pytest.raises(UserError, match="the measurement 'training:first-activation' of natural"):
        checked([BY_ID["fourier_study.fig5.a"]], measured=runs)


def test_a_paper_without_usual_networks_names_them():
    paper = {key: value for key, value in PAPERS["sar"].items() if key != "networks"}
    with pytest.raises(UserError, match="no usual 'networks'"):
        checked([BY_ID["sar.table1.d"]], paper=paper)
    checked([broken(architectures=["resnet18"])], paper=paper)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"score": "clean_accuracy"}, "score 'clean' lacks the key 'probe'"),
        ({"score": "clean_acuracy", "probe": "pgd-20"}, "did you mean 'clean_accuracy'"),
        ({"score": "clean_accuracy", "probe": "pgd-2"}, "probe of score 'clean' 'pgd-2'"),
        (
            {"score": "clean_accuracy", "probe": "lowpass"},
            "score 'clean' reads 'lowpass', but clean_accuracy needs what attack measures: ",
        ),
        (
            {"score": "accuracy_under", "probe": "stronger-attacks", "attack": "pgd-500"},
            "score 'clean', attack: unknown attack 'pgd-500': did you mean 'pgd-50'",
        ),
        (
            {"score": "accuracy_under", "probe": "stronger-attacks"},
            "score 'clean' lacks the key 'attack'",
        ),
        ({"score": "perturbation_band", "probe": "pgd-20-bands", "keep": "lo"}, "'lo': did you"),
    ],
)
def test_a_bad_score_is_named(row, words):
    with pytest.raises(UserError, match=words):
        checked([BY_ID["sar.table1.d"]], scores=SCORES | {"clean": row})


def test_a_threshold_names_its_origin():
    row = {key: value for key, value in broken("sar.table1.a").items() if key != "thresholds"}
    with pytest.raises(UserError, match="it has the threshold 2; add 'thresholds: paper' or 'our"):
        checked([row])


def test_a_finding_shares_with_one_that_shares_with_no_other():
    first, second, third = (broken(id=f"sar.table1.{letter}") for letter in "xyz")
    checked([first, second | {"shares": "sar.table1.x"}, third | {"shares": "sar.table1.x"}])
    with pytest.raises(UserError, match=r"shares with no other, 'sar\.table1\.y'"):
        checked([first, second | {"shares": "sar.table1.x"}, third | {"shares": "sar.table1.y"}])


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ("clean(natura) > 1", "^precondition 'known': .* unknown model 'natura': did you mean"),
        ("clean(natural)", "^precondition 'known': .* an inequality"),
        ("aligned_epochs('SARW') > 1", "^finding sar.table1.d: unknown method 'SARW'"),
        ("shallow_deep(natural) > 1", "^finding sar.table1.d: it needs .* 'layer-similarity' of"),
    ],
)
def test_a_bad_precondition_is_named(holds, words):
    measured = {name: {"training", "pgd-20"} for name in ("L-model", "natural", "PGD-AT")}
    with pytest.raises(UserError, match=words):
        checked(
            [broken(needs=["known"])],
            preconditions={"known": {"holds": holds, "says": "{effect}"}},
            measured=measured,
        )


def test_an_unknown_precondition_and_one_that_no_finding_needs_are_named():
    row = {"holds": "clean(natural) > 1", "says": "{effect}"}
    with pytest.raises(UserError, match="precondition in 'needs' 'knwn': did you mean 'known'"):
        checked([broken(needs=["knwn"])], preconditions={"known": row})
    with pytest.raises(UserError, match="precondition 'spare': no finding needs it; name it under"):
        checked([broken(needs=["known"])], preconditions={"known": row, "spare": row})


def test_a_part_of_a_score_is_known():
    row = {**SCORES["aligned_epochs"], "part": "spectral_alinment"}
    with pytest.raises(UserError, match="did you mean 'spectral_alignment'"):
        checked([broken()], scores=SCORES | {"aligned_epochs": row})
