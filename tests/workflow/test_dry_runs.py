"""What Snakemake plans, and what a user reads when a run cannot start."""

import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from passband.config import Plan, plan, read_yaml, scale_config

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/profile.yaml"))
ELSEWHERE = [name for name in PROFILES if name != "default"]  # the default is always read
CALLS = {
    "default": [],
    "workflow": ["--snakefile", "workflow/Snakefile"],
    "paper": ["--configfile", "config/scales/paper.yaml"],
    "sar.fig7": ["sar.fig7"],
    "sar": ["sar"],
    "findings": ["findings"],
    "demo inputs": ["--detailed-summary"],
    "unknown artifact": ["sar.figg7"],
    "unknown figure": ["results/demo/figures/sar.fig99.svg"],
    "unknown scale": ["--config", "scale=dmeo"],
    "unknown key": ["--config", "result_root=elsewhere"],
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
    for name in artifacts:
        row = scale.artifacts[name]
        jobs.add(("draw_figure" if row["kind"] == "figure" else "make_table", name))
        if "dataset" in row:
            jobs.add(("prepare_dataset", row["dataset"]))
        for slug in row["models"]:
            model, dataset = (scale.models[slug][key] for key in ("model", "dataset"))
            for seed in scale.seeds:
                jobs |= {("prepare_dataset", dataset), ("train_model", model, seed)}
                for probe in row["probes"]:
                    jobs.add(("probe_model", model, seed, probe))
                    if attack := scale.probes[probe].get("attack"):
                        jobs.add(("attack_model", model, seed, attack))
    return Counter(rule for rule, *_ in jobs)


WHOLE_RUN = ("collect_measurements", "judge_findings", "build_report")


def test_the_default_is_the_whole_demo(counts):
    demo = planned("demo")
    jobs = expected(demo, list(demo.artifacts)) | dict.fromkeys(WHOLE_RUN, 1) | {"all": 1}
    assert counts("default") == jobs | {"total": sum(jobs.values())}


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


@pytest.mark.parametrize("paper", ["sar"])
def test_a_paper_is_a_target(counts, paper):
    demo = planned("demo")
    names = [name for name, row in demo.artifacts.items() if row["paper"] == paper]
    jobs = expected(demo, names) | {paper: 1}
    assert counts(paper) == jobs | {"total": sum(jobs.values())}


def test_one_figure_is_a_target(counts):
    jobs = expected(planned("demo"), ["sar.fig7"]) | {"sar.fig7": 1}
    assert counts("sar.fig7") == jobs | {"total": sum(jobs.values())}
    assert "attack_model" not in jobs


def test_the_findings_are_a_target(counts):
    found = counts("findings")
    assert found["judge_findings"] == found["findings"] == 1
    assert not found.keys() & {"draw_figure", "make_table", "build_report"}


# ---- what jobs depend on


@pytest.fixture(scope="session")
def inputs(calls) -> dict[str, set[str]]:
    """Source modules that each output depends on directly, by the output's path."""
    call = calls["demo inputs"]
    assert call.code == 0, call.output
    lines = call.output[call.output.index("output_file\t") :].splitlines()
    columns = lines[0].split("\t")
    files = {}
    for line in lines[1:]:
        row = dict(zip(columns, line.split("\t"), strict=False))
        if "input-file(s)" in row:
            prefix = f"{ROOT}/src/passband/"
            paths = row["input-file(s)"].split(",")
            files[row["output_file"]] = {
                path.removeprefix(prefix) for path in paths if path.startswith(prefix)
            }
    return files


def of_model(inputs: dict, kind: str, name: str) -> set[str]:
    (found,) = [
        files
        for path, files in inputs.items()
        if f"/{kind}/" in path and path.endswith(name) and "seed-0" in path
    ]
    return found


def test_trainings_depend_on_what_trains(inputs):
    natural = of_model(inputs, "models", "sar-natural/seed-0/weights.safetensors")
    robust = of_model(inputs, "models", "sar-pgd-at/seed-0/weights.safetensors")
    assert {"training/engine.py", "training/run.py", "models/resnet.py", "random.py"} <= natural
    assert "attacks/pgd.py" not in natural
    assert {"attacks/pgd.py"} <= robust
    for files in (natural, robust):
        assert not any(
            file.startswith(("figures/", "findings/", "report/", "probes/", "config.py"))
            for file in files
        )


def test_probes_depend_on_their_own_file(inputs):
    heatmap = of_model(inputs, "arrays", "sar-natural/seed-0/fourier-heatmap.safetensors")
    lowpass = of_model(inputs, "arrays", "sar-natural/seed-0/lowpass.safetensors")
    assert "probes/heatmap.py" in heatmap and "probes/heatmap.py" not in lowpass
    assert "probes/accuracy.py" in lowpass and "probes/accuracy.py" not in heatmap
    assert "spectra/filters.py" in lowpass


def test_figures_depend_on_drawing_only(inputs):
    for path, files in inputs.items():
        if "/figures/" in path or "/tables/" in path:
            assert "figures/render.py" in files
            assert not any(
                file.startswith(("training/", "attacks/", "models/", "probes/")) for file in files
            )


def test_findings_depend_on_every_score_and_claim(inputs):
    package = ROOT / "src/passband"
    everything = {str(file.relative_to(package)) for file in (package / "findings").rglob("*.py")}
    assert everything <= inputs["results/demo/findings.csv"]


def test_everything_measured_depends_on_some_code(inputs):
    for path, files in inputs.items():
        assert files, f"{path} depends on no module of the package"


# ---- mistakes reach the user as one sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("unknown artifact", "unknown artifact 'sar.figg7': did you mean 'sar.fig7'?"),
        ("unknown figure", "unknown artifact 'sar.fig99': did you mean"),
        ("unknown scale", "unknown scale 'dmeo': did you mean 'demo'?"),
        ("unknown key", "unknown key 'result_root': did you mean 'results_root'?"),
    ],
)
def test_mistakes_are_one_sentence(calls, name, sentence):
    code, output, _ = calls[name]
    assert code == 1
    assert output.count(sentence) == 1, output
    assert "Traceback" not in output and "rule " not in output


# ---- profiles


@pytest.mark.parametrize("profile", ELSEWHERE)
def test_snakemake_reads_the_profile(counts, profile):
    assert counts(f"profile {profile}") == counts("default")


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_name_existing_rules(counts, profile):
    content = yaml.safe_load((ROOT / f"profiles/{profile}/profile.yaml").read_text())
    rules = counts("default").keys() - {"total"}
    for key in ("set-resources", "set-threads"):
        assert set(content.get(key, {})) <= rules


def test_the_default_profile_is_safe_on_a_laptop():
    content = yaml.safe_load((ROOT / "profiles/default/profile.yaml").read_text())
    assert "executor" not in content and "default-resources" not in content
    assert content["rerun-incomplete"] is True and content["show-failed-logs"] is True


def test_the_linter_of_snakemake_has_nothing_to_say(snakemake):
    done = snakemake("--lint")
    assert done.returncode == 0, done.stdout


def test_a_copy_without_git_and_results_plans_the_same(
    snakemake, copy_project, job_counts, counts, tmp_path
):
    project = copy_project(tmp_path / "project")
    shutil.rmtree(project / "tests")
    done = snakemake("--dry-run", cwd=project)
    assert job_counts(done.stdout) == counts("default"), done.stdout
