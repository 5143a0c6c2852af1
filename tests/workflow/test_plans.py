"""What a plan trains: every model of the papers, and each shared prefix once."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from passband.errors import UserError
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.reading import merged

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ("cifar10", "cifar100", "tiny-imagenet")
DEFENCES = ("PGD-AT", "TRADES", "MART", "AWP")
PRINTED_DATASETS = {
    "CIFAR-10": "cifar10",
    "CIFAR-100": "cifar100",
    "TinyImageNet": "tiny-imagenet",
}
DISTANCES = {"SAR": "l1", "SAR (L2)": "l2", "SAR (cosine)": "cosine"}
COEFFICIENTS = {
    **{"SAR": 0.1, "SAR (λ=0.05)": 0.05, "SAR (λ=0.15)": 0.15, "SAR (λ=0.2)": 0.2},
    **{"SARWA": 0.15, "SARWA (λ=0.05)": 0.05, "SARWA (λ=0.1)": 0.1, "SARWA (λ=0.2)": 0.2},
}


def planned(changes: dict | None = None, scale: str = "paper") -> Plan:
    config = merged(read_yaml(ROOT / "config/config.yaml"), {"scale": scale} | (changes or {}))
    return plan(scale_config(config, ROOT), ROOT)


@pytest.fixture(scope="module")
def paper() -> Plan:
    return planned()


def recipes(one: Plan, slug: str) -> dict:
    """The resolved recipe of the model with this slug."""
    return one.trainings[one.models[slug]["model"]]["recipe"]


def changed(changes: dict, before: Plan, part: str) -> set[str]:
    """Names in one part of the plan that the changes add, or whose rows they change."""
    old, new = getattr(before, part), getattr(planned(changes), part)
    return {name for name, row in new.items() if old.get(name) != row}


# ---- the models of the papers


def printed_models() -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Tables with the data set, network and method of each of their rows."""
    for path in sorted((ROOT / "config/papers/sar/printed").glob("table*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["method"]:
                    found = PRINTED_DATASETS[row["dataset"]], row["model"], row["method"]
                    yield f"sar.{path.stem}", found


def shown_models(one: Plan, artifact: str) -> set[tuple[str, str, str]]:
    rows = [one.models[slug] for slug in one.artifacts[artifact]["models"]]
    return {(row["dataset"], row["architecture_title"], row["method"]) for row in rows}


def test_tables_show_the_models_that_the_paper_prints(paper):
    printed: dict[str, set] = {}
    for artifact, model in printed_models():
        printed.setdefault(artifact, set()).add(model)
    assert len(printed) == 7
    for artifact, models in printed.items():
        assert shown_models(paper, artifact) == models, artifact


@pytest.mark.parametrize("dataset", DATASETS)
def test_four_defences_are_trained_alone_and_with_both_methods(paper, dataset):
    found = {
        row["method"]
        for row in paper.models.values()
        if (row["dataset"], row["architecture"]) == (dataset, "resnet18")
    }
    alone = set(DEFENCES)
    with_both = {f"{one}+{other}" for one in DEFENCES[1:] for other in ("SAR", "SARWA")}
    ablations = {*DISTANCES, *COEFFICIENTS} - {"SAR", "SARWA"} if dataset == "cifar10" else set()
    both = {"SAR", "SARWA"}
    assert found == {"natural", "L-model"} | alone | both | with_both | ablations
    assert len(alone | both | with_both) == 12


def without(recipe: dict, parts: tuple[str, ...]) -> dict:
    """A recipe but for its method and some of its parts."""
    rest = {key: value for key, value in recipe.items() if key != "method"}
    kept = {key: value for key, value in recipe["parts"].items() if key not in parts}
    return rest | {"parts": kept}


@pytest.mark.parametrize("artifact", ["sar.table4", "sar.table6", "sar.table7"])
def test_what_a_method_adds_to_a_defence_is_the_same_everywhere(paper, artifact):
    """SAR on TRADES is TRADES and SAR's alignment, and so on; nothing else differs."""
    added_parts = ("spectral_alignment", "weight_average")
    slugs = paper.artifacts[artifact]["models"]
    by_method = {paper.models[slug]["method"]: recipes(paper, slug) for slug in slugs}
    for name, recipe in by_method.items():
        defence, _, addition = name.partition("+")
        if defence in ("SAR", "SARWA"):
            defence, addition = "PGD-AT", defence
        added = by_method[addition] if addition else {}
        for part in added_parts:
            assert recipe["parts"].get(part) == added.get("parts", {}).get(part), (name, part)
        assert without(recipe, added_parts) == without(by_method[defence], added_parts), name


def test_ablations_change_one_thing(paper):
    for artifact, key, values in (
        ("sar.fig9", "distance", DISTANCES),
        ("sar.fig10", "coefficient", COEFFICIENTS),
    ):
        slugs = paper.artifacts[artifact]["models"]
        found = {paper.models[slug]["method"]: recipes(paper, slug) for slug in slugs}
        baseline = found.pop("PGD-AT")
        aligned = {name: one["parts"]["spectral_alignment"] for name, one in found.items()}
        assert {name: part[key] for name, part in aligned.items()} == values
        for name, recipe in found.items():
            like = "SARWA" if name.startswith("SARWA") else "SAR"
            same = aligned[name] | {key: aligned[like][key]}
            parts = recipe["parts"] | {"spectral_alignment": same}
            assert recipe | {"method": like, "parts": parts} == found[like]
            late = ("spectral_alignment", "weight_average")
            assert without(recipe, late) == without(baseline, ())


def test_the_coefficients_of_section_vi(paper):
    """lambda is 0.1 for SAR and 0.15 for SARWA, and 0.05 on Tiny ImageNet."""
    for name, row in paper.trainings.items():
        alignment = row["recipe"]["parts"].get("spectral_alignment")
        method = row["recipe"]["method"]
        if alignment and "(" not in method:
            usual = 0.15 if method.endswith("SARWA") else 0.1
            expected = 0.05 if row["dataset"] == "tiny-imagenet" else usual
            assert alignment["coefficient"] == expected, name
            assert (alignment["natural_branch"] == "average") == method.endswith("SARWA"), name


# ---- shared prefixes

FAMILIES = ("sar-pgd-at", "sar-trades", "sar-mart", "sar-awp")


def forks(one: Plan) -> dict[str, set[str]]:
    """Recipes of the trainings that begin with each shared prefix."""
    found: dict[str, set[str]] = {}
    for model, row in one.trainings.items():
        if row["shared_prefix"]:
            found.setdefault(row["shared_prefix"], set()).add(model.split("_")[-1])
    return found


def test_what_begins_alike_shares_a_prefix(paper):
    shared = forks(paper)
    assert shared.keys() == paper.shared_prefixes.keys()
    of_awp = {f"{dataset}_resnet18_sar-awp" for dataset in DATASETS}
    assert {name: row["until"] for name, row in paper.shared_prefixes.items()} == {
        name: 100 if name in of_awp else 75 for name in shared
    }
    ablations = {"sar-l2", "sar-cosine", "sar-005", "sar-015", "sar-02"}
    ablations |= {"sarwa-005", "sarwa-01", "sarwa-02"}
    for dataset in DATASETS:
        for family in FAMILIES:
            expected = {family, f"{family}-sar", f"{family}-sarwa"}
            if (dataset, family) == ("cifar10", "sar-pgd-at"):
                expected |= {f"{family}-{name}" for name in ablations}
                assert len(expected) == 11
            assert shared.pop(f"{dataset}_resnet18_{family}") == expected
    large = {f"cifar10_{name}_sar-pgd-at" for name in ("wrn_34_10", "wrn_34_15", "resnet152")}
    assert shared.keys() == large
    alone = {model for model, row in paper.trainings.items() if not row["shared_prefix"]}
    natural = {
        f"{dataset}_resnet18_{one}"
        for dataset in DATASETS
        for one in ("sar-natural", "sar-l-model")
    }
    others = {f"cifar10_wrn_34_10_sar-{name}" for name in ("trades", "mart", "awp")}
    assert {model for model in alone if "_sar-" in model} == natural | others


@pytest.mark.parametrize(
    ("scale", "until", "same_batches"), [("smoke", 1, {"fs-pgd7": 5}), ("fashion", 7, {})]
)
def test_shared_prefixes_of_the_small_scales(scale, until, same_batches):
    """The smoke scale has one batch size, so that all of fourier_study's sweep is one training."""
    one = planned(scale=scale)
    whole = {
        recipe: one.trainings[name]["recipe"]["epochs"]
        for recipe in same_batches
        for name in one.shared_prefixes
        if name.endswith(f"_{recipe}")
    }
    assert {name.split("_")[-1]: row["until"] for name, row in one.shared_prefixes.items()} == {
        family: until for family in FAMILIES
    } | whole
    assert whole.keys() == same_batches.keys()
    sizes = [3, 3, 3, *same_batches.values(), 11]
    assert sorted(len(shared) for shared in forks(one).values()) == sizes
    for row in one.trainings.values():
        prefix = one.shared_prefixes.get(row["shared_prefix"])
        assert not prefix or prefix["until"] <= row["recipe"]["epochs"]


def test_a_shared_prefix_knows_nothing_of_what_starts_later(paper):
    for name, prefix in paper.shared_prefixes.items():
        training = paper.trainings[name]
        assert "method" not in prefix["recipe"]
        late = ("spectral_alignment", "weight_average")
        assert not prefix["recipe"]["parts"].keys() & set(late)
        assert without(prefix["recipe"], ()) == without(training["recipe"], late)
        same = ("dataset", "architecture")
        assert {key: prefix[key] for key in same} == {key: training[key] for key in same}


def test_another_coefficient_trains_one_recipe_only(paper):
    stronger = {"recipes": {"sar-pgd-at-sar": {"spectral_alignment": {"coefficient": 0.3}}}}
    assert changed(stronger, paper, "shared_prefixes") == set()
    networks = ("resnet18", "resnet152", "wrn_34_10", "wrn_34_15")
    on_cifar = {f"cifar10_{network}_sar-pgd-at-sar" for network in networks}
    # Tiny ImageNet has a coefficient of its own
    assert changed(stronger, paper, "trainings") == on_cifar | {"cifar100_resnet18_sar-pgd-at-sar"}


@pytest.mark.parametrize(
    "late",
    [
        {"sar-pgd-at-sar": {"spectral_alignment": {"distance": "cosine", "transform": "batch"}}},
        {"sar-awp-sarwa": {"weight_average": {"cycle": 5}}},
    ],
    ids=["distance", "cycle"],
)
def test_what_starts_late_leaves_shared_prefixes_as_they_are(paper, late):
    assert changed({"recipes": late}, paper, "shared_prefixes") == set()
    assert {name.split("_")[-1] for name in changed({"recipes": late}, paper, "trainings")} == {
        *late
    }


@pytest.mark.parametrize(
    "early",
    [
        {"batch_size": 64},
        {"optimizer": {"learning_rate": 0.05}},
        {"augmentation": {"flip": False}},
        {"validation": {"fraction": 0.2}},
        {"schedule": {"kind": "steps", "milestones": [50], "factors": [0.1]}},
    ],
    ids=lambda early: next(iter(early)),
)
def test_what_all_have_in_common_changes_shared_prefixes_and_all_that_fork(paper, early):
    everywhere = {"recipes": {"sar-*": early}}
    assert changed(everywhere, paper, "shared_prefixes") == set(paper.shared_prefixes)
    of_sar = {model for model in paper.trainings if "_sar-" in model}
    assert changed(everywhere, paper, "trainings") == of_sar


def test_a_recipe_that_begins_otherwise_leaves_the_prefix_to_the_others(paper):
    small = planned({"recipes": {"sar-trades": {"batch_size": 64}}})
    assert small.trainings["cifar10_resnet18_sar-trades"]["shared_prefix"] is None
    together = forks(small)["cifar10_resnet18_sar-trades-sar"]
    assert together == {"sar-trades-sar", "sar-trades-sarwa"}


# ---- substitutes of a scale


def attacks_of(one: Plan, part: str) -> dict[str, str]:
    """The attack of a part of every recipe, by recipe."""
    found = {}
    for model, row in one.trainings.items():
        place = row["recipe"] if part == "validation" else row["recipe"]["parts"]
        if "attack" in place.get(part, {}):
            found[model.split("_")[-1]] = place[part]["attack"]["name"]
    return found


def test_training_attacks_are_substituted_in_training_only():
    one = planned(scale="demo")
    kl = dict.fromkeys(("sar-trades", "sar-trades-sar", "sar-trades-sarwa"), "one-step-kl")
    fast = ("jafr-fgsm-at", "jafr-jafr-minus", "jafr-fgsm-at-jafr", "jafr-fgsm-at-gradalign")
    others = kl | dict.fromkeys(fast, "jafr-fgsm") | {"jafr-pgd-at": "jafr-pgd-3"}
    assert attacks_of(one, "adversary") == {
        recipe: others.get(recipe, "one-step") for recipe in attacks_of(one, "adversary")
    }
    assert attacks_of(one, "adversary").keys() > attacks_of(one, "validation").keys()
    assert set(attacks_of(one, "validation").values()) == {"pgd-5"}
    assert one.attacks["pgd-20"]["steps"] == 20
    assert one.probes["pgd-20-bands"]["attack"]["name"] == "pgd-20"


def test_probes_of_several_attacks_are_given_them_in_order(paper):
    given = {name: row["attacks"] for name, row in paper.probes.items() if "attacks" in row}
    assert {name: [attack["name"] for attack in attacks] for name, attacks in given.items()} == {
        "stronger-attacks": ["pgd-50", "cw-30", "pgd-10-half"],
        "stronger-restarts": ["pgd-50-10", "pgd-10-half"],
        "margin-restarts": ["cw-50-10"],
        "autoattack": ["apgd-ce", "apgd-t", "fab-t", "square"],
        "filtered-attacks": ["gn", "fgsm", "pgd-20", "bim-20", "tpgd-20", "cw-20"],
        "minimal-epsilon": [
            *("min-fgsm", "fgsm-3-100", "fgsm-6-100", "fgsm-9-100"),
            *("min-pgd", "pgd-40-3-100", "pgd-40-6-100", "pgd-40-9-100"),
        ],
    }
    assert given["autoattack"][3]["queries"] == 5000


def test_patterns_change_recipes_in_the_order_in_which_they_stand():
    momenta = {"[fs]*": 0.8, "fs-*": 0.7, "fs-*-bs32": 0.6}
    one = planned(
        {"recipes": {name: {"optimizer": {"momentum": one}} for name, one in momenta.items()}}
    )
    trained = {name: row for name, row in one.trainings.items() if re.search("_(fs|sar)-", name)}
    for model, row in trained.items():
        expected = 0.6 if model.endswith("-bs32") else 0.7 if "_fs-" in model else 0.8
        assert row["recipe"]["optimizer"]["momentum"] == expected


def test_a_pattern_that_fits_no_recipe_is_refused():
    with pytest.raises(UserError, match=r"unknown recipe in the scale's recipes 'fz-\*'"):
        planned({"recipes": {"fz-*": {"epochs": 7}}})


def test_a_scale_makes_what_it_lists_and_says_who_makes_the_rest():
    one = planned({"artifacts": ["sar.fig[1-3]", "fourier_study.*"]}, scale="laptop")
    of_sar = {name for name in one.artifacts if name.startswith("sar.")}
    assert of_sar == {"sar.fig1", "sar.fig2", "sar.fig3"}
    assert one.left_out.keys() == one.targets.keys() - one.artifacts.keys()
    assert one.left_out["sar.fig9"] == {
        "paper": "sar",
        "title": one.targets["sar.fig9"]["title"],
        "command": "snakemake sar.fig9 --cores all --config scale=laptop",
        "scale": "laptop",
    }
    assert one.scale["expected"].endswith("(the unchanged scale)")
    assert planned(scale="demo").left_out["sar.fig9"]["scale"] == "laptop"
    assert planned(scale="laptop").targets == planned(scale="laptop").artifacts


def test_a_pattern_may_leave_artifacts_out():
    one = planned({"artifacts": ["sar.*", "!sar.table[2-7]"]}, scale="laptop")
    tables = {name for name in one.artifacts if name.startswith("sar.table")}
    assert tables == {"sar.table1"} and "sar.table7" in one.left_out
    with pytest.raises(UserError, match=r"in the scale's artifacts 'sar\.tabel1'"):
        planned({"artifacts": ["*", "!sar.tabel1"]}, scale="laptop")


def test_a_scale_may_leave_models_out_and_says_so():
    changes = {"artifacts": ["hfc.table1"], "without": ["hfc-c10-rn18-lfc*"]}
    one = planned(changes, scale="laptop")
    slugs = one.artifacts["hfc.table1"]["models"]
    assert slugs == [f"hfc-c10-rn18-hfc{radius}" for radius in (4, 8, 12, 16)]
    assert one.targets["hfc.table1"] == one.artifacts["hfc.table1"]
    assert one.artifacts["hfc.table1"]["mark"].endswith(" · 4 of 8 models")
    assert len(one.targets["hfc.fig6"]["models"]) == 8
    for patterns, words in (
        (["hfc-c10-rn18-lfc5"], "model in the scale's without 'hfc-c10-rn18-lfc5': did you mean"),
        (["hfc-*"], "the scale makes hfc[.]table1 without any of its models"),
    ):
        with pytest.raises(UserError, match=words):
            planned(changes | {"without": patterns}, scale="laptop")


def test_what_a_scale_leaves_out_changes_no_training():
    """What is made later, as a target, begins with what is there."""
    few, all_ = (planned({"artifacts": [one]}, scale="laptop") for one in ("sar.fig1", "*"))
    assert few.trainings == all_.trainings and few.shared_prefixes == all_.shared_prefixes
    assert few.targets == all_.targets
