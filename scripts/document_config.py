"""Make the generated parts of the documentation and the editor schemas from the sources.

    python scripts/document_config.py [--check]

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in one of DOCUMENTS. Its source
is a schema of workflow/schemas, the signatures and docstrings of registered functions, or the plan
of a scale; all other text is written by hand. --check only tells whether anything is out of date.
"""

import argparse
import fnmatch
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from passband.data.registry import DATASETS
from passband.dependencies import Declared, declared
from passband.files import write_text
from passband.options import words
from passband.plan import Plan, plan, read_yaml, scale_config
from passband.plan.schemas import editor_schemas

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "config/README.md", "docs/artifacts.md", "docs/numerics.md")
SCHEMAS = ROOT / "workflow/schemas/editor"
SCALES = ("smoke", "demo", "fashion", "paper")
MARKED = re.compile(r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
TYPES = {
    "string": "text",
    "integer": "whole number",
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


def schema_table(name: str) -> str:
    """The keys of workflow/schemas/<name>.schema.yaml: key, value, meaning."""
    schema = read_yaml(ROOT / f"workflow/schemas/{name}.schema.yaml")
    rows = [
        (f"`{path}`", _value(one) + ("" if required else "; may be left out"), _meaning(one))
        for path, one, required in _keys(schema, "")
    ]
    return table(("key", "value", "meaning"), rows)


def _keys(schema: dict, path: str) -> Iterator[tuple[str, dict, bool]]:
    for key, one in schema.get("properties", {}).items():
        yield f"{path}{key}", one, key in schema.get("required", ())
        yield from _keys(one, f"{path}{key}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _keys(schema["additionalProperties"], f"{path}<name>.")


def _value(schema: dict) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = [" or ".join(TYPES[kind] for kind in kinds)]
    if "items" in schema:
        words[0] += f" ({_value(schema['items'])})"
    words += [f"{word} {schema[key]:,}" for key, word in BOUNDS.items() if key in schema]
    return ", ".join(words)


def _meaning(schema: dict) -> str:
    return re.sub(r"\S*<\S+>(?:\.\w+)?", r"`\g<0>`", schema["description"])


# ---- from registered functions


def arguments_table(kind: str, registry: str) -> str:
    """What each function of a registry is and which keys a row that names it takes."""
    parts = []
    for name, function in declared(registry).items():
        parts.append(f"**`{kind}{name}`** – {function.summary}\n")
        if function.keywords:
            parts.append(keywords_table(function) + "\n")
    return "\n".join(parts).rstrip()


def keywords_table(function: Declared) -> str:
    """The keyword arguments of a function: key, value, meaning."""
    rows = [
        (f"`{key}`", words(option.kind) + _default(option), option.meaning)
        for key, option in function.keywords.items()
    ]
    return table(("key", "value", "meaning"), rows)


def _default(option) -> str:
    if option.required:
        return ""
    shown = str(option.default).lower() if isinstance(option.default, bool) else option.default
    return "; may be left out" if option.default is None else f"; `{shown}` if left out"


def scores_table() -> str:
    """The scores of findings with their arguments, and what each is."""
    methods, rows = declared("findings/scores"), []
    for name, row in planned("paper").scores.items():
        function = methods[row["score"]]
        others = "".join(f", {one}" for one in [*function.positional][1:])
        meaning = f"{function.summary} (`{row['probe']}`)"
        rows.append((f"`{name}(model{others})`", meaning))
    return table(("score", "meaning"), rows)


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
            str(one.n_classes),
            one.licence,
            "in this repository" if one.embedded else ", ".join(f"`{f.name}`" for f in one.files),
        )
        for one in DATASETS.values()
    ]
    return table(("id", "data set", "pixels", "classes", "licence", "published files"), rows)


def architectures_table() -> str:
    """The registered architectures."""
    rows = [(f"`{name}`", one.settings["title"]) for name, one in declared("models").items()]
    return table(("name", "network"), rows)


def scales_table() -> str:
    """The shipped scales: what each is for, its data, networks, trainings and cost."""
    rows = []
    for scale in SCALES:
        one = planned(scale)
        comment = (ROOT / f"config/scales/{scale}.yaml").read_text(encoding="utf-8")
        purpose = comment.partition("\n")[0].removeprefix("# ")
        trainings = one.trainings.values()
        rows.append(
            (
                f"`{scale}`",
                purpose,
                _distinct(DATASETS[row["dataset"]].title for row in trainings),
                _distinct(row["architecture"] for row in trainings),
                str(len(trainings) * len(one.seeds)),
                one.scale["expected"],
            )
        )
    return table(("scale", "for", "data", "networks", "trainings", "takes"), rows)


def _distinct(names: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def artifacts_table() -> str:
    """The artifacts of the papers, the notebook that draws each, and the probes that feed it."""
    rows = []
    for name, row in planned("paper").artifacts.items():
        template = f"../reports/notebooks/{row['notebook']}.py"
        needed = "what trainings record" if row["models"] else "an image suffices"
        probes = ", ".join(f"`{probe}`" for probe in row["probes"]) or f"none: {needed}"
        rows.append((row["title"], f"`{name}`", f"[{row['notebook']}]({template})", probes))
    return table(("what the paper shows", "artifact", "notebook", "probes"), rows)


def differences_table() -> str:
    """What the smaller scales change of the paper's recipes and probes.

    The most common change of a key stands at `*`, every recipe that has the key, that of a paper
    at its prefix; the rows after them are the exceptions. A name that ends in `*` stands for all
    recipes that begin so.
    """
    scales = ("paper", "fashion", "demo")
    settings = {scale: _settings(planned(scale)) for scale in scales}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for owner, key in dict.fromkeys(pair for scale in scales for pair in settings[scale]):
        values = tuple(settings[scale].get((owner, key), "–") for scale in scales)
        found.setdefault(key, {})[owner] = values
    recipes = {model["model"].split("_")[-1] for model in planned("paper").models.values()}
    rows = []
    for key, owners in found.items():
        named = {name: values for name, values in owners.items() if name in recipes}
        others = {name: values for name, values in owners.items() if name not in recipes}
        for name, values in (_shortest(named) | _changed(others)).items():
            rows.append((f"`{f'{name}.{key}'.lstrip('.')}`", *values))
    return table(("setting", *scales), rows)


def _shortest(values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Patterns and what they stand for, the general ones first; empty if no scale changes any."""
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
    """Few names, with * for any ending, that stand for these names and for no other known one."""
    family = {name: {one for one in known if one.startswith(name)} for name in names}
    whole = [name for name in names if len(family[name]) > 1 and family[name] <= set(names)]
    inner = {one for name in whole for one in family[name] - {name}}
    return [f"{name}*" if name in whole else name for name in names if name not in inner]


def _settings(one: Plan) -> dict[tuple[str, str], str]:
    """Values by owner (a recipe, a probe, or "" for the whole scale) and key; what takes the place
    of a data set and of networks by its name."""
    found = {("", "seeds"): ", ".join(map(str, one.seeds))}
    for model in one.models.values():
        if model["paper_dataset"] == "cifar10":
            found |= {
                ("", model[f"paper_{key}"]): model[key] for key in ("dataset", "architecture")
            }
            owner, recipe = model["model"].split("_")[-1], one.trainings[model["model"]]["recipe"]
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
    "parts": lambda: arguments_table("", "training/parts"),
    "optimisers": lambda: arguments_table("kind: ", "training/optimisers"),
    "schedules": lambda: arguments_table("kind: ", "training/schedules"),
    "recorders": lambda: arguments_table("recorder: ", "training/recorders"),
    "transforms": lambda: arguments_table("transform: ", "models/transforms"),
    "artifact-rows": lambda: schema_table("artifacts"),
    "notebooks": lambda: arguments_table("notebook: ", "figures"),
    "attacks": lambda: arguments_table("attack: ", "attacks"),
    "probes": lambda: arguments_table("probe: ", "probes"),
    "filters": lambda: arguments_table("shape: ", "spectra/filters"),
    "findings": lambda: schema_table("findings"),
    "claims": lambda: arguments_table("test: ", "findings/claims"),
    "scores": scores_table,
    "datasets": datasets_table,
    "architectures": architectures_table,
}


def filled(text: str) -> str:
    """The text of a document with every marked table made anew."""
    return MARKED.sub(lambda mark: f"{mark[1]}\n{TABLES[mark[2]]()}\n\n{mark[3]}", text)


def generated() -> dict[Path, str]:
    """Every generated file and its content."""
    documents = {ROOT / name: filled((ROOT / name).read_text("utf-8")) for name in DOCUMENTS}
    schemas = {
        SCHEMAS / f"{name}.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in editor_schemas(ROOT).items()
    }
    return documents | schemas


def main() -> int:
    """Write what is out of date; with --check, name it and return 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if needed")
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
