"""Registries at run time, and what the plan reads of them from the sources."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest

from passband import dependencies
from passband.dependencies import PACKAGE, declared
from passband.errors import UserError
from passband.options import AttackName, Share, words
from passband.registry import Registry

# Folders and modules of src/passband that register functions, with the registry's name.
REGISTRIES = {
    "attacks": "ATTACKS",
    "data/corruptions": "CORRUPTIONS",
    "figures": "FIGURES",
    "findings/claims": "CLAIMS",
    "findings/masking": "CHECKS",
    "findings/scores": "SCORES",
    "models/transforms": "TRANSFORMS",
    "probes": "PROBES",
    "spectra/filters": "FILTERS",
    "training/optimisers": "OPTIMISERS",
    "training/parts": "PARTS",
    "training/recorders": "RECORDERS",
    "training/schedules": "SCHEDULES",
}
FUNCTIONS = [(registry, name) for registry in REGISTRIES for name in declared(registry)]


def registry_of(place: str) -> Registry:
    return getattr(import_module(f"passband.{place.replace('/', '.')}"), REGISTRIES[place])


# At run time


def test_functions_are_found_by_name_with_their_settings():
    registry = Registry("colour", "passband.quantities")

    @registry.register("red", wave=700)
    def red():
        """A colour."""

    assert registry["red"] is red
    assert registry.names() == ["red"]
    assert registry.settings("red") == {"wave": 700}
    with pytest.raises(UserError, match="unknown colour 'rad': did you mean 'red'"):
        registry["rad"]
    with pytest.raises(UserError, match="unknown colour 'rad'"):
        registry.settings("rad")


def test_a_second_function_of_the_same_name_is_refused_and_the_first_stays():
    registry = Registry("colour", "passband.quantities")
    registry.register("red")(len)
    with pytest.raises(UserError, match="colour 'red' is registered twice, in builtins and in"):
        registry.register("red")(read_nothing)
    assert registry["red"] is len


def read_nothing():
    """Registered second."""


# Read from the sources

FIRST = '''
"""Colours."""

from typing import Literal

from passband.options import AttackName, Share, words
from passband.colours import COLOURS

Wave = Literal["long", "short"]


@COLOURS.register("red", size="share", needs={"a": "b"})
@another
def red(
    images: Tensor, *, share: Share, wave: Wave = "long", attack: AttackName | None = None
) -> Tensor:
    """Paint it red,
    all of it.

    And more.

    Args:
        share: how much of it, with a second line
            that belongs to it.
        wave: its length: `long` or `short`.
        attack: what it is painted over.

    Returns:
        Red.
    """


COLOURS.register("dark-red", title="Dark red")(partial(red, share=1))
'''


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for src/passband."""
    monkeypatch.setattr(dependencies, "PACKAGE", tmp_path)
    declared.cache_clear()
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours/__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "colours/first.py").write_text(FIRST, encoding="utf-8")
    yield tmp_path
    declared.cache_clear()


def test_declarations_are_read_without_importing_them(sources):
    found = declared("colours")
    assert list(found) == ["dark-red", "red"]
    red = found["red"]
    assert red.file == sources / "colours/first.py"
    assert red.summary == "Paint it red, all of it."
    assert list(red.positional) == ["images"]
    assert red.settings == {"size": "share", "needs": {"a": "b"}}
    assert found["dark-red"].settings == {"title": "Dark red"}
    assert {key: tuple(option) for key, option in red.keywords.items()} == {
        "share": (Share, True, None, "how much of it, with a second line that belongs to it."),
        "wave": (Literal["long", "short"], False, "long", "its length: `long` or `short`."),
        "attack": (AttackName | None, False, None, "what it is painted over."),
    }


def test_a_module_may_hold_a_registry_of_its_own(sources):
    (sources / "shades.py").write_text(FIRST.replace("red", "grey"), encoding="utf-8")
    assert list(declared("shades")) == ["dark-grey", "grey"]


def test_a_name_in_two_files_is_refused(sources):
    (sources / "colours/second.py").write_text(FIRST, encoding="utf-8")
    with pytest.raises(
        UserError, match=r"'red' is registered twice, in first\.py and in second\.py"
    ):
        declared("colours")


# Every registered function of the package


@pytest.mark.parametrize("place", REGISTRIES)
def test_what_is_read_from_the_sources_is_what_is_registered(place):
    assert sorted(declared(place)) == registry_of(place).names()


@pytest.mark.parametrize(("place", "name"), FUNCTIONS)
def test_declared_arguments_are_those_of_the_function(place, name):
    function, found = inspect.unwrap(registry_of(place)[name]), declared(place)[name]
    assert Path(inspect.getsourcefile(function)) == found.file
    signature = inspect.signature(function).parameters.values()
    keywords = {one.name: one for one in signature if one.kind is one.KEYWORD_ONLY}
    assert list(found.keywords) == list(keywords)
    for key, option in found.keywords.items():
        assert option.required == (keywords[key].default is keywords[key].empty)
        assert option.required or option.default == keywords[key].default
        assert words(option.kind) == words(keywords[key].annotation)


@pytest.mark.parametrize(("place", "name"), FUNCTIONS)
def test_every_function_says_what_it_does_and_what_its_keys_mean(place, name):
    found = declared(place)[name]
    assert found.summary.endswith((".", ")."))
    for key, option in found.keywords.items():
        assert option.meaning.endswith("."), f"{place}: {name} does not say what {key} means"
        assert option.kind is not object, f"{place}: the type of {key} of {name} is unknown"


def test_every_registry_is_tested_here():
    """Architectures are built by position and have no keys."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        if " = Registry(" in file.read_text(encoding="utf-8"):
            place = file.parent if file.name == "__init__.py" else file.with_suffix("")
            found.add(place.relative_to(PACKAGE).as_posix())
    assert found == {*REGISTRIES, "models"}


def test_a_name_that_one_file_registers_twice_is_refused(tmp_path, monkeypatch):
    (tmp_path / "invented").mkdir()
    text = '@REG.register("one")\ndef first(): pass\n\n\n@REG.register("one")\ndef second(): pass\n'
    (tmp_path / "invented/members.py").write_text(text)
    monkeypatch.setattr(dependencies, "PACKAGE", tmp_path)
    with pytest.raises(UserError, match="'one' is registered twice"):
        dependencies.declared.__wrapped__("invented")
