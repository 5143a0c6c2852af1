"""What Snakemake plans, and what a user reads when a run cannot start."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from passband.data.registry import DATASETS
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.corrupted import corrupted_for

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/profile.yaml"))
ELSEWHERE = [name for name in PROFILES if name != "default"]  # the default is always read
CALLS = {
    "default": [],
    "workflow": ["--snakefile", "workflow/Snakefile"],
    "laptop": ["--config", "scale=laptop"],
    "left out": ["fourier_study.fig8"],
    "paper": ["--configfile", "config/scales/paper.yaml"],
    "sar.fig7": ["sar.fig7"],
    "sar.fig9": ["sar.fig9"],
    "paper sar.fig9": ["sar.fig9", "--configfile", "config/scales/paper.yaml"],
    "sar and findings": ["sar", "findings"],
    "claim": ["sar.table2.a"],
    "unknown artifact": ["sar.figg7"],
    "unknown claim": ["sar.tabel2.a"],
    "unknown scale": ["--config", "scale=dmeo"],
    "lint": ["--lint"],
} | {f"profile {name}": ["--workflow-profile", f"profiles/{name}"] for name in ELSEWHERE}


class Call(NamedTuple):
    """What a call of Snakemake left behind."""

    code: int
    output: str
    seconds: float


@pytest.fixture(scope="session")
def calls(snakemake, tmp_path_factory) -> dict[str, Call]:
    """Every call once, two at a time, each in an empty working directory: all jobs are ahead."""

    def call(name: str) -> Call:
        folder = tmp_path_factory.mktemp("work")
        started = time.monotonic()
        done = snakemake("--dry-run", "--directory", folder, *CALLS[name])
        return Call(done.returncode, done.stdout, time.monotonic() - started)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CALLS, pool.map(call, CALLS), strict=True))


@pytest.fixture(scope="session")
def counts(calls, job_counts):
    """Jobs per rule of a call that succeeded."""

    def count(name: str) -> dict[str, int]:
        assert calls[name].code == 0, calls[name].output
        return job_counts(calls[name].output)

    return count


def planned(scale: str) -> Plan:
    config = read_yaml(ROOT / "config/config.yaml") | {"scale": scale}
    return plan(scale_config(config, ROOT), ROOT)


def expected(scale: Plan, artifacts: list[str]) -> dict[str, int]:
    """Jobs that draw artifacts from nothing, counted from the plan: one per distinct thing."""
    jobs: set[tuple] = set()
    read = {
        scale.models[slug]["model"]
        for row in scale.targets.values()
        if any("attack" in scale.probes.get(probe, {}) for probe in row["probes"])
        for slug in row["models"]
    }
    limit = read_yaml(ROOT / f"config/scales/{scale.scale['name']}.yaml")["test_images"]
    for artifact in artifacts:
        row = scale.targets[artifact]
        jobs.add(("draw_figure" if row["kind"] == "figure" else "make_table", artifact))
        jobs |= {prepared(dataset) for dataset in row["datasets"]}
        for slug in row["models"]:
            model, dataset = (scale.models[slug][key] for key in ("model", "dataset"))
            imported = model in scale.imported
            for seed in scale.seeds[:1] if imported else scale.seeds:
                jobs |= {prepared(dataset), *origin(scale, model, seed)}
                for name in row["probes"]:
                    probe = scale.probes.get(name, {"attack": {"name": name}})
                    if name in scale.probes:
                        jobs.add(("probe_model", model, seed, name))
                        corrupted = corrupted_for(probe, dataset, limit)
                        if corrupted and corrupted["stored"]:
                            jobs.add(("corrupt_images", dataset, name))
                    if "attack" in probe:
                        rule = "attack_and_store" if model in read else "attack_model"
                        jobs.add((rule, model, seed, probe["attack"]["name"]))
    return Counter(rule for rule, *_ in jobs)


def prepared(dataset: str) -> tuple[str, str]:
    """The job that prepares a data set."""
    whole = "train" in DATASETS[dataset].splits
    return ("prepare_dataset" if whole else "prepare_test_set", dataset)


def origin(scale: Plan, model: str, seed: int) -> set[tuple]:
    """The jobs that make the weights of a model, but for its data set."""
    if model in scale.imported:
        return {("import_model", model, seed)}
    if model in scale.derived:
        source = scale.derived[model]["of"]
        return {("derive_model", model, seed), *origin(scale, source, seed)}
    training = scale.trainings[model]
    rule = "train_recorded_model" if training["recipe"]["recorders"] else "train_model"
    prefix = training["shared_prefix"]
    return {(rule, model, seed)} | ({("train_shared_prefix", prefix, seed)} if prefix else set())


WHOLE_RUN = ("collect_measurements", "judge_findings", "build_report")


def test_the_default_is_the_whole_demo(counts):
    demo = planned("demo")
    jobs = expected(demo, list(demo.artifacts)) | dict.fromkeys(WHOLE_RUN, 1) | {"all": 1}
    assert counts("default") == jobs | {"total": sum(jobs.values())}


def test_a_scale_makes_the_artifacts_that_it_lists_and_the_laptop_all(counts):
    demo, laptop = planned("demo"), planned("laptop")
    jobs = expected(laptop, list(laptop.targets)) | dict.fromkeys(WHOLE_RUN, 1) | {"all": 1}
    assert counts("laptop") == jobs | {"total": sum(jobs.values())}
    assert not laptop.left_out and demo.left_out
    assert {*demo.artifacts, *demo.left_out} == set(demo.targets) == set(laptop.artifacts)
    assert counts("default")["total"] < counts("laptop")["total"] / 3


def test_what_a_scale_leaves_out_is_a_target(counts):
    demo, name = planned("demo"), "fourier_study.fig8"
    assert name in demo.left_out
    jobs = expected(demo, [name]) | {name: 1}
    assert counts("left out") == jobs | {"total": sum(jobs.values())}


def test_both_entry_points_plan_the_same(counts):
    root, workflow = counts("default"), counts("workflow")
    assert root.pop("all") == workflow.pop("everything") == 1
    assert root == workflow and root["total"] > 1


def test_the_paper_scale_plans_three_data_sets_with_three_seeds(calls, counts):
    paper = planned("paper")
    jobs = expected(paper, list(paper.artifacts)) | dict.fromkeys(WHOLE_RUN, 1) | {"all": 1}
    assert counts("paper") == jobs | {"total": sum(jobs.values())}
    assert paper.seeds == [0, 1, 2]
    models = {row["model"] for row in paper.models.values() if row["slug"].startswith("sar-")}
    trained = {(name.split("_")[0], name.split("_")[-1]) for name in models}
    assert trained >= {
        (dataset, recipe)
        for dataset in ("cifar10", "cifar100", "tiny-imagenet")
        for recipe in ("sar-natural", "sar-l-model", "sar-pgd-at")
    }
    print(f"planned in {calls['paper'].seconds:.1f} s, two calls at a time")


def test_one_figure_is_a_target(counts):
    jobs = expected(planned("demo"), ["sar.fig7"]) | {"sar.fig7": 1}
    assert counts("sar.fig7") == jobs | {"total": sum(jobs.values())}
    assert "attack_model" not in jobs


def prefixes_behind(output: str, message: str) -> list[tuple[str, str, set[str]]]:
    """Model, seed and awaited shared prefixes of every job whose message begins so."""
    found = re.findall(rf": {message} ([\w-]+), seed (\d+)\nReason: (.*)", output)
    return [
        (model, seed, set(re.findall(r"[^\s,]*/shared_prefixes/[^\s,]+", reason)))
        for model, seed, reason in found
    ]


def test_an_ablation_trains_its_models_and_their_shared_prefix_once(calls, counts):
    """Four models, one shared prefix, PGD-20 and no probe; three seeds at the paper's scale."""
    for name, scale, seeds in (("sar.fig9", "demo", 1), ("paper sar.fig9", "paper", 3)):
        jobs = expected(planned(scale), ["sar.fig9"]) | {"sar.fig9": 1}
        assert counts(name) == jobs | {"total": sum(jobs.values())}
        per_seed = {"train_shared_prefix": 1, "train_model": 4}
        per_seed |= {"attack_model": 3, "attack_and_store": 1}  # figures 3 to 6 show PGD-AT
        of_models = {rule: count for rule, count in jobs.items() if rule in per_seed}
        assert of_models == {rule: seeds * count for rule, count in per_seed.items()}


@pytest.mark.parametrize(("name", "scale"), [("default", "demo"), ("paper", "paper")])
def test_trainings_wait_for_the_shared_prefix_that_they_begin_with(calls, name, scale):
    one = planned(scale)
    trained = prefixes_behind(calls[name].output, "Training")
    shown = {one.models[slug]["model"] for row in one.artifacts.values() for slug in row["models"]}
    shown |= {one.derived[model]["of"] for model in shown & set(one.derived)}
    shown &= set(one.trainings)
    assert {model for model, _, _ in trained} == shown
    assert len(trained) == len(shown) * len(one.seeds)
    for model, seed, awaited in trained:
        prefix = one.trainings[model]["shared_prefix"]
        file = f"results/{scale}/shared_prefixes/{prefix}/seed-{seed}.safetensors"
        expected = {file} if prefix else set()
        assert awaited == expected, model
    made = prefixes_behind(calls[name].output, "Training the shared prefix of several models:")
    begun = {one.trainings[model]["shared_prefix"] for model in shown} - {None}
    assert {model for model, _, _ in made} == begun
    assert len(made) == len(begun) * len(one.seeds)


def test_papers_and_findings_are_targets(counts):
    demo = planned("demo")
    names = [name for name, row in demo.artifacts.items() if row["paper"] == "sar"]
    drawn = {rule: expected(demo, names)[rule] for rule in ("draw_figure", "make_table")}
    jobs = expected(demo, list(demo.artifacts)) | drawn
    jobs |= {"sar": 1, "findings": 1, "judge_findings": 1}
    assert counts("sar and findings") == jobs | {"total": sum(jobs.values())}


def test_a_scale_judges_its_claims_on_all_that_they_need(calls):
    """No artifact of the demo shows PGD-20 on this model, but preconditions read it."""
    demo, slug = planned("demo"), "fs-c10-rn20-pgd7"
    shown = [row["probes"] for row in demo.artifacts.values() if slug in row["models"]]
    assert shown and not any("pgd-20" in probes for probes in shown)
    reason = re.search(r"Judging the findings\nReason: (.*)", calls["default"].output)[1]
    assert f"arrays/{demo.models[slug]['model']}/seed-0/pgd-20.safetensors" in reason


def test_a_claim_is_a_target_that_makes_its_artifact_and_no_other(counts):
    jobs = counts("claim")
    assert jobs["sar.table2.a"] == jobs["make_table"] == 1 and "draw_figure" not in jobs
    assert jobs["train_model"] >= 3 and jobs["total"] < 40


# ---- mistakes reach the user as one sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("unknown artifact", "unknown artifact 'sar.figg7': did you mean 'sar.fig7'?"),
        ("unknown claim", "unknown claim 'sar.tabel2.a': did you mean 'sar.table2.a'?"),
        ("unknown scale", "unknown scale 'dmeo': did you mean 'demo'?"),
    ],
)
def test_mistakes_are_one_sentence(calls, name, sentence):
    code, output, _ = calls[name]
    assert code == 1
    assert output.count(sentence) == 1, output
    assert "Traceback (most recent call last)" not in output


# ---- profiles


@pytest.mark.parametrize("profile", ELSEWHERE)
def test_snakemake_reads_the_profile(counts, profile):
    assert counts(f"profile {profile}") == counts("default")


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_name_existing_rules(profile):
    content = yaml.safe_load((ROOT / f"profiles/{profile}/profile.yaml").read_text())
    texts = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")]
    rules = {
        name
        for text in texts
        for name in re.findall(r"^(?:use )?rule .*?(\w+)(?: with)?:", text, re.M)
    }
    assert {"train_model", "train_recorded_model", "make_table"} <= rules
    for key in ("set-resources", "set-threads", "groups"):
        assert set(content.get(key, {})) <= rules


def test_the_default_profile_is_safe_on_a_laptop():
    content = yaml.safe_load((ROOT / "profiles/default/profile.yaml").read_text())
    assert "executor" not in content and "default-resources" not in content
    assert content["rerun-incomplete"] is True and content["show-failed-logs"] is True


def test_the_linter_of_snakemake_has_nothing_to_say(calls):
    assert calls["lint"].code == 0, calls["lint"].output
