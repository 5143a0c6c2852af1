import os
import re
import signal
import sys
import threading
import time
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from filelock import FileLock, Timeout

from passband.data.mirrors import frost_folder
from passband.data.registry import DATASETS
from passband.dependencies import code as code_of, declared
from passband.errors import UserError, unknown
from passband.files import check_writable
from passband.findings.asked import inputs
from passband.findings.contrast import Language, language_of
from passband.findings.measured import artifact_of, as_methods, paper_of
from passband.findings.scores import read_scores
from passband.gpus import JOBS_VARIABLE, why_no_gpu
from passband.jobs import end_jobs, killed_jobs
from passband.litter import remove_accepted, remove_litter
from passband.plan import Plan, plan, scale_config, user_config
from passband.plan.budgets import most_measured
from passband.plan.corrupted import corrupted_for
from passband.plan.folders import spelled
from passband.plan.recipes import recipe_members
from passband.plan.rows import filters_in
from passband.report.wording import label
from passband.text import in_order, restructured
from passband.training.recipes import needs_test

SCRIPTS = PROJECT / "workflow" / "scripts"
NOTEBOOKS = PROJECT / "reports" / "notebooks"
TEMPLATES = PROJECT / "reports" / "templates"
ENDINGS = {"figure": ("svg", "pdf", "png"), "table": ("csv", "html", "tex")}


@cache
def relative(path: str | Path) -> str:
    """A file of the project as the workflow writes it: relative to the working folder, so that a
    finished project can be moved with its results."""
    return os.path.relpath(path)


def planned() -> tuple[dict, Plan]:
    """The resolved config and its plan; a mistake ends the run with one sentence."""
    files = [PROJECT / "config" / "config.yaml", *workflow.overwrite_configfiles]
    try:
        given = user_config(
            config, map(Path, map(relative, files)), workflow.config_settings.config
        )
        resolved = scale_config(given, PROJECT)
        found = plan(resolved, PROJECT)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    folders = {
        key: spelled(resolved[key], [os.getcwd(), PROJECT])
        for key in ("results_root", "data_root", "data_mirror")
        if resolved[key] is not None
    }
    return resolved | folders, found


CONFIG, PLAN = planned()
RESULTS = os.path.normpath(f"{CONFIG['results_root']}/{CONFIG['scale']}")
DATA = CONFIG["data_root"]
LOGS = Path(RESULTS) / "logs"
NO_GPU = why_no_gpu()
if gpu_jobs := workflow.global_resources.get("gpu").value:
    os.environ[JOBS_VARIABLE] = str(gpu_jobs)
if CONFIG["data_mirror"]:
    os.environ.update(PASSBAND_DATA_MIRROR=os.path.abspath(CONFIG["data_mirror"]))


# ---- one run per scale at a time: the lock is released when its process ends, killed or not


RUN_LOCK = FileLock(f"{RESULTS}/.lock", timeout=0)


def begin_run():
    """Acquire the scale's lock, remove what earlier runs left behind, announce the run and make it
    end early when asked to."""
    try:
        check_writable(Path(RESULTS), "set results_root to another folder")
        RUN_LOCK.acquire()
    except Timeout:
        raise WorkflowError(
            f"another run is using {RESULTS}: wait until it ends, or set results_root to another folder."
        )
    except UserError as error:
        raise WorkflowError(str(error))
    end_jobs(LOGS)  # of a run that was killed: they would write the same files
    remove_litter(Path(RESULTS), Path(DATA))
    remove_accepted(Path(RESULTS))
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, partial(end_early, before))
    print(
        f"{PLAN.scale['title']}: {PLAN.scale['expected']} for a full run. Results: {RESULTS}",
        file=sys.stderr,
    )
    if NO_GPU:
        print(f"No GPU is assumed: {NO_GPU}.", file=sys.stderr)


def end_early(before, number, frame):
    """Ask the running jobs to end, and those that are about to begin; then Snakemake ends, too."""

    def ask():
        while True:
            end_jobs(LOGS)
            time.sleep(0.5)

    threading.Thread(target=ask, daemon=True).start()
    before(number, frame)


def done() -> str:
    page = Path(RESULTS) / "report" / "index.html"
    return (
        f"Done. Open {page} in a browser."
        if page.exists()
        else f"Done. Results: {RESULTS}"
    )


def end_run(message):
    for sentence in killed_jobs(LOGS):
        print(sentence, file=sys.stderr)
    remove_accepted(Path(RESULTS))
    RUN_LOCK.release()
    print(message, file=sys.stderr)


# ---- what jobs need


@cache
def sources(script: str, *files: Path) -> list[str]:
    """A job's script and the modules of the package that it and the given files import."""
    path = SCRIPTS / f"{script}.py"
    return [relative(one) for one in (path, *code_of(path, *files))]


def code(script: str, *members: tuple[str, str]) -> list[str]:
    """The sources that determine a job's result, including the registry members that it uses."""
    return sources(
        script, *(declared(registry)[name].file for registry, name in members)
    )


def training(wildcards) -> dict:
    return PLAN.trainings[wildcards.model]


def shared_prefix(wildcards) -> dict:
    return PLAN.shared_prefixes[wildcards.model]


def shared_prefix_file(wildcards) -> list[str]:
    """The shared prefix that a training begins with, if it has one."""
    name = training(wildcards)["shared_prefix"]
    seed = wildcards.seed
    return [f"{RESULTS}/shared_prefixes/{name}/seed-{seed}.safetensors"] if name else []


def training_code(wildcards) -> list[str]:
    row = training(wildcards)
    members = [("models", row["architecture"]), *recipe_members(row["recipe"])]
    return code("train_model", *members)


def training_minutes(wildcards, attempt) -> int:
    """The run time requested from a cluster: a generous bound that grows with each attempt."""
    recipe = training(wildcards)["recipe"]
    steps = recipe["parts"].get("adversary", {}).get("attack", {}).get("steps", 0)
    return attempt * (30 + recipe["epochs"] * (1 + steps) // 2)


def split_file(dataset: str, split: str) -> str:
    return f"{DATA}/{dataset}/{split}.safetensors"


def of_splits(*splits: str) -> str:
    """A wildcard constraint for the data sets that have exactly these splits."""
    return "|".join(name for name, row in DATASETS.items() if row.splits == splits)


def megabytes(dataset: str) -> int:
    """The size of the largest split of a data set in MiB."""
    row = DATASETS[dataset]
    return max(row.sizes.values(), default=0) * row.channels * row.side**2 // 2**20


def preparation_memory(wildcards) -> int:
    """A split is decoded and then copied into the content of its file."""
    return 8000 + 2 * megabytes(wildcards.dataset)


def train_file(wildcards) -> str:
    return split_file(training(wildcards)["dataset"], "train")


def recorded_test_file(wildcards) -> list[str]:
    """The test split, if a recorder of the training measures on it."""
    row = training(wildcards)
    wanted = needs_test(row["recipe"]["recorders"])
    return [split_file(row["dataset"], "test")] if wanted else []


def curves_of(row: dict) -> bool:
    return bool(row["origin"] == "trained" and row["recipe"]["recorders"])


MODELS = {row["model"]: row for row in reversed(PLAN.models.values())}


def has_curves(wanted: bool) -> str:
    """A wildcard constraint: the models that are trained with or without recorders."""
    names = [
        name
        for name, row in MODELS.items()
        if row["origin"] == "trained" and curves_of(row) == wanted
    ]
    return "|".join(names) or "none"


def network(wildcards) -> dict:
    """What is needed to build a model's network, its method as measurements name it, and the input
    filter of its training, if any."""
    row = MODELS[wildcards.model]
    parts = row["recipe"]["parts"]
    found = {
        "architecture": row["architecture"],
        "method": row["method"],
        "quantization": parts.get("quantization"),
    }
    if "input_filter" in parts:
        found["input_filter"] = parts["input_filter"]
    return found


def source_weights(wildcards) -> str:
    source = PLAN.derived[wildcards.model]["of"]
    return f"{RESULTS}/models/{source}/seed-{wildcards.seed}/weights.safetensors"


def derivation_code(wildcards) -> list[str]:
    transform = PLAN.derived[wildcards.model]["transform"]["transform"]
    architecture = MODELS[wildcards.model]["architecture"]
    members = (("models/transforms", transform), ("models", architecture))
    return code("derive_model", *members)


def importing_code(wildcards) -> list[str]:
    return code("import_model", ("models", MODELS[wildcards.model]["architecture"]))


def test_file(wildcards) -> str:
    return split_file(MODELS[wildcards.model]["dataset"], "test")


def attack_code(wildcards) -> list[str]:
    attack = ("attacks", PLAN.attacks[wildcards.attack]["attack"])
    architecture = ("models", MODELS[wildcards.model]["architecture"])
    return code("attack_model", attack, architecture)


def probe_attacks(probe: str) -> list[dict]:
    """The attacks of a probe; for an attack, which counts as a measurement, the attack itself."""
    if probe in PLAN.attacks:
        return [PLAN.attacks[probe]]
    row = PLAN.probes[probe]
    stored = [row["attack"]] if "attack" in row else []
    return [*stored, *row.get("attacks", [])]


def probed_recipe(wildcards) -> dict:
    """The recipe of the model, for a probe that asks for it."""
    probe = PLAN.probes[wildcards.probe]["probe"]
    asked = declared("probes")[probe].settings.get("recipe", False)
    return MODELS[wildcards.model]["recipe"] if asked else {}


def probe_code(wildcards) -> list[str]:
    probe = PLAN.probes[wildcards.probe]
    attacks = [
        ("attacks", attack["attack"]) for attack in probe_attacks(wildcards.probe)
    ]
    seen = network(wildcards).get("input_filter", {}) if probe.get("as_trained") else {}
    filters = [("spectra/filters", one["shape"]) for one in filters_in([probe, seen])]
    recipe = probed_recipe(wildcards)
    trained_by = recipe_members(recipe) if recipe else []
    members = [
        ("probes", probe["probe"]),
        *attacks,
        *filters,
        *trained_by,
        *generated_for(wildcards),
    ]
    architecture = ("models", MODELS[wildcards.model]["architecture"])
    return code("probe_model", *members, architecture)


def probed_dataset(wildcards) -> str:
    """The data set of a probe: its own, or the model's."""
    probe = PLAN.probes[wildcards.probe]
    return probe.get("dataset", MODELS[wildcards.model]["dataset"])


def probed_file(wildcards) -> str:
    """The images of a probe: of its own data set and split, or the model's test split."""
    split = PLAN.probes[wildcards.probe].get("split", "test")
    return split_file(probed_dataset(wildcards), split)


def corrupted(wildcards) -> dict:
    """The corrupted images of a data set that a probe reads."""
    probe = PLAN.probes[wildcards.probe]
    return corrupted_for(probe, wildcards.dataset, CONFIG["test_images"])


def corrupted_split(wildcards) -> str:
    """The images that are corrupted for a probe."""
    split = PLAN.probes[wildcards.probe].get("split", "test")
    return split_file(wildcards.dataset, split)


def corruption_code(wildcards) -> list[str]:
    names = corrupted(wildcards)["corruptions"]
    return code("corrupt_images", *(("data/corruptions", name) for name in names))


def frost_in_mirror(wildcards) -> str:
    """Which frost is used; pictures that appear in a mirror folder lead to a new run."""
    try:
        return "pictures" if frost_folder() else "texture"
    except UserError as error:
        raise WorkflowError(str(error)) from None


def generated_for(wildcards) -> list[tuple[str, str]]:
    """The corruptions that a probe generates itself, since their images are too large to store."""
    probe = PLAN.probes[wildcards.probe]
    wanted = corrupted_for(probe, probed_dataset(wildcards), CONFIG["test_images"])
    made = wanted["corruptions"] if wanted and not wanted["stored"] else []
    return [("data/corruptions", name) for name in made]


def probe_frost(wildcards) -> str | None:
    """Which frost a probe generates, if it does."""
    made = ("data/corruptions", "frost") in generated_for(wildcards)
    return frost_in_mirror(wildcards) if made else None


def probe_corrupted(wildcards) -> list[str]:
    """The corrupted images of a probe, if it reads any and they are stored."""
    probe, dataset = wildcards.probe, probed_dataset(wildcards)
    wanted = corrupted_for(PLAN.probes[probe], dataset, CONFIG["test_images"])
    stored = wanted and wanted["stored"]
    return [f"{RESULTS}/corrupted/{dataset}/{probe}.safetensors"] if stored else []


def probe_limit(wildcards) -> int | None:
    """The largest number of images that a probe measures."""
    return most_measured(PLAN.probes[wildcards.probe], MODELS[wildcards.model], CONFIG)


def probe_memory(wildcards) -> int:
    """Probes of detectors read the whole data set."""
    dataset = MODELS[wildcards.model]["dataset"]
    return 8000 + megabytes(dataset) * (DATASETS[dataset].task == "detection")


def probe_perturbation(wildcards) -> list[str]:
    attack = PLAN.probes[wildcards.probe].get("attack")
    folder = f"{RESULTS}/attacks/{wildcards.model}/seed-{wildcards.seed}"
    return [f"{folder}/{attack['name']}.safetensors"] if attack else []


def gpu(wildcards) -> int:
    """One GPU per job if this machine has any; clusters request GPUs in their profile."""
    return int(not NO_GPU)


# ---- artifacts


def model_files(row: dict, seed: int) -> dict[str, str]:
    """The files of a model besides its weights, by kind."""
    folder = f"{RESULTS}/models/{row['model']}/seed-{seed}"
    files = {"run": f"{folder}/run.json"}
    if row["origin"] == "trained":
        files["history"] = f"{folder}/history.csv"
    if curves_of(row):
        files["curves"] = f"{folder}/curves.csv"
    return files


def measurement(model: str, seed: int, probe: str) -> dict[str, str]:
    place = f"{model}/seed-{seed}/{probe}"
    return {
        "csv": f"{RESULTS}/measurements/{place}.csv",
        "arrays": f"{RESULTS}/arrays/{place}.safetensors",
    }


def entries(artifacts) -> list[dict]:
    """One entry per distinct model and seed of the artifacts, with the paths of its measurements."""
    found = {}
    for name in artifacts:
        row = PLAN.targets[name]
        for slug in row["models"]:
            model = PLAN.models[slug]
            # Published weights do not depend on the seed.
            for seed in PLAN.seeds[:1] if model["origin"] == "imported" else PLAN.seeds:
                empty = {"seed": seed, "probes": {}, "files": model_files(model, seed)}
                entry = found.setdefault((slug, seed), model | empty)
                for probe in row["probes"]:
                    entry["probes"][probe] = measurement(model["model"], seed, probe)
    return list(found.values())


def probe_files(models: list[dict], kind: str) -> list[str]:
    paths = (probe[kind] for entry in models for probe in entry["probes"].values())
    return list(dict.fromkeys(paths))


def attacks_read(wanted: bool) -> str:
    """A wildcard constraint: the models whose perturbations a probe of some artifact reads, which
    are stored for it, or all others."""
    readers = {
        PLAN.models[slug]["model"]
        for row in PLAN.targets.values()
        if any("attack" in PLAN.probes.get(probe, {}) for probe in row["probes"])
        for slug in row["models"]
    }
    return "|".join(name for name in MODELS if (name in readers) == wanted) or "none"


def measurement_files(kind: str) -> list[str]:
    """All measurements for the artifacts, including the attacks of their probes."""
    attacks = (
        measurement(entry["model"], entry["seed"], attack["name"])[kind]
        for entry in judged()
        for probe in entry["probes"]
        if (attack := PLAN.probes.get(probe, {}).get("attack"))
    )
    return list(dict.fromkeys([*probe_files(judged(), kind), *attacks]))


def artifact_inputs(wildcards) -> list[str]:
    artifacts = [wildcards.artifact]
    paths = [path for entry in entries(artifacts) for path in entry["files"].values()]
    return [
        *probe_files(entries(artifacts), "csv"),
        *probe_files(entries(artifacts), "arrays"),
        *dict.fromkeys(paths),
    ]


def artifact_datasets(wildcards) -> list[str]:
    datasets = PLAN.targets[wildcards.artifact]["datasets"]
    return [split_file(dataset, "test") for dataset in datasets]


def printed_folder(paper: str) -> Path:
    return PROJECT / "config" / "papers" / paper / "printed"


def artifact_printed(wildcards) -> list[str]:
    """The tables of numbers that the artifact's paper prints, if any."""
    tables = printed_folder(PLAN.targets[wildcards.artifact]["paper"]).glob("*.csv")
    return [relative(path) for path in sorted(tables)]


def artifact_template(wildcards) -> str:
    notebook = PLAN.targets[wildcards.artifact]["notebook"]
    return relative(NOTEBOOKS / f"{notebook}.py")


def artifact_code(wildcards) -> list[str]:
    row = PLAN.targets[wildcards.artifact]
    shapes = [("spectra/filters", one["shape"]) for one in filters_in(row["options"])]
    if "parts" in declared("figures")[row["notebook"]].settings.get("shows", ""):
        recipes = [PLAN.models[slug].get("recipe", {}) for slug in row["models"]]
        shapes += [
            ("training/parts", part) for one in recipes for part in one.get("parts", ())
        ]
    members = (declared(registry)[name].file for registry, name in shapes)
    return sources("render_artifact", Path(artifact_template(wildcards)), *members)


def artifact_parameters(wildcards) -> dict:
    row = PLAN.targets[wildcards.artifact]
    paper = PLAN.papers[row["paper"]]
    attacks = [attack for probe in row["probes"] for attack in probe_attacks(probe)]
    return {
        "artifact": row,
        "paper": {key: paper.get(key, {}) for key in ("methods", "printed")},
        "models": entries([wildcards.artifact]),
        "attacks": {attack["name"]: attack for attack in attacks},
        "datasets": {name: split_file(name, "test") for name in row["datasets"]},
        "printed": relative(printed_folder(row["paper"])),
        "mark": row["mark"],
    }


def artifact_files(artifacts) -> list[str]:
    return [
        f"{RESULTS}/{row['kind']}s/{name}.{ending}"
        for name, row in PLAN.targets.items()
        if name in artifacts
        for ending in ENDINGS[row["kind"]]
    ]


def of_kind(kind: str) -> str:
    """A wildcard constraint: the artifacts of one kind."""
    names = (name for name, row in PLAN.targets.items() if row["kind"] == kind)
    return "|".join(name.replace(".", r"\.") for name in names) or "none"


def findings_code() -> list[str]:
    """Findings look up their tests in registries, so all modules of the folder are inputs."""
    return sources(
        "judge_findings", *sorted((PROJECT / "src/passband/findings").rglob("*.py"))
    )


def other_spellings() -> str:
    """A wildcard constraint: files in the results folder that are not named as the rules do."""
    folders = {find(RESULTS) for find in (os.path.abspath, os.path.realpath)}
    folders |= {os.path.relpath(folder) for folder in folders}
    return "|".join(f"{re.escape(one)}/.+" for one in folders - {RESULTS}) or "none"


def refuse_spelling(wildcards):
    path = spelled(wildcards.elsewhere, [os.getcwd(), PROJECT])
    raise WorkflowError(f"name the target as {path}, as the rules do.")


def refuse_artifact(wildcards):
    claims = [finding["id"] for finding in PLAN.findings]
    is_claim = wildcards.unknown.count(".") == 2
    kind, known = ("claim", claims) if is_claim else ("artifact", PLAN.targets)
    raise WorkflowError(str(unknown(kind, wildcards.unknown, known)))


# ---- claims


@cache
def language(paper: str) -> Language:
    return language_of(PLAN.papers[paper], read_scores(PLAN.scores))


def claim_measurements(finding: dict, models: list[dict]) -> list[tuple[dict, str]]:
    """Of these entries those that judge a claim or its preconditions, and the measurements."""
    paper = paper_of(finding)
    described = PLAN.papers[paper]
    networks = finding.get("architectures") or described["networks"]
    wanted = inputs(finding, PLAN.preconditions[paper], language(paper))
    return [
        (entry, name)
        for entry in as_methods(models, described.get("variants", {}))
        if entry["paper_architecture"] in networks
        and entry["paper_dataset"] in finding["datasets"]
        for method, name in wanted
        if method == entry["method"] and name in ("training", *entry["probes"])
    ]


def claim_inputs(finding: dict) -> list[str]:
    """An artifact's files and the measurements that judge one of its claims."""
    measured = claim_measurements(finding, entries(PLAN.targets))
    files = (entry["probes"].get(name, entry["files"]) for entry, name in measured)
    paths = [path for one in files for path in one.values()]
    return [*artifact_files([artifact_of(finding)]), *dict.fromkeys(paths)]


@cache
def judged() -> list[dict]:
    """Entries of the scale's artifacts, with every measurement of them that judges a claim about
    one of the artifacts, also where only an artifact that the scale leaves out shows it.
    """
    found = entries(PLAN.artifacts)
    own = {(entry["slug"], entry["seed"]): entry["probes"] for entry in found}
    known = [one for one in entries(PLAN.targets) if (one["slug"], one["seed"]) in own]
    for finding in PLAN.findings:
        if artifact_of(finding) in PLAN.artifacts:
            for entry, name in claim_measurements(finding, known):
                if name in entry["probes"]:
                    own[entry["slug"], entry["seed"]][name] = entry["probes"][name]
    return found


def shown(wildcards, key: str) -> str:
    """A text of an artifact as captions, which are reStructuredText, have it."""
    return restructured(PLAN.targets[wildcards.artifact][key])


def caption(wildcards) -> dict:
    """The labels by which Snakemake's report sorts an artifact, as text: figure 2 before 10."""
    row = PLAN.targets[wildcards.artifact]
    return {
        "Paper": PLAN.papers[row["paper"]]["short"],
        "Artifact": in_order(label(wildcards.artifact)),
        "Title": row["title"],
    }


def run_files(name: str) -> list[str]:
    """One kind of file of every model and seed of the artifacts that has it."""
    files = (entry["files"] for entry in entries(PLAN.artifacts))
    return list(dict.fromkeys(one[name] for one in files if name in one))


def checked_artifacts() -> dict[str, dict]:
    """What gradient-masking checks read of the artifacts that ask for them."""
    read = ("columns", "probe", "checks")
    return {
        name: {
            "models": row["models"],
            "options": {
                key: row["options"][key] for key in read if key in row["options"]
            },
        }
        for name, row in PLAN.artifacts.items()
        if "checks" in row["options"]
    }


def papers_in_report() -> list[str]:
    """The papers with artifacts, each of which gets a page in the report."""
    return [
        paper
        for paper in PLAN.papers
        if any(row["paper"] == paper for row in PLAN.targets.values())
    ]
