"""What the sources declare and import, read by parsing them instead of importing them.

So planning needs no torch. The workflow validates config against these declarations before anything
runs, and declares exactly the modules that determine a job's result as its inputs. Annotations of
keyword arguments are evaluated with the types of `passband.options`.
"""

import ast
import typing
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from passband import options
from passband.errors import UserError
from passband.options import Option, meanings

PACKAGE = Path(__file__).parent
TYPES = PACKAGE / "options.py"  # annotations only: a new type of a config value changes no result


class Declared(NamedTuple):
    """A registered function as its source declares it.

    file: the source file. positional: annotations of the positional arguments by name. keywords:
    the keyword-only arguments, whose names are config keys. settings: the other arguments of the
    decorator. summary: the first paragraph of the docstring.
    """

    file: Path
    positional: dict[str, object]
    keywords: dict[str, Option]
    settings: dict[str, object]
    summary: str


@cache
def declared(registry: str) -> dict[str, Declared]:
    """The functions registered in a folder or module, by name.

    Args:
        registry: path below src/passband, such as "attacks" or "training/schedules".

    Returns:
        The declarations, sorted by name.

    Raises:
        UserError: a name is registered twice.
    """
    place = PACKAGE / registry
    found: dict[str, Declared] = {}
    for file in sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
        read: set[int] = set()  # a decorator is met twice: at its function, and by itself
        for node in ast.walk(_tree(file)):
            for call in getattr(node, "decorator_list", [node]):
                name = None if id(call) in read else _registered_name(call)
                read.add(id(call))
                if name is None:
                    continue
                if name in found:
                    raise UserError(
                        f"'{name}' is registered twice, in {found[name].file.name} and in "
                        f"{file.name} of src/passband/{registry}; rename one of them."
                    )
                found[name] = _declared(file, node, call)
    return dict(sorted(found.items()))


def _registered_name(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = getattr(node.func, "attr", getattr(node.func, "id", None))
    argument = node.args[0]
    is_name = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if called == "register" and is_name else None


def _declared(file: Path, node: ast.AST, call: ast.Call) -> Declared:
    settings = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    if not isinstance(node, ast.FunctionDef):
        return Declared(file, {}, {}, settings, "")
    text = ast.get_docstring(node) or ""
    described = meanings(text)
    kinds = _vocabulary(file)
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return Declared(
        file,
        {one.arg: _kind(one.annotation, kinds) for one in node.args.args},
        {
            one.arg: Option(
                _kind(one.annotation, kinds),
                default is None,
                None if default is None else ast.literal_eval(default),
                described.get(one.arg, ""),
            )
            for one, default in pairs
        },
        settings,
        text.partition("\n\n")[0].replace("\n", " "),
    )


def _vocabulary(file: Path) -> dict[str, object]:
    """The names that annotations in a file may use: the types of `options`, and the file's own
    Literal, Annotated and TypedDict types."""
    known = {**vars(typing), **vars(options), "Fraction": Fraction}
    for node in _tree(file).body:
        is_type = isinstance(node, ast.ClassDef) and any(
            getattr(base, "id", "") == "TypedDict" for base in node.bases
        )
        is_alias = isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
        if is_type or (
            is_alias and getattr(node.value.value, "id", "") in ("Literal", "Annotated")
        ):
            exec(compile(ast.Module([node], []), str(file), "exec"), known)
    return known


def _kind(annotation: ast.expr | None, kinds: dict[str, object]) -> object:
    try:
        return eval(compile(ast.Expression(annotation), "<annotation>", "eval"), kinds)
    except (NameError, TypeError, AttributeError):
        return object  # a tensor or another type that is never written in config


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
    """The files of the package that the given files import, directly or indirectly.

    Registry members are looked up by name at run time, so pass the members in use as entries.

    Args:
        entries: files; those that belong to the package are part of the result.

    Returns:
        Sorted paths.
    """
    seen: set[Path] = set()
    waiting = list(entries)
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(_imports(file))
    return sorted(str(file) for file in seen - {TYPES} if PACKAGE in file.parents)
