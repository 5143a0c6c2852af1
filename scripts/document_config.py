"""Generate the tables of the documentation and the JSON schemas for editors.

    python scripts/document_config.py [--check]

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in one of DOCUMENTS. It is made
from a schema in workflow/schemas, from the signatures and docstrings of registered functions, or
from the plan of a scale; all other text is written by hand. With --check nothing is written.
"""

import argparse
import fnmatch
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, is_typeddict

from passband.data.registry import DATASETS
from passband.dependencies import Declared, declared
from passband.files import write_text
from passband.options import Option, fields, words
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.schemas import editor_schemas

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "config/README.md", "docs/artifacts.md", "docs/numerics.md")
SCHEMAS = ROOT / "workflow/schemas/editor"
SCALES = ("smoke", "demo", "laptop", "fashion", "paper")
MARKED = re.compile(r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "array": "list",
    "object": "mapping",
}
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ---- from the schemas


def schema_table(name: str, *path: str) -> str:
    """The keys of a schema in workflow/schemas: key, value, meaning.

    Args:
        name: file name without .schema.yaml.
        path: keys of the schema that lead to the part that is shown.
    """
    schema = read_yaml(ROOT / f"workflow/schemas/{name}.schema.yaml")
    for key in path:
        schema = schema[key]
    rows = [
        (f"`{path}`", _value(one) + ("" if required else "; optional"), _meaning(one))
        for path, one, required in _keys(schema, "")
    ]
    return table(("key", "value", "meaning"), rows)


def _keys(schema: dict, path: str) -> Iterator[tuple[str, dict, bool]]:
    for key, one in schema.get("properties", {}).items():
        yield f"{path}{key}", one, key in schema.get("required", ())
        yield from _keys(one, f"{path}{key}.")
        yield from _keys(one.get("items", {}), f"{path}{key}[].")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _keys(schema["additionalProperties"], f"{path}<name>.")


def _value(schema: dict) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = [" or ".join(TYPES[kind] for kind in kinds)]
    if "items" in schema:
        words[0] += f" of {TYPES[schema['items']['type']]}s"
    words += [f"{word} {schema[key]:,}" for key, word in BOUNDS.items() if key in schema]
    return ", ".join(words)


def _meaning(schema: dict) -> str:
    return re.sub(r"(?<!`)<results_root>\S*(?=[.;,])", r"`\g<0>`", schema["description"])


# ---- from registered functions


def arguments_table(
    kind: str, registry: str, more: Callable[[Declared], str] = lambda one: ""
) -> str:
    """The functions of a registry, each with the keys of a row that names it.

    Args:
        kind: what a row has before the function's name.
        registry: as `passband.dependencies.declared` takes it.
        more: what follows the summary of a function.
    """
    blocks = []
    for name, function in declared(registry).items():
        summary = " ".join(filter(None, (function.summary, more(function))))
        blocks.append(f"**`{kind}{name}`** – {summary}")
        if function.keywords:
            blocks.append(keywords_table(function.keywords))
    return "\n\n".join(blocks)


def keywords_table(keywords: Mapping[str, Option]) -> str:
    """Keyword arguments: key, value, meaning."""
    return table(("key", "value", "meaning"), [*_keyword_rows(keywords, "")])


def _keyword_rows(keywords: Mapping[str, Option], path: str) -> Iterator[tuple[str, str, str]]:
    for key, option in keywords.items():
        record, inside = _record(option.kind)
        value = words(option.kind) if record is None else f"{'list of ' * bool(inside)}mapping"
        value += "s" * bool(record and inside)
        yield f"`{path}{key}`", value + _default(option), _sentence(option.meaning)
        if record:
            yield from _keyword_rows(fields(record), f"{path}{key}{inside}.")


def _record(kind: object) -> tuple[type | None, str]:
    """The TypedDict in an annotation, and "[]" for a list of them; None if there is none."""
    if is_typeddict(kind):
        return kind, ""
    if get_origin(kind) is Annotated:
        return _record(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return max(map(_record, get_args(kind)), key=lambda one: one[0] is not None)
    if get_origin(kind) is list:
        return _record(get_args(kind)[0])[0], "[]"
    return None, ""


def _default(option: Option) -> str:
    if option.required:
        return ""
    shown = str(option.default).lower() if isinstance(option.default, bool) else option.default
    return "; optional" if option.default is None else f"; `{shown}` if left out"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def part_settings(part: Declared) -> str:
    """How a recipe part fits into a recipe, in words."""
    settings = part.settings
    sentences = [f"Role: {settings['role']}."]
    for condition, wanted in settings.get("requires", {}).items():
        sentences.append(_required(condition, wanted))
    for condition, quantity in settings.get("needs", {}).items():
        if provider := _provider(quantity):
            sentences.append(_required(condition, provider))
    if "provides" in settings:
        sentences.append("Another part must use it.")
    for other, reason in settings.get("excludes", {}).items():
        sentences.append(f"Excludes {_part(other)}: {reason}.")
    if settings.get("starts") == "learning-rate drop":
        sentences.append("Starts at the learning-rate drop.")
    elif settings.get("starts"):
        sentences.append(f"Starts at epoch `{settings['starts']}`.")
    return " ".join(sentences)


def _required(condition: str, part: str) -> str:
    if condition:
        return f"With `{condition.replace('=', ': ')}` it requires {_part(part)}."
    return f"Requires {_part(part)}."


def _part(name: str) -> str:
    return f"`{name}`" if name.partition(".")[0] in declared("training/parts") else name


def _provider(quantity: str) -> str:
    """The part that provides a quantity; "" for one that every batch has."""
    parts = declared("training/parts").items()
    return next((name for name, one in parts if one.settings.get("provides") == quantity), "")


def scores_table() -> str:
    """The scores of findings: how they are written, the row behind each, and what they are."""
    functions, rows = declared("findings/scores"), []
    for name, row in planned("paper").scores.items():
        function = functions[row["score"]]
        others = "".join(f", {one}" for one in [*function.positional][1:])
        constants = "".join(f", {key} `{row[key]}`" for key in function.keywords if key in row)
        source = f"`{row['score']}` of `{row['probe']}`{constants}"
        rows.append((f"`{name}(model{others})`", source, function.summary))
    return table(("score", "function and measurement", "meaning"), rows)


# ---- from the config itself


@cache
def planned(scale: str) -> Plan:
    """The plan of a shipped scale."""
    config = read_yaml(ROOT / "config/config.yaml") | {"scale": scale}
    return plan(scale_config(config, ROOT), ROOT)


def datasets_table() -> str:
    """The registered data sets."""
    rows = [
        (
            f"`{one.id}`",
            f"[{one.title}]({one.homepage})",
            f"{one.channels} × {one.side} × {one.side}",
            str(one.n_classes or "yours"),
            one.licence,
            "in this repository"
            if one.embedded
            else ", ".join(f"`{f.name}`" for f in one.files) or "your own folder of images",
        )
        for one in DATASETS.values()
    ]
    return table(("id", "data set", "pixels", "classes", "licence", "published files"), rows)


def corruptions_table() -> str:
    """The registered corruptions."""
    rows = [
        (f"`{name}`", one.settings["title"], one.summary)
        for name, one in declared("data/corruptions").items()
    ]
    return table(("name", "title", "what it does"), rows)


def architectures_table() -> str:
    """The registered architectures."""
    rows = [(f"`{name}`", one.settings["title"]) for name, one in declared("models").items()]
    return table(("name", "network"), rows)


def scales_table() -> str:
    """The shipped scales: what each is for and makes, its data, networks, trainings and cost."""
    rows = []
    for scale in SCALES:
        one = planned(scale)
        purpose = _first_comment(ROOT / f"config/scales/{scale}.yaml")
        trainings = needed_trainings(one)
        rows.append(
            (
                f"`{scale}`",
                purpose,
                _distinct(DATASETS[row["dataset"]].title for row in trainings),
                _distinct(row["architecture"] for row in trainings),
                str(len(trainings) * len(one.seeds)),
                str(len(one.artifacts)),
                one.scale["expected"],
            )
        )
    head = ("scale", "for", "data", "networks", "trainings", "figures and tables", "takes")
    return table(head, rows)


def needed_trainings(one: Plan) -> list[dict]:
    """The trainings behind the artifacts that a scale makes."""
    shown = {one.models[slug]["model"] for row in one.artifacts.values() for slug in row["models"]}
    shown |= {one.derived[name]["of"] for name in shown & one.derived.keys()}
    return [row for name, row in one.trainings.items() if name in shown]


def _first_comment(path: Path) -> str:
    """The first comment of a YAML file after the line that names its schema."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(one.removeprefix("# ") for one in lines if "yaml-language-server" not in one)


def _distinct(names: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def artifacts_table() -> str:
    """The artifacts of the papers, the notebook of each, and what it is made from."""
    rows = []
    for name, row in planned("paper").artifacts.items():
        template = f"../reports/notebooks/{row['notebook']}.py"
        inputs = [*row["probes"], *row["datasets"]]
        made_from = ", ".join(f"`{one}`" for one in inputs)
        made_from = made_from or ("recorded curves" if row["models"] else "nothing: a drawing")
        rows.append((f"`{name}`", row["title"], f"[{row['notebook']}]({template})", made_from))
    return table(("artifact", "what the paper shows", "notebook", "made from"), rows)


def differences_table() -> str:
    """What the smaller scales change in the papers' recipes and probes.

    The most common value of a key is that of `*`, all recipes that have the key, or of a paper's
    prefix; the rows after it are exceptions. A name ending in `*` stands for all recipes that begin
    with it.
    """
    scales = ("paper", "fashion", "laptop", "demo")
    settings = {scale: _settings(planned(scale)) for scale in scales}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for owner, key in dict.fromkeys(pair for scale in scales for pair in settings[scale]):
        values = tuple(settings[scale].get((owner, key), "–") for scale in scales)
        found.setdefault(key, {})[owner] = values
    recipes = {model["model"].split("_")[-1] for model in planned("paper").models.values()}
    rows = []
    for key, owners in sorted(found.items(), key=lambda one: "" not in one[1]):
        named = {name: values for name, values in owners.items() if name in recipes}
        others = {name: values for name, values in owners.items() if name not in recipes}
        for name, values in (_shortest(named) | _changed(others)).items():
            rows.append((f"`{f'{name}.{key}'.lstrip('.')}`", *values))
    return table(("setting", *scales), rows)


def _shortest(values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Values by pattern, the general patterns first; empty if no scale changes any."""
    shown: dict[str, tuple[str, ...]] = {}
    said: dict[str, tuple[str, ...]] = {}
    prefixes = dict.fromkeys(f"{name.partition('-')[0]}-*" for name in values)
    for pattern in ("*", *prefixes):
        members = fnmatch.filter(values, pattern)
        common = Counter(values[name] for name in members).most_common(1)
        if len(members) > 1 and said.get(members[0]) != common[0][0]:
            shown[pattern] = common[0][0]
            said |= dict.fromkeys(members, common[0][0])
    exceptions: dict[tuple[str, ...], list[str]] = {}
    for name in values:
        if said.get(name) != values[name]:
            exceptions.setdefault(values[name], []).append(name)
    for group, names in exceptions.items():
        shown |= dict.fromkeys(_patterns(names, set(values)), group)
    return shown if _changed(shown) else {}


def _changed(values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: row for name, row in values.items() if len(set(row)) > 1}


def _patterns(names: list[str], known: set[str]) -> list[str]:
    """The fewest patterns, names or prefixes with *, that match these and no other known names."""
    family = {name: {one for one in known if one.startswith(name)} for name in names}
    whole = [name for name in names if len(family[name]) > 1 and family[name] <= set(names)]
    inner = {one for name in whole for one in family[name] - {name}}
    return [f"{name}*" if name in whole else name for name in names if name not in inner]


def _settings(one: Plan) -> dict[tuple[str, str], str]:
    """Values by owner (a recipe, a probe, or "" for the whole scale) and key; the key of a
    substitute is the name of the data set or architecture that it replaces."""
    found = {("", "seeds"): ", ".join(map(str, one.seeds))}
    for model in one.models.values():
        if model["paper_dataset"] == "cifar10":
            found |= {
                ("", model[f"paper_{key}"]): model[key] for key in ("dataset", "architecture")
            }
            if model["model"] in one.trainings:
                owner, recipe = model["model"].split("_")[-1], model["recipe"]
                found |= {(owner, key): value for key, value in _flat(recipe, "")}
    for name, probe in one.probes.items():
        found |= {(name, key): value for key, value in _flat(probe, "")}
    return found


def _flat(content: dict, path: str) -> Iterator[tuple[str, str]]:
    if path and "name" in content and ("attack" in content or "shape" in content):
        yield path.rstrip("."), content["name"]
        return
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, path if key == "parts" else f"{path}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{path}{key}", ", ".join(one["name"] for one in value)
        else:
            yield f"{path}{key}", str(value).lower() if isinstance(value, bool) else str(value)


# ---- the documents

TABLES: dict[str, Callable[[], str]] = {
    "scales": scales_table,
    "artifacts": artifacts_table,
    "differences": differences_table,
    "run": lambda: schema_table("config"),
    "paper": lambda: schema_table("paper"),
    "models": lambda: schema_table("models"),
    "recipe": lambda: schema_table("recipe"),
    "parts": lambda: arguments_table("", "training/parts", part_settings),
    "optimisers": lambda: arguments_table("kind: ", "training/optimisers"),
    "schedules": lambda: arguments_table("kind: ", "training/schedules"),
    "recorders": lambda: arguments_table("recorder: ", "training/recorders"),
    "transforms": lambda: arguments_table("transform: ", "models/transforms"),
    "artifact-rows": lambda: schema_table(
        "artifacts", "properties", "artifacts", "additionalProperties"
    ),
    "notebooks": lambda: arguments_table("notebook: ", "figures"),
    "masking-checks": lambda: arguments_table("check: ", "findings/masking"),
    "attacks": lambda: arguments_table("attack: ", "attacks"),
    "probes": lambda: arguments_table("probe: ", "probes"),
    "filters": lambda: arguments_table("shape: ", "spectra/filters"),
    "findings": lambda: schema_table("findings", "properties", "findings", "items"),
    "claims": lambda: arguments_table("test: ", "findings/claims"),
    "scores": scores_table,
    "datasets": datasets_table,
    "corruptions": corruptions_table,
    "architectures": architectures_table,
}


def filled(text: str) -> str:
    """The text of a document with all its tables regenerated."""
    return MARKED.sub(lambda mark: f"{mark[1]}\n{TABLES[mark[2]]()}\n\n{mark[3]}", text)


def generated() -> dict[Path, str]:
    """All generated files with their content."""
    documents = {ROOT / name: filled((ROOT / name).read_text("utf-8")) for name in DOCUMENTS}
    schemas = {
        SCHEMAS / f"{name}.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in editor_schemas(ROOT).items()
    }
    return documents | schemas


def main() -> int:
    """Write what is out of date; with --check, list it and return 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if out of date"
    )
    check = parser.parse_args().check
    stale = {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)} is out of date" if check else f"wrote {path.name}")
        if not check:
            write_text(path, text)
    if check and stale:
        print("Run python scripts/document_config.py to bring it up to date.")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
