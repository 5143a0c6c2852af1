import os
import shutil
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

PROJECT = Path(workflow.basedir).resolve()
PROJECT = PROJECT.parent if PROJECT.name == "workflow" else PROJECT
sys.path.insert(0, str(PROJECT / "src"))

from filelock import FileLock, Timeout

from passband.config import Plan, plan, scale_config
from passband.data.registry import DATASETS
from passband.dependencies import code as code_of, declared
from passband.errors import UserError, unknown

SCRIPTS = PROJECT / "workflow" / "scripts"
NOTEBOOKS = PROJECT / "reports" / "notebooks"
TEMPLATES = PROJECT / "reports" / "templates"
REFERENCE = PROJECT / "config" / "reference"
ENDINGS = {"figure": ("svg", "pdf", "png"), "table": ("csv", "html", "tex")}


def planned() -> tuple[dict, Plan]:
    """The resolved config and its plan; mistakes end the run with one sentence."""
    try:
        resolved = scale_config(config, PROJECT)
        return resolved, plan(resolved, PROJECT)
    except UserError as error:
        raise WorkflowError(str(error)) from None


CONFIG, PLAN = planned()
RESULTS = f"{CONFIG['results_root']}/{CONFIG['scale']}"
GPUS_HERE = len(
    subprocess.run(
        ["nvidia-smi", "-L"], capture_output=True, text=True
    ).stdout.splitlines()
    if shutil.which("nvidia-smi")
    else []
)
if CONFIG["data_mirror"]:
    os.environ.update(PASSBAND_DATA_MIRROR=str(CONFIG["data_mirror"]))


# ---- one run at a time on a scale: the lock dies with the process that holds it


RUN_LOCK = FileLock(f"{RESULTS}/.lock", timeout=0)


def begin_run():
    """Take the scale's lock and say what is ahead."""
    try:
        Path(RESULTS).mkdir(parents=True, exist_ok=True)
        RUN_LOCK.acquire()
    except Timeout:
        raise WorkflowError(
            f"another run is working on {RESULTS}: wait until it ends, or set results_root to another folder."
        )
    except OSError as error:
        raise WorkflowError(
            f"cannot write to {RESULTS} ({error.strerror}): make the folder writable or set results_root to another one."
        )
    print(
        f"{CONFIG['title']}: {CONFIG['expected']} for a full run. Results: {RESULTS}",
        file=sys.stderr,
    )


def done() -> str:
    page = Path(RESULTS) / "report" / "index.html"
    return (
        f"Done. Open {page} in a browser."
        if page.exists()
        else f"Done. Results: {RESULTS}"
    )


def end_run(message):
    RUN_LOCK.release()
    print(message, file=sys.stderr)


# ---- what jobs need


def sources(script: str, *files: Path) -> list[str]:
    """A job's script, and the modules of the package that it and the given files import."""
    path = SCRIPTS / f"{script}.py"
    return [str(path), *code_of(path, *files)]


def code(script: str, *members: tuple[str, str]) -> list[str]:
    """The sources that determine a job's result, with the registry members that it uses."""
    return sources(
        script, *(declared(registry)[name].file for registry, name in members)
    )


def training(wildcards) -> dict:
    return PLAN.trainings[wildcards.model]


def trunk(wildcards) -> dict:
    return PLAN.trunks[wildcards.model]


def trunk_file(wildcards) -> list[str]:
    """What a training begins with, where it begins like others."""
    name = training(wildcards)["trunk"]
    return (
        [f"{RESULTS}/trunks/{name}/seed-{wildcards.seed}.safetensors"] if name else []
    )


def training_code(wildcards) -> list[str]:
    row = training(wildcards)
    members = [("models", row["architecture"])]
    if "adversary" in row["recipe"]:
        members.append(("attacks", row["recipe"]["adversary"]["attack"]["attack"]))
    if "attack" in row["recipe"]["validation"]:
        members.append(("attacks", row["recipe"]["validation"]["attack"]["attack"]))
    return code("train_model", *members)


def training_minutes(wildcards, attempt) -> int:
    """Run time asked of a cluster: a generous bound that grows with each attempt."""
    row = training(wildcards)
    steps = row["recipe"].get("adversary", {}).get("attack", {}).get("steps", 0)
    return attempt * (30 + row["recipe"]["epochs"] * (1 + steps) // 2)


def split_file(split: str):
    return (
        lambda wildcards: f"{CONFIG['data_root']}/{training(wildcards)['dataset']}/{split}.safetensors"
    )


def attack_code(wildcards) -> list[str]:
    members = ("attacks", PLAN.attacks[wildcards.attack]["attack"])
    return code(
        "attack_model", members, ("models", training(wildcards)["architecture"])
    )


def probe_code(wildcards) -> list[str]:
    probe = PLAN.probes[wildcards.probe]
    members = [("attacks", attack["attack"]) for attack in probe.get("attacks", [])]
    members.append(("probes", probe["probe"]))
    members.append(("models", training(wildcards)["architecture"]))
    return code("probe_model", *members)


def probe_perturbation(wildcards) -> list[str]:
    attack = PLAN.probes[wildcards.probe].get("attack")
    folder = f"{RESULTS}/attacks/{wildcards.model}/seed-{wildcards.seed}"
    return [f"{folder}/{attack}.safetensors"] if attack else []


def gpu(wildcards) -> int:
    """One GPU per job where this machine has any; clusters ask for it in their profile."""
    return int(GPUS_HERE > 0)


# ---- artifacts


def entries(artifacts) -> list[dict]:
    """One entry per distinct model and seed of the artifacts, with the paths of its probes."""
    found = {}
    for name in artifacts:
        row = PLAN.artifacts[name]
        for slug in row["models"]:
            for seed in PLAN.seeds:
                model = PLAN.models[slug]
                folder = f"{RESULTS}/models/{model['model']}/seed-{seed}"
                files = {
                    "history": f"{folder}/history.csv",
                    "run": f"{folder}/run.json",
                }
                entry = found.setdefault(
                    (slug, seed),
                    model | {"seed": seed, "probes": {}, "training": files},
                )
                for probe in row["probes"]:
                    place = f"{model['model']}/seed-{seed}/{probe}"
                    entry["probes"][probe] = {
                        "csv": f"{RESULTS}/measurements/{place}.csv",
                        "arrays": f"{RESULTS}/arrays/{place}.safetensors",
                    }
    return list(found.values())


def probe_files(artifacts, kind: str) -> list[str]:
    paths = (
        probe[kind]
        for entry in entries(artifacts)
        for probe in entry["probes"].values()
    )
    return list(dict.fromkeys(paths))


def measurement_files() -> list[str]:
    """Everything that is measured for the artifacts, the attacks of their probes included."""
    attacks = (
        f"{RESULTS}/measurements/{entry['model']}/seed-{entry['seed']}/{attack}.csv"
        for entry in entries(PLAN.artifacts)
        for probe in entry["probes"]
        if (attack := PLAN.probes.get(probe, {}).get("attack"))
    )
    return list(dict.fromkeys([*probe_files(PLAN.artifacts, "csv"), *attacks]))


def artifact_inputs(wildcards) -> list[str]:
    artifacts = [wildcards.artifact]
    paths = [
        path for entry in entries(artifacts) for path in entry["training"].values()
    ]
    return [
        *probe_files(artifacts, "csv"),
        *probe_files(artifacts, "arrays"),
        *dict.fromkeys(paths),
    ]


def artifact_dataset(wildcards) -> list[str]:
    dataset = PLAN.artifacts[wildcards.artifact].get("dataset")
    return [f"{CONFIG['data_root']}/{dataset}/test.safetensors"] if dataset else []


def artifact_template(wildcards) -> str:
    return str(NOTEBOOKS / f"{PLAN.artifacts[wildcards.artifact]['notebook']}.py")


def artifact_code(wildcards) -> list[str]:
    return sources("render_artifact", Path(artifact_template(wildcards)))


def artifact_parameters(wildcards) -> dict:
    return {
        "artifact": PLAN.artifacts[wildcards.artifact],
        "models": entries([wildcards.artifact]),
        "scale": PLAN.scale,
    }


def artifact_files(artifacts) -> list[str]:
    return [
        f"{RESULTS}/{row['kind']}s/{name}.{ending}"
        for name, row in PLAN.artifacts.items()
        if name in artifacts
        for ending in ENDINGS[row["kind"]]
    ]


def of_kind(kind: str) -> str:
    """A wildcard constraint: the artifacts of one kind."""
    names = (name for name, row in PLAN.artifacts.items() if row["kind"] == kind)
    return "|".join(name.replace(".", r"\.") for name in names)


def findings_code() -> list[str]:
    """The judging reads its tests from registries, so all of the package counts."""
    return sources(
        "judge_findings", *sorted((PROJECT / "src/passband/findings").rglob("*.py"))
    )


def refuse_artifact(wildcards):
    raise WorkflowError(str(unknown("artifact", wildcards.unknown, PLAN.artifacts)))


def caption(wildcards) -> dict:
    row = PLAN.artifacts[wildcards.artifact]
    return {"Artifact": wildcards.artifact, "Title": row["title"]}


def run_files(name: str) -> list[str]:
    return [
        f"{RESULTS}/models/{model}/seed-{seed}/{name}"
        for model in PLAN.trainings
        for seed in PLAN.seeds
    ]
