"""What the sources declare and import, read without importing them (no torch needed).

The workflow uses this to check config names before anything runs, and to give each job exactly
the modules that determine its result as inputs.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent


class Declared(NamedTuple):
    """A registered function: its file, its keyword-only arguments, which of them have no default,
    and the words that those annotated as Literal may be."""

    file: Path
    keywords: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 (never changed)


@cache
def declared(registry: str) -> dict[str, Declared]:
    """Registered names in src/passband/<registry>/, e.g. "attacks", "probes", "models"."""
    found = {}
    for file in sorted((PACKAGE / registry).glob("*.py")):
        for node in ast.walk(_tree(file)):
            for call in getattr(node, "decorator_list", [node]):
                name = _registered_name(call)
                if name and name not in found:
                    found[name] = _declared(file, node)
    return found


def _registered_name(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = getattr(node.func, "attr", getattr(node.func, "id", None))
    argument = node.args[0]
    is_name = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if called == "register" and is_name else None


def _declared(file: Path, node: ast.AST) -> Declared:
    if not isinstance(node, ast.FunctionDef):
        return Declared(file)
    pairs = list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
    return Declared(
        file,
        tuple(argument.arg for argument, _ in pairs),
        tuple(argument.arg for argument, default in pairs if default is None),
        {
            argument.arg: tuple(part.value for part in argument.annotation.slice.elts)
            for argument, _ in pairs
            if ast.unparse(argument.annotation).startswith("Literal[")
        },
    )


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _module_files(name: str) -> list[Path]:
    """The files that importing `passband.a.b` executes: the packages on the way and the module."""
    if name.split(".")[0] != "passband":
        return []
    files, folder = [PACKAGE / "__init__.py"], PACKAGE
    for part in name.split(".")[1:]:
        if (folder / part).is_dir():
            folder = folder / part
            files.append(folder / "__init__.py")
        elif (folder / f"{part}.py").exists():
            files.append(folder / f"{part}.py")
    return files


@cache
def _imports(file: Path) -> frozenset[Path]:
    found: set[Path] = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found.update(_module_files(name))
    return frozenset(found)


@cache
def code(*entries: Path) -> list[str]:
    """All files of the package that the given files import, directly or not, and their own paths.

    A registry's members are found by name at run time, so give the members in use as entries.
    """
    seen: set[Path] = set()
    waiting = list(entries)
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_imports(file))
    return sorted(str(file) for file in seen if PACKAGE in file.parents)
