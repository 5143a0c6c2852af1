"""Fill the generated tables of the documentation from what the project declares.

    python scripts/document_config.py

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in README.md, config/README.md
or docs/numerics.md. Its source is a schema of workflow/schemas, a registered function's arguments,
or the plan of a scale; all other text is written by hand.
"""

import ast
import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from passband.config import RANGES, WHOLE, Plan, plan, read_yaml, scale_config
from passband.data.registry import DATASETS
from passband.dependencies import PACKAGE, declared
from passband.errors import UserError
from passband.files import write_text

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "config/README.md", "docs/numerics.md")
SCALES = ("smoke", "demo", "fashion", "paper")
MARKED = re.compile(r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

# What the arguments of attacks, probes and tests of claims mean.
ARGUMENTS = {
    "above": "What the correlation has to exceed.",
    "all_layers": "Whether to map the frequencies of every convolution, too.",
    "attack": "An attack of config/attacks.yaml; its perturbations are made once and shared.",
    "attacks": "Attacks of config/attacks.yaml, in the order in which they are run; run for this "
    "probe alone.",
    "bandwidth": "The bandwidth of the low-pass filter.",
    "bandwidths": "The bandwidths that are measured, one after the other.",
    "batch": "Images per batch; those that fill no batch are left out.",
    "by": "The smallest difference that counts, in the score's unit.",
    "c": "Weight of the error against the squared distance.",
    "clauses": "The inequalities; each has `holds`, `says` and, if need be, `for`, `each` and "
    "`margin`.",
    "column": "A column of history.csv.",
    "epsilon": "Radius of the l-infinity ball around the image.",
    "examples": "How many images are kept.",
    "filter": "A filter, `lowpass` or `highpass`.",
    "images": "Measure only the first so many test images.",
    "initial_share": "Share of an image's pixels that the first squares cover.",
    "kappa": "By how much another class has to lead.",
    "layer": "Which convolution; 0 is the first.",
    "layers": "Names of the layers; all of them if left out.",
    "learning_rate": "Step size of Adam.",
    "loss": "What is maximised: the cross-entropy, the `margin` between the largest wrong logit "
    "and the true one, the divergence from the clean image's predictions (`kl`), or the difference "
    "of logits ratio for a target class (`dlr_targeted`).",
    "model": "The model that the claim is about: `natural`, `lmodel` or `robust`; of "
    "`rank_correlation_with_epoch` also a method.",
    "models": "The models that are compared, at least two; or those of which one is enough.",
    "norm_per_pixel": "Euclidean norm of the noise in each channel, divided by the image side.",
    "queries": "How often the network is asked.",
    "restarts": "Attempts; an image keeps the first that fools the network.",
    "says": "The quantity in words.",
    "score": "A sum of scores, with `{model}` in the model's place.",
    "share": "Percent of the frequency plane.",
    "start": "Where the attack begins: at the image (`clean`), at a `uniform` point of the ball, "
    "or after a thousandth of standard `normal` noise.",
    "std": "Standard deviation of the noise; images are in [0, 1].",
    "step_size": "Length of each step, in every pixel.",
    "steps": "Number of gradient steps.",
    "target_classes": "How many wrong classes are aimed at, the most likely first; 0 for an attack "
    "without targets.",
    "than": "The model that it is compared with.",
}
FINDING = {
    "id": "The artifact's id and a letter.",
    "artifact": "The artifact that the claim is about.",
    "claim": "The paper's statement in plain words.",
    "printed": "Whether the claim holds in the numbers that the paper prints: `consistent`, "
    "`partly`, `contradicted` or `no_numbers`.",
    "printed_note": "Those numbers.",
    "test": "A test of claims, see below.",
    "parameters": "The test's arguments.",
    "definition": "What the test takes the claim to mean, with every number that it fixes.",
    "transfers": "`false`: the claim is about particular data sets or networks; where a scale "
    "replaces them it is not run.",
    "datasets": "The ids of the data sets that the claim speaks of.",
}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "array": "list",
    "object": "mapping",
}
ANNOTATIONS = {
    "float": "number",
    "int": "whole number",
    "bool": "`true` or `false`",
    "str": "text",
    "list[str]": "list",
    "list[dict]": "list of mappings",
}
BANDWIDTH = "share of the image side such as `1/2`, or even whole number"
SPECIAL = {
    "attacks": "list of names",
    "bandwidth": BANDWIDTH,
    "bandwidths": f"list, each a {BANDWIDTH}",
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


def registered(folder: str) -> dict[str, ast.FunctionDef]:
    """The functions of src/passband/<folder> whose decorator names them, by that name."""
    found = {}
    for file in sorted((PACKAGE / folder).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for call in getattr(node, "decorator_list", []):
                name = call.args[0] if isinstance(call, ast.Call) and call.args else None
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    found[name.value] = node
    return dict(sorted(found.items()))


def arguments_table(kind: str, folder: str) -> str:
    """What each function of a registry is and which keys a row that names it takes."""
    parts = []
    for name, function in registered(folder).items():
        pairs = list(zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True))
        parts.append(f"**`{kind}: {name}`** – {_summary(function)}\n")
        rows = [
            (f"`{one.arg}`", _allowed(one, default), _argument(one.arg)) for one, default in pairs
        ]
        parts.append(table(("key", "value", "meaning"), rows) + "\n")
    return "\n".join(parts).rstrip()


def _summary(function: ast.FunctionDef) -> str:
    return ast.get_docstring(function).partition("\n\n")[0].replace("\n", " ")


def _allowed(argument: ast.arg, default: ast.expr | None) -> str:
    words = SPECIAL.get(argument.arg) or _annotated(ast.unparse(argument.annotation))
    if argument.arg in RANGES:
        low, high = RANGES[argument.arg]
        fraction = "" if argument.arg in WHOLE else " or fraction such as `8/255`"
        words += f"{fraction}, {low} to {high:,}"
    if default is None:
        return words
    value = ast.unparse(default)
    return f"{words}; may be left out" if value == "None" else f"{words}; `{value}` if left out"


def _annotated(annotation: str) -> str:
    if annotation.startswith("Literal"):
        words = ast.literal_eval(annotation.removeprefix("Literal"))
        return " or ".join(f"`{word}`" for word in words)
    return ANNOTATIONS[annotation.removesuffix(" | None")]


def _argument(key: str) -> str:
    if key not in ARGUMENTS:
        raise UserError(f"scripts/document_config.py does not say what the argument '{key}' is.")
    return ARGUMENTS[key]


def names_table(folder: str, head: str) -> str:
    """Registered names and what each is."""
    rows = [(f"`{name}`", _summary(one)) for name, one in registered(folder).items()]
    return table((head, "meaning"), rows)


def scores_table() -> str:
    """The scores of findings with their arguments, and what each is."""
    rows = []
    for name, function in registered("findings/scores").items():
        others = "".join(f", {one.arg}" for one in function.args.args[1:])
        rows.append((f"`{name}(model{others})`", _summary(function)))
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


def architectures_list() -> str:
    """The registered architectures."""
    return ", ".join(f"`{name}`" for name in sorted(declared("models")))


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
        template = f"reports/notebooks/{row['notebook']}.py"
        needed = "the histories of trainings" if row["models"] else "an image suffices"
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
    if "name" in content and "attack" in content:
        yield path.rstrip("."), content["name"]
        return
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value).lower() if isinstance(value, bool) else str(value)


# ---- the documents

TABLES: dict[str, Callable[[], str]] = {
    "scales": scales_table,
    "artifacts": artifacts_table,
    "differences": differences_table,
    "run": lambda: schema_table("config"),
    "models": lambda: schema_table("models"),
    "recipe": lambda: schema_table("recipe"),
    "artifact-rows": lambda: schema_table("artifacts"),
    "attacks": lambda: arguments_table("attack", "attacks"),
    "probes": lambda: arguments_table("probe", "probes"),
    "filters": lambda: names_table("spectra", "filter"),
    "findings": lambda: table(
        ("key", "meaning"), [(f"`{key}`", meaning) for key, meaning in FINDING.items()]
    ),
    "claims": lambda: arguments_table("test", "findings/claims"),
    "scores": scores_table,
    "datasets": datasets_table,
    "architectures": architectures_list,
}


def filled(text: str) -> str:
    """The text of a document with every marked table made anew."""
    return MARKED.sub(lambda mark: f"{mark[1]}\n{TABLES[mark[2]]()}\n\n{mark[3]}", text)


def main() -> None:
    """Rewrite the documents."""
    for name in DOCUMENTS:
        path = ROOT / name
        write_text(path, filled(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
