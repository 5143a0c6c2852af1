"""Claims about defences under attacks: combinations, averages, networks, numbers of images."""

import numpy as np
import pytest
from invented_measurements import DEFENCES, NETWORKS, N, defences
from shipped import BY_ID, FINDINGS, LANGUAGES, verdict, verdicts
from shipped import SCORES as ROWS

from passband.files import read_arrays, write_arrays
from passband.findings.claims.contrasts import read_clauses
from passband.findings.measured import paper_of
from passband.findings.scores import NotMeasured, read_scores
from passband.intervals.accuracies import accuracy_interval

SCORES = read_scores(ROWS)
DATASETS = ["cifar10", "cifar100", "tiny-imagenet"]
USUAL = "resnet18"
FASHION = {
    "datasets": ["fashion-mnist"],
    "papers": {"fashion-mnist": "cifar10"},
    "networks": dict.fromkeys(NETWORKS, "resnet8"),
}


def shifted(method, *points):
    """The accuracies of a method plus so many points, in the order of DEFENCES."""
    return [value + more for value, more in zip(DEFENCES[method], points, strict=True)]


CLEAN, PGD20, PGD50, CW, AUTO = np.eye(5)
CHANGES = [
    ("sar.table2.a", USUAL, "SAR", -5 * CW, "contradicted"),
    ("sar.table2.a", USUAL, "SARWA", -3.5 * AUTO, "inconclusive"),
    ("sar.table2.b", USUAL, "SARWA", -8 * PGD20, "contradicted"),
    ("sar.table2.b", USUAL, "SARWA", -1.5 * CLEAN, "inconclusive"),
    ("sar.table2.b", USUAL, "SAR", -8 * AUTO, "reproduced"),
    ("sar.table2.c", USUAL, "SARWA", -2.2 * CLEAN, "contradicted"),
    ("sar.table2.c", USUAL, "SARWA", -1.1 * CLEAN, "inconclusive"),
    ("sar.table3.a", "wrn_34_10", "AWP", 4 * CW, "contradicted"),
    ("sar.table3.a", "wrn_34_10", "MART", 2 * PGD20, "inconclusive"),
    ("sar.table3.a", "wrn_34_10", "AWP", 9 * CLEAN, "reproduced"),
    ("sar.table3.b", "wrn_34_10", "SARWA", -5 * CLEAN, "contradicted"),
    ("sar.table4.a", USUAL, "MART+SARWA", -4 * PGD50, "contradicted"),
    ("sar.table4.a", USUAL, "AWP+SAR", -1.5 * CW, "inconclusive"),
    ("sar.table4.b", USUAL, "TRADES+SARWA", -4 * CLEAN, "contradicted"),
    ("sar.table4.b", USUAL, "TRADES+SAR", -9 * CLEAN, "reproduced"),
    ("sar.table5.a", "resnet152", "SAR", -5 * PGD20, "contradicted"),
    ("sar.table5.a", "wrn_34_15", "SARWA", -3 * CLEAN, "contradicted"),
    ("sar.fig9.a", USUAL, "SAR (L2)", 3 * PGD20, "contradicted"),
    ("sar.fig9.a", USUAL, "SAR (L2)", 1.5 * PGD20, "inconclusive"),
    ("sar.fig9.a", USUAL, "SAR", -5 * CLEAN, "contradicted"),
    ("sar.fig9.a", USUAL, "SAR", 5 * CLEAN, "reproduced"),
    ("sar.fig10.a", USUAL, "SAR (λ=0.2)", 5 * PGD20, "contradicted"),
    ("sar.fig10.a", USUAL, "SAR", 5 * CLEAN, "contradicted"),
    ("sar.fig10.b", USUAL, "SARWA (λ=0.05)", -5 * CLEAN, "reproduced"),
    ("sar.fig10.b", USUAL, "SARWA (λ=0.1)", -5 * PGD20, "reproduced"),
    ("sar.fig10.b", USUAL, "PGD-AT", 5 * CLEAN, "contradicted"),
    ("sar.fig10.b", USUAL, "SARWA (λ=0.2)", 3 * PGD20, "contradicted"),
]


@pytest.mark.parametrize("name, network, method, points, expected", CHANGES)
def test_other_worlds(name, network, method, points, expected, tmp_path):
    change = {(network, method): shifted(method, *points)}
    assert verdict(name, defences(tmp_path, change=change)).verdict == expected


def test_a_coefficient_has_to_improve_both_at_once(tmp_path):
    change = {
        (USUAL, "SARWA (λ=0.05)"): shifted("SARWA (λ=0.05)", *-5 * CLEAN),
        (USUAL, "SARWA (λ=0.1)"): shifted("SARWA (λ=0.1)", *-8 * PGD20),
    }
    row = verdict("sar.fig10.b", defences(tmp_path, change=change))
    assert row.verdict == "contradicted"


def test_the_coefficient_that_does_best_is_named(tmp_path):
    change = {(USUAL, "SARWA (λ=0.05)"): shifted("SARWA (λ=0.05)", *-5 * CLEAN)}
    reason = verdict("sar.fig10.b", defences(tmp_path, change=change)).reason
    assert "SARWA (λ=0.1) leads standard AT in clean accuracy by 1.2 points (99.4 % CI" in reason
    assert "SARWA (λ=0.05) leads standard AT" not in reason


def test_an_average_outweighs_one_data_set(tmp_path):
    worse = {(USUAL, "SARWA"): shifted("SARWA", *-7 * PGD20)}
    models = [
        *defences(tmp_path, ["cifar10", "cifar100"]),
        *defences(tmp_path, ["tiny-imagenet"], change=worse),
    ]
    assert verdict("sar.table2.a", models).verdict == "contradicted"
    row = verdict("sar.table2.b", models)
    assert row.verdict == "reproduced"
    assert row.reason.startswith(
        "On average over CIFAR10, CIFAR100 and TINY-IMAGENET, SARWA gains 2.7 points"
    )


def test_the_reason_counts_comparisons_and_names_the_weakest(tmp_path):
    change = {(USUAL, "MART+SARWA"): shifted("MART+SARWA", *-4 * PGD50)}
    row = verdict("sar.table4.a", defences(tmp_path, change=change))
    assert row.reason.startswith(
        "On CIFAR10, of 32 comparisons 31 are reproduced, 1 contradicted and 0 inconclusive; "
        "the weakest: MART+SARWA leads MART under PGD-50 by −2.5 points (99.8 % CI"
    )
    assert row.effect == pytest.approx(-2.5)


def test_each_network_is_judged_on_its_own(tmp_path):
    bad = {("wrn_34_10", method): [10.0] * 5 for method in ("SAR", "SARWA")}
    bad[USUAL, "AWP"] = [99.0] * 5
    models = defences(tmp_path, DATASETS, change=bad)
    table = verdicts(FINDINGS, models).set_index("finding")
    expected = {
        "sar.table2.a": "reproduced",
        "sar.table3.a": "contradicted",
        "sar.table4.a": "contradicted",
        "sar.table5.a": "reproduced",
        "sar.table6.a": "contradicted",
    }
    assert table.loc[list(expected), "verdict"].to_dict() == expected
    assert "On CIFAR10 with ResNet-152, of 8 comparisons 8 are" in table.reason["sar.table5.a"]
    assert "On CIFAR10 with WRN-34-15, of 8 comparisons 8 are" in table.reason["sar.table5.a"]
    assert table.reason["sar.table3.a"].startswith("On CIFAR10, of")


def test_a_named_network_that_is_missing_is_not_run(tmp_path):
    models = [one for one in defences(tmp_path) if one["paper_architecture"] != "wrn_34_15"]
    reason = verdict("sar.table5.a", models).reason
    assert reason == "Not run at the tiny scale: the claim needs WRN-34-15, which is not measured."
    models = [one for one in models if one["paper_architecture"] == USUAL]
    reason = verdict("sar.table3.a", models).reason
    assert "no model is measured on CIFAR10 with WRN-34-10, nor on a stand-in" in reason


def test_a_replaced_network_is_no_large_model(tmp_path):
    networks = {"resnet152": "resnet8", "wrn_34_15": "resnet8"}
    reason = verdict("sar.table5.a", defences(tmp_path, networks=networks)).reason
    assert "the claim needs ResNet-152 and WRN-34-15, which is not measured" in reason


@pytest.fixture
def merged(tmp_path):
    """A scale that replaces data and networks: an artifact keeps the first of what is the same."""
    models = defences(tmp_path, **FASHION)
    large = {"wrn_34_10": "wrn", "resnet152": "large", "wrn_34_15": "large"}
    kept = {
        (large.get(one["paper_architecture"], "usual"), one["model"]): one
        for one in reversed(models)
    }
    return list(kept.values())


def test_merged_models_are_found_by_the_papers_network(merged):
    table = verdicts(FINDINGS, merged).set_index("finding")
    place = "On FASHION-MNIST (in place of the paper's data"
    for name in ("sar.table2.a", "sar.table2.c", "sar.table4.a", "sar.fig9.a", "sar.fig10.b"):
        assert table.verdict[name] == "reproduced"
        assert table.reason[name].startswith(f"{place}), ")
    assert table.verdict["sar.table3.a"] == "reproduced"
    assert table.reason["sar.table3.a"].startswith(f"{place} and network), of 32 comparisons 32")
    for name in ("sar.table5.a", "sar.table6.a", "sar.table7.a"):
        assert table.verdict[name] == "not run"
    large = "the claim needs CIFAR10 with ResNet-152 and WRN-34-15, which is not measured"
    assert large in table.reason["sar.table5.a"]
    general = {**BY_ID["sar.table5.a"], "transfers": True}
    row = verdict(general, merged)
    assert row.verdict == "reproduced"
    assert row.reason.count("FASHION-MNIST") == 1, "two networks became one"


def test_the_claims_own_models_come_first(tmp_path):
    """Two recipes of one method on one stand-in: each claim takes that of its own data set."""
    other = {("resnet8", "SARWA"): [0.0] * 5}
    (tmp_path / "other").mkdir()
    tiny = {**FASHION, "papers": {"fashion-mnist": "tiny-imagenet"}}
    models = [
        {**one, "model": f"{one['model']}-tiny"} if one["method"] == "SARWA" else one
        for one in defences(tmp_path / "other", change=other, **tiny)
        if one["paper_architecture"] == USUAL
    ]
    models += defences(tmp_path, **FASHION)
    assert verdict("sar.table4.a", models).verdict == "reproduced"
    moved = {**BY_ID["sar.table7.a"], "transfers": True}
    assert verdict(moved, models).verdict == "contradicted"


def test_the_common_first_images_are_compared(tmp_path):
    models = defences(tmp_path, strong=400, auto=250)
    assert verdict("sar.table2.a", models).n in (250, 400, N)
    clauses = [{"holds": "clean('SAR') - autoattack('SAR') > 0", "says": "{effect}"}]
    row = verdict({**BY_ID["sar.table2.a"], "parameters": {"clauses": clauses}}, models)
    assert row.n == 250
    paths = next(one["probes"] for one in models if one["method"] == "SAR")
    clean = read_arrays(paths["pgd-20"]["arrays"])["correct_clean"][:250]
    standing = read_arrays(paths["autoattack"]["arrays"])["survived"][-1]
    assert row.effect == pytest.approx(100 * (clean.mean() - standing.mean()))


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_accuracy_has_the_interval_of_the_figures(seeds, tmp_path):
    models = defences(tmp_path, seeds=seeds)
    clauses = [{"holds": "pgd20('SAR') > 50", "says": "{effect}"}]
    row = verdict(
        {**BY_ID["sar.table2.a"], "thresholds": "ours", "parameters": {"clauses": clauses}}, models
    )
    paths = [
        one["probes"]["pgd-20"]["arrays"]
        for one in models
        if one["method"] == "SAR" and one["architecture"] == USUAL
    ]
    values = [100 * read_arrays(path)["correct"].mean() for path in paths]
    assert len(values) == seeds
    expected = accuracy_interval(values, N)
    assert (row.effect, row.ci_low, row.ci_high) == pytest.approx(expected)
    assert row.n == N and row.unit == "percent"


def test_seeds_are_counted(tmp_path):
    row = verdict("sar.table2.b", defences(tmp_path, DATASETS, seeds=3))
    assert row.verdict == "reproduced" and row.reason.endswith("3 training runs per model.")


def test_what_is_missing_is_not_run(tmp_path):
    models = defences(tmp_path)
    without = [one for one in models if one["method"] != "SARWA (λ=0.2)"]
    assert verdict("sar.fig10.b", without).reason == (
        "Not run at the tiny scale: the SARWA (λ=0.2) model has no measurement 'pgd-20' on CIFAR10."
    )
    for one in models:
        path = one["probes"]["stronger-attacks"]["arrays"]
        write_arrays(path, read_arrays(path), {"attacks": ["pgd-10-half", "pgd-50"]})
    assert "the attack cw-30 was not measured" in verdict("sar.table2.a", models).reason
    assert verdict("sar.table2.b", models).verdict == "reproduced"


def test_attacks_are_read_by_name():
    arrays = {
        "correct": np.array([[1, 0], [0, 0], [1, 1]]),
        "attacks": np.array(["b", "cw-30", "pgd-50"]),
    }
    np.testing.assert_array_equal(SCORES["cw30"].values(arrays), [0, 0])
    np.testing.assert_array_equal(SCORES["pgd50"].values(arrays), [100, 100])
    np.testing.assert_array_equal(SCORES["autoattack"].values({"survived": np.eye(2)}), [0, 100])
    arrays = {"correct": np.array([0, 1]), "correct_clean": np.array([1, 1])}
    np.testing.assert_array_equal(SCORES["clean"].values(arrays), [100, 100])
    with pytest.raises(NotMeasured, match="the attack pgd-50 was not measured"):
        SCORES["pgd50"].values(arrays)


def test_each_stands_for_every_combination():
    clause = {
        "holds": "{attack}('{model}') - {attack}('{base}') > 0",
        "says": "{model} leads {base} under {attack} by {effect} at {1/2}",
        "each": [
            {"base": "A", "model": ["B", "C"], "attack": ["pgd20", "autoattack"]},
            {"base": "D", "model": "E", "attack": "clean"},
        ],
    }
    lines = read_clauses([clause], LANGUAGES["sar"])
    assert [line.says for line in lines] == [
        "B leads A under PGD-20 by {effect} at {1/2}",
        "B leads A under AutoAttack by {effect} at {1/2}",
        "C leads A under PGD-20 by {effect} at {1/2}",
        "C leads A under AutoAttack by {effect} at {1/2}",
        "E leads D under no attack by {effect} at {1/2}",
    ]
    assert [(term.score.name, term.method, term.factor) for term in lines[1].contrast.terms] == [
        ("autoattack", "B", 1.0),
        ("autoattack", "A", -1.0),
    ]
    assert len({line.family for line in lines}) == 1


def methods(finding):
    """The methods that the inequalities of a finding name, without their networks."""
    parameters = finding["parameters"]
    filled = [
        {**clause, "holds": clause["holds"].replace("{model}", model)}
        for clause in parameters.get("clauses", [])
        for model in parameters.get("models", ["{model}"])
    ]
    lines = read_clauses(filled, LANGUAGES[paper_of(finding)]) if filled else []
    terms = [term for line in lines for term in line.contrast.terms]
    return {term.method.partition(" with ")[0] for term in terms}


def test_every_defence_is_judged():
    between = {"SAR (λ=0.05)", "SAR (λ=0.15)"}  # drawn, but the claim is about the ends
    assert set(DEFENCES) - between <= set().union(*map(methods, FINDINGS))
