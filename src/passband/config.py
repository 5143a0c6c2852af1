"""From the config files to a plan: what a scale trains, measures and draws.

Read by the workflow before anything runs, so it needs neither torch nor Snakemake. Every mistake
becomes one sentence that names the file, the key, what was found and what was expected.
"""

import fnmatch
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache, reduce
from pathlib import Path
from typing import NamedTuple

import yaml
from jsonschema import Draft202012Validator, ValidationError

from passband.data.registry import DATASETS, get
from passband.dependencies import declared
from passband.errors import UserError, unknown
from passband.quantities import bandwidth_at, number
from passband.training.schedule import common_part, first_drop

RANGES = {
    "epsilon": (0, 1),
    "step_size": (0, 1),
    "steps": (1, 10_000),
    "restarts": (1, 1_000),
    "images": (1, 10_000_000),
    "examples": (1, 1_000),
    "norm_per_pixel": (0, 10),
    "queries": (1, 1_000_000),
    "target_classes": (1, 10_000),
    "initial_share": (0, 1),
    "std": (0, 1),
    "c": (0, 1_000_000),
    "kappa": (0, 1_000),
    "learning_rate": (1e-9, 10),
    "batch": (4, 10_000),
    "layer": (0, 10_000),
}
WHOLE = {"steps", "restarts", "images", "examples", "queries", "target_classes", "batch", "layer"}


class Plan(NamedTuple):
    """A scale, resolved. All values are plain data that can be written as JSON.

    scale: name, title, mark, expected; models: slug -> row with its substitutes; trainings:
    model id -> what the training job needs, with the trunk that it begins with or None; trunks:
    name -> what several trainings have in common, up to the epoch `until`; probes, attacks,
    artifacts: rows by name.
    """

    scale: dict
    seeds: list[int]
    models: dict[str, dict]
    trainings: dict[str, dict]
    trunks: dict[str, dict]
    attacks: dict[str, dict]
    probes: dict[str, dict]
    papers: dict[str, dict]
    artifacts: dict[str, dict]


class _Loader(yaml.SafeLoader):
    """Refuses what the safe loader drops in silence: a key that stands twice in one mapping."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """As the safe loader does, but for the check."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key '{key.value}' stands twice; keep one of them"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return node


def read_yaml(path: Path) -> dict:
    """Read a YAML mapping; raises UserError if it is missing or malformed."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"there is no {path}.") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" in line {place.line + 1}" if place else ""
        raise UserError(f"{path} is not valid YAML{line}: {error.problem}.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping of keys to values.")
    return content


def merged(base: Mapping, patch: Mapping) -> dict:
    """`base` with `patch` laid over it: mappings key by key, everything else replaced.

    A mapping that names its `kind` is replaced as a whole, since its keys depend on the kind.
    """
    result = dict(base)
    for key, value in patch.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both and "kind" not in value else value
    return deepcopy(result)


def scale_config(config: Mapping, root: Path) -> dict:
    """The chosen scale's file with the config given by the user laid over it.

    Raises UserError for an unknown scale.
    """
    folder = root / "config" / "scales"
    name = str(config.get("scale"))
    if not (folder / f"{name}.yaml").exists():
        raise unknown("scale", name, [file.stem for file in folder.glob("*.yaml")])
    return merged(read_yaml(folder / f"{name}.yaml"), config)


def check(content: object, schema: Path, source: str) -> None:
    """Validate against a JSON schema; the plainest mistake becomes one sentence."""
    error = min(_validator(schema).iter_errors(content), key=_plainness, default=None)
    if error is not None:
        raise UserError(f"{source}: {_sentence(error)}")


@cache
def _validator(schema: Path) -> Draft202012Validator:
    return Draft202012Validator(read_yaml(schema))


def _plainness(error: ValidationError) -> tuple[int, str]:
    order = ("additionalProperties", "enum", "type")
    rank = order.index(error.validator) if error.validator in order else len(order)
    return rank, error.json_path


def _sentence(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "the file"
    value = error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = next(key for key in error.instance if key not in known)
        place = f" in {where}" if error.absolute_path else ""
        return str(unknown(f"key{place}", extra, known))
    if error.validator == "required":
        missing = next(key for key in value if key not in error.instance)
        return f"{where} lacks the key '{missing}'; add it."
    if error.validator == "enum":
        return str(unknown(f"value of {where}", error.instance, value))
    if error.validator == "pattern":
        return f"'{error.instance}' in {where} is no name of the form {value}; rename it."
    words = " or ".join(value) if isinstance(value, list) else value
    expected = {
        "type": f"expected {words}",
        "minimum": f"expected at least {words}",
        "maximum": f"expected at most {words}",
        "exclusiveMinimum": f"expected more than {words}",
        "exclusiveMaximum": f"expected less than {words}",
        "minItems": f"expected at least {words} entry",
        "uniqueItems": "expected no value twice",
    }.get(error.validator, error.message)
    return f"{where} is {error.instance!r}, {expected}."


def plan(config: Mapping, root: Path) -> Plan:
    """Resolve the user's config into a plan.

    root: the project's folder, with config/ and workflow/schemas/. Raises UserError.
    """
    schemas = root / "workflow" / "schemas"
    check(config, schemas / "config.schema.yaml", "config")
    for key in ("results_root", "data_root"):
        path = Path(config[key]).absolute()
        existing = next(part for part in (path, *path.parents) if part.exists())
        if not existing.is_dir():
            raise UserError(f"{key} is {config[key]}, but {existing} is a file; name a folder.")
    files = {name: read_yaml(root / "config" / f"{name}.yaml") for name in _FILES}
    for name, content in files.items():
        check(content, schemas / f"{name}.schema.yaml", f"config/{name}.yaml")
    for kind in ("dataset", "architecture"):
        used = {row[kind] for row in files["models"]["models"].values()}
        _known(f"{kind} in the scale's {kind}s", config[f"{kind}s"], used)

    attacks = {name: resolve_attack(name, row) for name, row in files["attacks"].items()}
    substitutes = config["training_attacks"]
    _known("attack in the scale's training_attacks", {*substitutes, *substitutes.values()}, attacks)
    in_training = attacks | {name: attacks[other] for name, other in substitutes.items()}
    for kind, known in (("recipes", files["models"]["recipes"]), ("probes", _probes(files))):
        unfit = [pattern for pattern in config[kind] if not fnmatch.filter(known, pattern)]
        _known(f"{kind[:-1]} in the scale's {kind}", unfit, known)
    recipes = {
        name: _patched(row, config["recipes"], name)
        for name, row in files["models"]["recipes"].items()
    }
    for name, recipe in recipes.items():
        for dataset in (None, *recipe.get("per_dataset", {})):
            resolve_recipe(name, recipe, dataset, in_training, schemas)
    probes = {
        name: _resolve_probe(name, _patched(row, config["probes"], name), attacks)
        for name, row in _probes(files).items()
    }

    for name in set(probes) & set(attacks):
        raise UserError(f"'{name}' is the name of an attack and of a probe; rename the probe.")

    models, trainings = {}, {}
    for slug, row in files["models"]["models"].items():
        dataset = _substitute(row["dataset"], config["datasets"])
        architecture = _substitute(row["architecture"], config["architectures"])
        _known(f"dataset of model '{slug}'", [dataset], DATASETS)
        _known(f"architecture of model '{slug}'", [architecture], declared("models"))
        _known(f"recipe of model '{slug}'", [row["recipe"]], recipes)
        name = row["recipe"]
        recipe = resolve_recipe(name, recipes[name], dataset, in_training, schemas)
        _check_proxy(name, recipe, architecture, config["architectures"])
        model = f"{dataset}_{architecture}_{name}"
        models[slug] = {
            "slug": slug,
            "model": model,
            "dataset": dataset,
            "dataset_title": DATASETS[dataset].title,
            "paper_dataset": row["dataset"],
            "paper_dataset_title": get(row["dataset"]).title,
            "architecture": architecture,
            "paper_architecture": row["architecture"],
            "method": recipe["method"],
            "alignment": recipe.get("alignment"),
        }
        trainings[model] = {"dataset": dataset, "architecture": architecture, "recipe": recipe}
    trunks = _share_trunks(trainings)

    artifacts = {}
    for name, row in files["artifacts"]["artifacts"].items():
        _known(f"paper of artifact '{name}'", [row["paper"]], files["artifacts"]["papers"])
        templates = [file.stem for file in (root / "reports" / "notebooks").glob("*.py")]
        _known(f"notebook of artifact '{name}'", [row["notebook"]], templates)
        _known(f"model of artifact '{name}'", row["models"], models)
        _known(f"probe of artifact '{name}'", row["probes"], [*probes, *attacks])
        distinct = {models[slug]["model"]: slug for slug in reversed(row["models"])}
        row = row | {"models": [slug for slug in row["models"] if slug in distinct.values()]}
        if "dataset" in row:
            _known(f"dataset of artifact '{name}'", [row["dataset"]], DATASETS)
            row["dataset"] = _substitute(row["dataset"], config["datasets"])
        artifacts[name] = {"id": name, "options": {}, "notes": []} | row

    return Plan(
        scale={key: config[key] for key in ("title", "mark", "expected")}
        | {"name": config["scale"]},
        seeds=config["seeds"],
        models=models,
        trainings=trainings,
        trunks=trunks,
        attacks=attacks,
        probes=probes,
        papers=files["artifacts"]["papers"],
        artifacts=artifacts,
    )


_FILES = ("attacks", "models", "artifacts")


def _probes(files: Mapping) -> dict:
    return files["artifacts"]["probes"]


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)


def _substitute(name: str, substitutes: Mapping[str, str]) -> str:
    return substitutes.get(name, name)


def _patched(row: Mapping, patches: Mapping, name: str) -> dict:
    """A row with the patches whose pattern fits its name, one after another."""
    fitting = [patch for pattern, patch in patches.items() if fnmatch.fnmatchcase(name, pattern)]
    return reduce(merged, fitting, dict(row))


def _share_trunks(trainings: dict[str, dict]) -> dict[str, dict]:
    """Find the trainings that begin alike; note in each the trunk it begins with, or None.

    A trunk takes the name of its first training and ends at the first drop of the learning rate.
    It pays where two trainings begin alike, and one of them changes there.
    """
    groups: dict[str, list[str]] = {}
    for model, row in trainings.items():
        beginning = row | {"recipe": common_part(row["recipe"])}
        groups.setdefault(json.dumps(beginning, sort_keys=True), []).append(model)
    trunks = {}
    for beginning, (first, *others) in groups.items():
        recipe = trainings[first]["recipe"]
        until = first_drop(recipe["schedule"], recipe["epochs"])
        shared = bool(others and until)
        if shared:
            trunks[first] = json.loads(beginning) | {"until": until}
        for model in (first, *others):
            trainings[model]["trunk"] = first if shared else None
    return trunks


def _arguments(kind: str, registry: str, name: str, row: Mapping) -> None:
    """Check a row's keys against the arguments of the function that it names."""
    if kind not in row:
        raise UserError(f"{kind} '{name}' lacks the key '{kind}'; add it.")
    _known(f"method of {kind} '{name}'", [row[kind]], declared(registry))
    function = declared(registry)[row[kind]]
    for key in set(row) - {kind, *function.keywords}:
        raise unknown(f"key of {kind} '{name}'", key, function.keywords)
    for key in function.required:
        if key not in row:
            raise UserError(f"{kind} '{name}' lacks the key '{key}'; add it.")
    for key, words in function.choices.items():
        _known(f"{key} of {kind} '{name}'", [row[key]] if key in row else [], words)


def _ranged(kind: str, name: str, row: Mapping) -> dict:
    resolved = dict(row)
    for key, (low, high) in RANGES.items():
        if key in row:
            kinds = (int,) if key in WHOLE else (int, float, str)
            try:
                resolved[key] = number(row[key])
                fits = type(row[key]) in kinds and low <= resolved[key] <= high
            except (ValueError, TypeError, ZeroDivisionError):
                fits = False
            if not fits:
                expected = "whole number" if key in WHOLE else "number"
                raise UserError(
                    f"{kind} '{name}': {key} is {row[key]}, "
                    f"expected a {expected} from {low} to {high}."
                )
    return resolved


def resolve_attack(name: str, row: Mapping) -> dict:
    """A row of config/attacks.yaml, checked, with fractions such as "8/255" as numbers.

    Raises UserError that names the attack, the key and what was expected.
    """
    _arguments("attack", "attacks", name, row)
    return {"name": name} | _ranged("attack", name, row)


def _resolve_probe(name: str, row: Mapping, attacks: Mapping) -> dict:
    _arguments("probe", "probes", name, row)
    resolved = _ranged("probe", name, row)
    if "attack" in row:
        _known(f"attack of probe '{name}'", [row["attack"]], attacks)
    if "attacks" in row:
        listed = row["attacks"]
        if not isinstance(listed, list) or not listed:
            raise UserError(f"probe '{name}': attacks is {listed!r}, expected a list of names.")
        _known(f"attack of probe '{name}'", listed, attacks)
        resolved["attacks"] = [attacks[attack] for attack in listed]
    if "filter" in row:
        _known(f"filter of probe '{name}'", [row["filter"]], declared("spectra"))
    bandwidths = row.get("bandwidths", [row.get("bandwidth", 0)])
    if not isinstance(bandwidths, list) or not bandwidths:
        raise UserError(f"probe '{name}': bandwidths is {bandwidths!r}, expected a list of them.")
    for bandwidth in bandwidths:
        _check_bandwidth(f"probe '{name}'", bandwidth, side=32)
    return resolved


def _check_bandwidth(owner: str, bandwidth: object, side: int) -> None:
    try:
        found = bandwidth_at(side, bandwidth)
        fits = 0 <= found <= side and found % 2 == 0
    except (ValueError, TypeError, ZeroDivisionError):
        fits = False
    if not fits:
        raise UserError(
            f"{owner}: bandwidth {bandwidth} does not fit images of side {side}; expected a share "
            f"of the side such as 1/2, or an even number from 0 to {side}."
        )


def resolve_recipe(
    name: str, recipe: Mapping, dataset: str | None, attacks: Mapping, schemas: Path
) -> dict:
    """A recipe for one data set: its exceptions applied, its attacks looked up, all checked.

    dataset: None for the recipe without exceptions. Raises UserError.
    """
    exceptions = recipe.get("per_dataset", {})
    _known(f"dataset in per_dataset of recipe '{name}'", exceptions, DATASETS)
    resolved = merged(recipe, exceptions.get(dataset, {}))
    resolved.pop("per_dataset", None)
    _check_parts(name, resolved)
    check(resolved, schemas / "recipe.schema.yaml", f"recipe '{name}'")
    for part in ("adversary", "validation"):
        if "attack" in resolved.get(part, {}):
            attack = resolved[part]["attack"]
            _known(f"attack of recipe '{name}', {part}", [attack], attacks)
            resolved[part] = resolved[part] | {"attack": attacks[attack]}
    if "treatment" in resolved:
        _known(f"filter of recipe '{name}'", [resolved["treatment"]["filter"]], declared("spectra"))
        side = DATASETS[dataset].side if dataset else 32
        _check_bandwidth(f"recipe '{name}'", resolved["treatment"]["bandwidth"], side)
    if resolved["select"] == "val_robust_accuracy" and "attack" not in resolved["validation"]:
        raise UserError(
            f"recipe '{name}' selects by val_robust_accuracy, but its validation names no attack."
        )
    if resolved["validation"]["fraction"] == 0 and resolved["select"] != "last":
        raise UserError(
            f"recipe '{name}' holds no images out, so no epoch can be selected by "
            f"{resolved['select']}: set select to last, or raise validation.fraction."
        )
    schedule = resolved["schedule"]
    if len(schedule.get("milestones", [])) != len(schedule.get("factors", [])):
        raise UserError(
            f"recipe '{name}': schedule has {len(schedule['milestones'])} milestones and "
            f"{len(schedule['factors'])} factors, expected as many of each."
        )
    if "alignment" in resolved and first_drop(schedule, resolved["epochs"]) is None:
        raise UserError(
            f"recipe '{name}' aligns spectra from the epoch at which the learning rate has fallen "
            "to a quarter, which its schedule never does: change the schedule or remove alignment."
        )
    return resolved


def _check_parts(name: str, recipe: Mapping) -> None:
    """Refuse parts of a recipe that contradict each other, with the reason."""
    if isinstance(recipe.get("loss"), list):
        raise UserError(
            f"recipe '{name}' names {len(recipe['loss'])} outer losses: a network is trained by "
            "one; keep one, and make a second recipe for the other."
        )
    for part in ("loss", "alignment", "weight_perturbation"):
        if part in recipe and "mixing" in recipe:
            raise UserError(
                f"recipe '{name}' has mixing and {part}, which needs one label per image: remove "
                "one of them."
            )
        if part in recipe and "adversary" not in recipe:
            raise UserError(
                f"recipe '{name}' has {part} but no adversary: {part} works on adversarial "
                "examples; add an adversary, or remove it."
            )
    alignment = recipe.get("alignment") or {}
    mixing = recipe.get("mixing") or {}
    mixes_attacked = isinstance(mixing, Mapping) and mixing.get("of") == "adversarial"
    if mixes_attacked and "adversary" not in recipe:
        raise UserError(
            f"recipe '{name}' mixes adversarial examples but has no adversary: add one, or set "
            "mixing.of to clean."
        )
    averaged = isinstance(alignment, Mapping) and alignment.get("natural_branch") == "average"
    if averaged and "weight_average" not in recipe:
        raise UserError(
            f"recipe '{name}' aligns with the averaged model but averages no weights: add "
            "weight_average, or set alignment.natural_branch to live."
        )
    if "weight_average" in recipe and not averaged:
        raise UserError(
            f"recipe '{name}' averages weights that nothing uses: set alignment.natural_branch to "
            "average, or remove weight_average."
        )


def _check_proxy(name: str, recipe: Mapping, architecture: str, substitutes: Mapping) -> None:
    proxy = recipe.get("weight_perturbation", {}).get("proxy", architecture)
    if _substitute(proxy, substitutes) != architecture:
        raise UserError(
            f"recipe '{name}' perturbs the weights of {architecture} by a proxy of another "
            f"architecture, {proxy}: the perturbation is the proxy's weights minus the model's, so "
            "both must have the same; remove weight_perturbation.proxy."
        )
