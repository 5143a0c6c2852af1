"""What other tools read of the project: pre-commit's hooks and the catalog of workflows."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
MAKEFILE = (
    (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(SNAKEMAKE)", ".venv/bin/snakemake")
)


def commands() -> set[str]:
    """What `make check` runs."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    return {one.strip() for line in recipe.splitlines() for one in line.split("&&")}


@pytest.mark.parametrize("hook", HOOKS[0]["hooks"], ids=lambda hook: hook["id"])
def test_hooks_name_commands_that_exist(hook):
    program, *arguments = shlex.split(hook["entry"])
    assert hook["language"] == "system"
    assert program.startswith(".venv/bin/")
    name = program.removeprefix(".venv/bin/")
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert name == "python" or f'"{name}' in declared
    for path in [one for one in arguments if "/" in one or one in ("Snakefile", "workflow")]:
        assert (ROOT / path).exists()
    if "files" in hook:
        re.compile(hook["files"])


def test_hooks_are_the_checks_of_make():
    """Files are handed to ruff by pre-commit; make checks all of them."""
    (repository,) = HOOKS
    assert repository["repo"] == "local"
    hooks = {
        hook["entry"] + ("" if hook.get("pass_filenames") is False else " .")
        for hook in repository["hooks"]
    }
    assert hooks == commands()


def test_the_catalog_of_workflows_finds_what_it_asks_for():
    content = (ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8")
    usage = yaml.safe_load(content)["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert deployment == {
        "conda": True,
        "apptainer": False,
        "apptainer+conda": False,
        "report": True,
    }
    assert (ROOT / "workflow/Snakefile").exists() and (ROOT / "config/README.md").exists()
    rules = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    assert any("conda:" in text for text in rules) and any("report(" in text for text in rules)
