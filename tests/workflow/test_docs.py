"""The documentation says what the project does: tables, links, commands, messages, examples."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
import yaml
from jsonschema import Draft202012Validator

import passband
from passband.data.registry import DATASETS
from passband.errors import UserError
from passband.findings.printed import printed_check
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.reading import merged
from passband.plan.schemas import editor_schemas
from passband.printed import read_printed

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "docs", "src", "reports", "scripts", "tests", "workflow")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CONFIG_README = (ROOT / "config/README.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
CONFIG_FILES = sorted((ROOT / "config").rglob("*.yaml"))
SHARED = ("scales", "slices")  # folders of files with the keys of config.yaml and of scales


def script():
    """scripts/document_config.py as a module."""
    path = ROOT / "scripts/document_config.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCUMENT_CONFIG = script()


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- what is generated


@pytest.mark.parametrize("file", DOCUMENT_CONFIG.generated(), ids=relative)
def test_generated_files_are_current(file):
    content = DOCUMENT_CONFIG.generated()[file]
    assert file.read_text("utf-8") == content, "run python scripts/document_config.py"


def test_every_table_stands_somewhere_once():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in DOCUMENT_CONFIG.DOCUMENTS]
    shown = [name for text in texts for _, name, _ in DOCUMENT_CONFIG.MARKED.findall(text)]
    assert sorted(shown) == sorted(DOCUMENT_CONFIG.TABLES)


@pytest.mark.parametrize("name", DOCUMENT_CONFIG.TABLES)
def test_tables_have_no_gap(name):
    """Every key, function and name is described, in a sentence."""
    for line in DOCUMENT_CONFIG.TABLES[name]().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert all(cells) or not line, f"{name}: {line}"
        if line.startswith("**"):
            assert re.fullmatch(r"\*\*`[^`]+`\*\* – \S.*\.", line), line
        if "key | value | meaning" not in line and cells[0].startswith("`") and len(cells) == 3:
            assert cells[2][0].isupper() or not cells[2][0].isalpha(), line


def test_every_file_of_config_has_its_section():
    for path in CONFIG_FILES:
        if path.parent.name in SHARED:
            continue
        assert re.search(rf"^## {re.escape(path.name)}", CONFIG_README, re.MULTILINE), path
    folders = [ROOT / "config" / name for name in (*SHARED, "papers")]
    for path in [*(ROOT / "config").glob("*.yaml"), *folders]:
        assert f"]({path.name})" in CONFIG_README


# ---- schemas for editors


@pytest.mark.parametrize("file", CONFIG_FILES, ids=relative)
def test_config_files_name_a_schema_that_they_fit(file):
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named, f"{relative(file)} does not name its schema in its first line"
    schema = (file.parent / named[1]).resolve()
    assert schema.parent == DOCUMENT_CONFIG.SCHEMAS and schema.exists()
    assert schema.stem == ("config" if file.parent.name in SHARED else file.stem)
    found = Draft202012Validator(editor_schemas(ROOT)[schema.stem]).iter_errors(read_yaml(file))
    assert [f"{error.json_path}: {error.message}" for error in found] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("attacks", {"mine": {"attack": "pdg"}}),
        ("attacks", {"mine": {"attack": "fgsm", "epsilon": 2}}),
        ("attacks", {"mine": {"attack": "fgsm", "epsilon": "8/255", "steps": 2}}),
        ("filters", {"mine": {"shape": "square", "keep": "middle", "bandwidth": 8}}),
        ("probes", {"mine": {"probe": "filtered_accuracy"}}),
        ("models", {"models": {}, "recipes": {"mine": {"epoch": 3}}}),
        ("models", {"models": {}, "recipes": {"mine": {"trades": {"beta": -1}}}}),
        ("models", {"models": {}, "recipes": {"mine": {"optimizer": {"kind": "adm"}}}}),
        ("findings", {"findings": [{"id": "mine"}]}),
        ("config", {"seeds": 3}),
    ],
)
def test_editors_mark_mistakes(name, content):
    assert not Draft202012Validator(editor_schemas(ROOT)[name]).is_valid(content)


# ---- links, files, commands


def test_the_readme_can_be_read_at_once():
    assert len(README.splitlines()) < 200


def anchors(page: Path) -> set[str]:
    """The fragments that the headings of a page give."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_lead_somewhere(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target, fragment in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if "://" in target:
            continue
        path = page.parent / target if target else page
        assert path.exists(), f"{relative(page)} links to {target}"
        if fragment:
            assert fragment in anchors(path), f"{relative(page)} links to {target}#{fragment}"


def code(text: str) -> list[str]:
    """Lines of code blocks, and quoted words of a page."""
    blocks = [
        line for kind, block in FENCED.findall(text) if not kind for line in block.split("\n")
    ]
    return blocks + QUOTED.findall(FENCED.sub("", text))


PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", PRESENT, ids=relative)
def test_named_files_exist(page):
    path = re.compile(r"[\w.-]+(/[\w.-]*)*(/|\.(yaml|yml|toml|txt|md|py|cff|lock))")
    made = ("results/", "data/", "logs/", "attacks/", "arrays/", "measurements/")
    invented = (
        "shared_prefixes/",
        "config/scales/mine",
        "config/papers/example",
        "printed/",
        "packages.txt",
    )
    for word in code(page.read_text(encoding="utf-8")):
        if not path.fullmatch(word) or word.startswith((*made, *invented)):
            continue
        folders = [ROOT, page.parent, ROOT / "config", ROOT / "src/passband"]
        anywhere = [] if "/" in word else ROOT.glob(f"config/papers/*/{word}")
        found = any((folder / word).exists() for folder in folders) or any(anywhere)
        assert found, f"{relative(page)} names {word}"


def test_files_of_a_run_are_made_by_the_workflow():
    section = README.partition("## What you get")[2].partition("\n## ")[0]
    sources = [ROOT / "Makefile", ROOT / "workflow/Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    workflow = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    words = QUOTED.findall(section)
    assert {"shared_prefixes/", "curves.csv", "report/index.html"} <= set(words)
    for word in words:
        if not word.startswith((".", "<", "results/")) and word != "make":
            made = word.replace("seed-<n>", "seed-{seed}").replace("<", "{").replace(">", "}")
            assert made.rstrip("/") in workflow, word


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_make_targets_exist(text):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {line.split()[1] for line in code(text) if re.match(r"make [a-z]", line)}
    assert named and named <= known


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_targets_and_options_of_snakemake_exist(text):
    values = {"--cores", "--configfile", "--config", "--directory"}
    demo = DOCUMENT_CONFIG.planned("demo")
    claims = {finding["id"] for finding in demo.findings}
    known = {*demo.targets, *demo.papers, *claims, "findings", "mine.fig1", "example"}
    calls = [line for line in code(text) if line.startswith("snakemake ")]
    assert len(calls) >= 4
    for call in calls:
        words = iter(shlex.split(call)[1:])
        for word in words:
            if word in values:
                value = next(words)
                assert word != "--configfile" or (ROOT / value).exists(), call
            elif word.startswith("data/"):
                assert word.endswith("/train.safetensors")
            elif word != "…":
                assert word in known or word in {"-n", "--use-conda", "--lint", "--touch"}, call


def test_the_readme_counts_what_the_demo_makes():
    demo = DOCUMENT_CONFIG.planned("demo")
    trainings, artifacts = re.search(r"(\d+) trainings, (\d+) figures and tables", README).groups()
    assert int(trainings) == len(DOCUMENT_CONFIG.needed_trainings(demo)) * len(demo.seeds)
    assert int(artifacts) == len(demo.artifacts)


def test_versions_are_those_of_the_project():
    needed = re.search(
        r'min_version\("([\d.]+)"\)', (ROOT / "workflow/Snakefile").read_text(encoding="utf-8")
    )[1]
    assert f"(≥ {needed})" in README
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"snakemake[reports]>={needed}" in pyproject
    python = re.search(r'requires-python = ">=([\d.]+)"', pyproject)[1]
    assert f"Python ≥ {python}" in README
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == passband.__version__
    assert citation["license"] == "MIT"
    assert passband.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# ---- messages


def sources() -> str:
    """All sources as one text, in which a message that is split over lines is whole."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return re.sub(r'"\n\s*f?"', "", text)


def messages() -> list[str]:
    section = README.partition("## Troubleshooting")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


def test_messages_are_those_of_the_sources():
    text = sources()
    templates = [message for message in messages() if "…" in message]
    assert len(templates) >= 5
    for template in templates:
        for part in re.split(r"…", template):
            assert part in text, f"{part!r} of {template!r}"


def test_examples_of_messages_are_what_a_user_reads():
    whole = [message for message in messages() if "…" not in message]
    with pytest.raises(UserError) as scale:
        planned(ROOT, "dmeo")
    with pytest.raises(UserError) as seeds:
        planned(ROOT, "demo", {"seeds": ["0"]})
    assert str(scale.value).startswith(whole[0])
    assert str(seeds.value) == whole[1]


# ---- examples: pasted into a copy of the project, they are planned


class Block(NamedTuple):
    """A code block that names its file: what it holds, and where it belongs in the file."""

    file: str
    section: str
    text: str


HEAD = re.compile(r"# ([\w/]+\.(?:yaml|py))(?:, at the end of (\w+))?\n")


def blocks(page: str) -> Iterator[Block]:
    """The code blocks of a page whose first line names their file."""
    for _, indented in FENCED.findall(page):
        block = dedent(indented)
        if head := HEAD.match(block):
            yield Block(head[1], head[2] or "", block[head.end() :])


def planned(root: Path, scale: str, overlay: dict | None = None) -> Plan:
    config = merged(read_yaml(root / "config/config.yaml"), {"scale": scale} | (overlay or {}))
    return plan(scale_config(config, root), root)


def write(root: Path, block: Block) -> None:
    """Write the file of a block, or add the block at the end of a section of it."""
    path = root / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    text = block.text
    if block.section:
        text = added(path.read_text(encoding="utf-8"), block.section, text)
    else:
        assert not path.exists(), f"{block.file} exists already"
    path.write_text(text, encoding="utf-8")


def added(text: str, section: str, block: str) -> str:
    """A YAML file with a block at the end of one of its sections."""
    before, key, after = re.split(rf"(^{section}:.*\n)", text, maxsplit=1, flags=re.MULTILINE)
    following = re.search(r"^\w", after, re.MULTILINE)
    end = following.start() if following else len(after)
    return f"{before}{key}{after[:end]}\n{block}\n{after[end:]}"


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what is planned from."""
    for folder in ("config", "workflow/schemas", "reports/notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


PLANNED = """
import json, sys
from pathlib import Path
from passband.plan import plan, read_yaml, scale_config
for scale in sys.argv[1:]:
    config = read_yaml(Path("config/config.yaml")) | {"scale": scale}
    print(json.dumps(plan(scale_config(config, Path()), Path())._asdict()))
"""


@pytest.fixture(scope="module")
def with_own_loss(copy_project, tmp_path_factory) -> Path:
    """The README's example in place."""
    project = copy_project(tmp_path_factory.mktemp("own") / "project")
    for block in blocks(README):
        write(project, block)
    return project


@pytest.fixture(scope="module")
def plans(with_own_loss) -> dict[str, dict]:
    """The plan of every scale with the README's example."""
    done = subprocess.run(
        [sys.executable, "-c", PLANNED, *DOCUMENT_CONFIG.SCALES],
        cwd=with_own_loss,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip(DOCUMENT_CONFIG.SCALES, lines, strict=True))


def test_the_example_is_a_target(with_own_loss, snakemake):
    done = snakemake("-n", "mine.fig1", cwd=with_own_loss)
    assert done.returncode == 0, done.stdout[-4000:]
    model = "fashion-mnist-sample_resnet8_w8_mine-at-pairing"
    assert f"results/demo/models/{model}/seed-0/weights.safetensors" in done.stdout


@pytest.mark.parametrize("scale", DOCUMENT_CONFIG.SCALES)
def test_the_example_varies_the_loss_alone(plans, scale):
    models, trainings = plans[scale]["models"], plans[scale]["trainings"]
    theirs, mine = (
        trainings[models[slug]["model"]]["recipe"]
        for slug in plans[scale]["targets"]["mine.fig1"]["models"]
    )
    assert mine["parts"].pop("logit_pairing") == {"weight": 0.5}
    assert mine == theirs | {"method": "AT + pairing"}


@pytest.mark.parametrize("scale", DOCUMENT_CONFIG.SCALES)
def test_the_example_changes_nothing_else(plans, scale):
    before = json.loads(json.dumps(DOCUMENT_CONFIG.planned(scale)._asdict()))
    for part in ("trainings", "attacks", "probes", "targets"):
        rows = plans[scale][part]
        assert {name: rows[name] for name in before[part]} == before[part]
        assert all("mine" in name for name in set(rows) - set(before[part]))


def test_the_example_of_a_paper_is_planned(project):
    """The folder that CONTRIBUTING shows is whole, and its printed numbers say what it says."""
    for block in blocks(CONTRIBUTING):
        if block.file.startswith("config/papers/example"):
            write(project, block)
    folder = project / "config/papers/example"
    (table,) = (dedent(block) for kind, block in FENCED.findall(CONTRIBUTING) if kind == "csv")
    (folder / "printed").mkdir()
    (folder / "printed/table1.csv").write_text(table, encoding="utf-8")
    found = planned(project, "paper")
    paper = found.papers["example"]
    assert set(found.artifacts) >= {f"example.{name}" for name in paper["holds"]}
    assert found.artifacts["example.table1"]["probes"] == ["lowpass", "pgd-20"]
    (finding,) = (row for row in found.findings if row["paper"] == "example")
    printed = read_printed(folder / "printed/table1.csv", paper["printed"])
    titles = {name: one.title for name, one in DATASETS.items()}
    verdict = printed_check(finding, printed, paper, found.scores, found.architectures, titles)
    assert verdict == finding["printed"]


def test_the_example_of_a_recipe_is_what_the_paper_calls_so(project):
    """The recipe that CONTRIBUTING adds to a paper resolves to the one that the paper has."""
    (block,) = (block for block in blocks(CONTRIBUTING) if block.section)
    write(project, block)
    model = "  mine: {dataset: cifar10, architecture: resnet18, recipe: mine-trades-sarwa}\n"
    write(project, Block(block.file, "models", model))
    found = planned(project, "paper").trainings
    mine, theirs = (
        found[f"cifar10_resnet18_{name}"] for name in ("mine-trades-sarwa", "sar-trades-sarwa")
    )
    assert mine == theirs and mine["shared_prefix"] == "cifar10_resnet18_sar-trades"


def test_the_example_of_a_part_is_a_key_of_recipes(tmp_path):
    """The file that CONTRIBUTING shows is discovered, and its docstring documents its key."""
    (block,) = (block for block in blocks(CONTRIBUTING) if block.file.endswith(".py"))
    shutil.copytree(ROOT / "src", tmp_path / "src")
    write(tmp_path, block)
    program = (
        "from passband.dependencies import declared\n"
        "from passband.training.parts import PARTS\n"
        "print(declared('training/parts')['logit_decay'].keywords['weight'].meaning)\n"
        "print(PARTS.settings('logit_decay')['role'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["weight of the penalty in the loss.", "regulariser"]
