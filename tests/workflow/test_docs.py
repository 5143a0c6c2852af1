"""The documentation says what the project does: tables, links, commands, messages, examples."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from passband.config import Plan, merged, plan, read_yaml, scale_config

import passband
from passband.errors import UserError
from passband.findings import REQUIRED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "docs", "src", "reports", "scripts", "tests", "workflow")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")


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


# ---- generated tables


@pytest.mark.parametrize("name", DOCUMENT_CONFIG.DOCUMENTS)
def test_tables_are_current(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert DOCUMENT_CONFIG.filled(text) == text, "run python scripts/document_config.py"


def test_every_table_stands_somewhere_once():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in DOCUMENT_CONFIG.DOCUMENTS]
    shown = [name for text in texts for _, name, _ in DOCUMENT_CONFIG.MARKED.findall(text)]
    assert sorted(shown) == sorted(DOCUMENT_CONFIG.TABLES)


def test_exactly_what_exists_is_described():
    functions = [
        function
        for folder in ("attacks", "probes", "findings/claims")
        for function in DOCUMENT_CONFIG.registered(folder).values()
    ]
    used = {one.arg for function in functions for one in function.args.kwonlyargs}
    assert set(DOCUMENT_CONFIG.ARGUMENTS) == used
    assert set(DOCUMENT_CONFIG.FINDING) == REQUIRED


def test_every_file_of_config_has_its_section():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for path in [*(ROOT / "config").glob("*.yaml"), ROOT / "config/scales"]:
        assert f"]({path.name})" in text


def test_options_of_notebooks_are_described():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    read = re.compile(r'"options"(?:\]\[|, \{\}\)\.get\()"(\w+)"')
    for template in (ROOT / "reports/notebooks").glob("*.py"):
        for option in read.findall(template.read_text(encoding="utf-8")):
            assert re.search(rf"^\|.*`{template.stem}`.*\| `{option}` \|", text, re.MULTILINE)


# ---- links, files, commands


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


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_named_files_exist(text):
    path = re.compile(r"[\w.-]+(/[\w.-]*)*(/|\.(yaml|yml|toml|txt|md|py|cff|lock))")
    made = (
        "results/",
        "data/",
        "logs/",
        "attacks/",
        "arrays/",
        "measurements/",
        "trunks/",
        "config/scales/mine",
    )
    for word in code(text):
        if path.fullmatch(word) and not word.startswith(made) and word.count("/") + word.count("."):
            assert (ROOT / word).exists(), word


def test_files_of_a_run_are_made_by_the_workflow():
    section = README.partition("## What you get")[2].partition("\n## ")[0]
    sources = [ROOT / "Makefile", ROOT / "workflow/Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    workflow = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for word in QUOTED.findall(section):
        if not word.startswith((".", "<", "results/")) and word != "make":
            made = word.replace("seed-<n>", "seed-{seed}").replace("<", "{").replace(">", "}")
            assert made.rstrip("/") in workflow, word


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_make_targets_exist(text):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {line.split()[1] for line in code(text) if re.match(r"make [a-z]", line)}
    assert named and named <= known


def test_targets_and_options_of_snakemake_exist():
    values = {"--cores", "--configfile", "--config"}
    demo = DOCUMENT_CONFIG.planned("demo")
    known = {*demo.artifacts, *demo.papers, "findings", "mine.fig1"}
    calls = [line for line in code(README) if line.startswith("snakemake ")]
    assert len(calls) >= 8
    for call in calls:
        words = iter(shlex.split(call)[1:])
        for word in words:
            if word in values:
                value = next(words)
                assert word != "--configfile" or (ROOT / value).exists(), call
            elif word.startswith("data/"):
                assert word.endswith("/train.safetensors")
            else:
                assert word in known or word in {"-n", "--use-conda"}, call


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
    assert len(templates) >= 8
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


# ---- the example of one's own model


def planned(root: Path, scale: str, overlay: dict | None = None) -> Plan:
    config = merged(read_yaml(root / "config/config.yaml"), {"scale": scale} | (overlay or {}))
    return plan(scale_config(config, root), root)


def pasted(text: str, section: str, block: str) -> str:
    """A file of config with a block at the end of one of its sections, or of all."""
    if not section:
        return text + block
    before, key, after = re.split(rf"(^{section}:.*\n)", text, maxsplit=1, flags=re.MULTILINE)
    following = re.search(r"^\w", after, re.MULTILINE)
    end = following.start() if following else len(after)
    return f"{before}{key}{after[:end]}\n{block}\n{after[end:]}"


HEAD = re.compile(r"# (config/\w+\.yaml)(?:, at the end of (\w+))?\n")


def examples() -> list[str]:
    """The README's blocks of YAML."""
    return [block for kind, block in FENCED.findall(README) if kind == "yaml"]


@pytest.fixture
def with_example(tmp_path) -> Path:
    """A copy of what is planned from, with the README's example pasted in."""
    for folder in ("config", "workflow/schemas", "reports/notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    blocks = [block for block in examples() if HEAD.match(block)]
    assert len(blocks) == 5
    for block in blocks:
        name, section = HEAD.match(block).groups()
        file = tmp_path / name
        added = pasted(file.read_text(encoding="utf-8"), section, block[HEAD.match(block).end() :])
        file.write_text(added, encoding="utf-8")
    return tmp_path


def test_the_example_of_a_recipe_is_what_the_paper_calls_so(tmp_path):
    """The recipe shown for its parts alone resolves, and to the one that the project has."""
    for folder in ("config", "workflow/schemas", "reports/notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (block,) = (block for block in examples() if not HEAD.match(block))
    file = tmp_path / "config/models.yaml"
    text = pasted(file.read_text(encoding="utf-8"), "recipes", block)
    model = "  mine: {dataset: cifar10, architecture: resnet18, recipe: mine-trades-sarwa}\n"
    file.write_text(pasted(text, "models", model), encoding="utf-8")
    found = planned(tmp_path, "paper").trainings
    mine, theirs = (
        found[f"cifar10_resnet18_{name}"] for name in ("mine-trades-sarwa", "sar-trades-sarwa")
    )
    assert mine == theirs and mine["trunk"] == "cifar10_resnet18_sar-trades"


def test_the_example_adds_a_model_and_a_figure(with_example):
    found = planned(with_example, "paper")
    training = found.trainings["cifar10_resnet18_mine-at-4"]["recipe"]
    assert training["epochs"] == 100
    assert training["adversary"]["attack"]["epsilon"] == pytest.approx(4 / 255)
    slugs = found.artifacts["mine.fig1"]["models"]
    assert [found.models[slug]["method"] for slug in slugs] == ["natural", "AT-4", "PGD-AT"]


@pytest.mark.parametrize("scale", DOCUMENT_CONFIG.SCALES)
def test_the_example_changes_nothing_else(with_example, scale):
    before, after = DOCUMENT_CONFIG.planned(scale), planned(with_example, scale)
    for part in ("trainings", "attacks", "probes", "artifacts"):
        rows = getattr(after, part)
        assert {name: rows[name] for name in getattr(before, part)} == getattr(before, part)
        added = set(rows) - set(getattr(before, part))
        assert all("mine" in name or name == "one-step-4" for name in added)


def test_the_demo_shortens_the_example_as_all_others(with_example):
    trainings = planned(with_example, "demo").trainings
    mine, other = (
        trainings[f"fashion-mnist-sample_resnet8_{name}"]["recipe"]
        for name in ("mine-at-4", "sar-pgd-at")
    )
    assert mine["epochs"] == other["epochs"] < 20
    assert mine["schedule"] == other["schedule"]
