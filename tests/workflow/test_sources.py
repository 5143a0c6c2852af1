"""What keeps the workflow's sources simple: linters, thin scripts, schemas without gaps."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from passband.plan import plan, read_yaml, scale_config

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
SCHEMAS = sorted((ROOT / "workflow/schemas").glob("*.yaml"))


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize(
    "check",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "Snakefile", "workflow"],
    ],
    ids=" ".join,
)
def test_linters_have_nothing_to_say(check):
    tool = Path(sys.executable).parent / check[0]
    done = subprocess.run([tool, *check[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_scripts_are_thin(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert "snakemake.config" not in text, "what a script reads belongs in its params"
    assert "cwd" not in text and "getcwd" not in text and "os.environ" not in text


def test_every_script_belongs_to_a_rule():
    rules = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
    for script in SCRIPTS:
        assert f"scripts/{script.name}" in rules


def test_the_package_knows_nothing_of_snakemake():
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.partition(".")[0] == "snakemake" for name in names), file


def test_images_are_opened_in_formats_that_are_named():
    """Pillow guesses the format from the content, and starts other programs to read some."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True)
    opened = 0
    for file in listed.stdout.split():
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open":
                formats = [key.value for key in node.keywords if key.arg == "formats"]
                assert formats and isinstance(formats[0], ast.List), f"{file}:{node.lineno}"
                opened += 1
            elif isinstance(node, ast.Attribute):
                assert node.attr not in ("imread", "imopen"), f"{file}:{node.lineno}"
    assert opened >= 2


@pytest.mark.parametrize("scale", ["smoke", "demo", "laptop", "fashion", "paper"])
def test_what_jobs_are_given_is_plain_data(scale):
    config = read_yaml(ROOT / "config/config.yaml") | {"scale": scale}
    planned = plan(scale_config(config, ROOT), ROOT)._asdict()
    assert json.loads(json.dumps(planned, allow_nan=False)) == planned


def blocks() -> Iterator[tuple[str, str]]:
    """Name and text of every rule that does something."""
    for path in RULES:
        for block in re.split(r"\n(?=rule |use rule )", path.read_text(encoding="utf-8")):
            match = re.match(r"rule (\w+):", block)
            if match and "script:" in block:
                yield match[1], block


@pytest.mark.parametrize(("name", "block"), list(blocks()), ids=[name for name, _ in blocks()])
def test_rules_say_all_that_a_cluster_needs(name, block):
    assert re.fullmatch(r"[a-z]+_[a-z_]+", name)
    for directive in ("log:", "conda:", "message:"):
        assert directive in block, f"{name} lacks {directive}"
    if "torch.yaml" in block:
        for directive in ("resources:", "mem_mb=", "runtime="):
            assert directive in block, f"{name} lacks {directive}"


def test_no_rule_uses_what_makes_results_stale_or_runs_unsafe():
    for path in [ROOT / "Snakefile", ROOT / "workflow/Snakefile", *RULES]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^checkpoint |protected\(|ancient\(|^\s+run:", text, re.MULTILINE)


def test_the_root_snakefile_is_an_entry_point_only():
    assert len((ROOT / "Snakefile").read_text(encoding="utf-8").splitlines()) <= 15


def objects(schema: dict, place: str) -> Iterator[tuple[str, dict]]:
    """Every schema of an object inside a schema, with its place."""
    if schema.get("type") == "object":
        yield place, schema
    for key, value in schema.get("properties", {}).items():
        yield from objects(value, f"{place}.{key}")
    for part in ("additionalProperties", "items"):
        if isinstance(schema.get(part), dict):
            yield from objects(schema[part], f"{place}.*")


# Where the other keys are the arguments of a registered function, or a schema of its own applies.
FUNCTION_KEYS = {
    "config.schema.recipes.*",
    "models.schema.recipes.*",
    "models.schema.transforms.*",
    "recipe.schema.optimizer",
    "recipe.schema.schedule",
    "findings.schema.findings.*.parameters",
}


@pytest.mark.parametrize("file", SCHEMAS, ids=name_of)
def test_schemas_leave_no_gap(file):
    schema = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for place, one in objects(schema, file.stem):
        if one.get("properties"):
            known = one.get("additionalProperties")
            if place not in FUNCTION_KEYS:
                assert known is False, f"{place} accepts unknown keys"
            assert set(one.get("required", [])) <= set(one["properties"]), place
        for key, value in one.get("properties", {}).items():
            assert value.get("description", "").strip(), f"{place}.{key} is not described"
            assert value.keys() & {"type", "enum", "const"}, f"{place}.{key} has no type"


def test_config_holds_science_and_places_only():
    keys = set(read_yaml(ROOT / "config/config.yaml"))
    assert keys == {"scale", "results_root", "data_root", "data_mirror"}
