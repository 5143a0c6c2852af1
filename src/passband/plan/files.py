"""Reading the config files: shared rows, and one folder per paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from passband.errors import UserError, unknown
from passband.plan.names import check_names
from passband.plan.reading import check, merged
from passband.plan.yaml_file import read_yaml

SHARED = ("attacks", "filters", "probes", "scores")


class Files(NamedTuple):
    """The rows of all config files, by kind and name.

    papers: content of paper.yaml by folder name. recipes, transforms, models, artifacts, findings:
    rows with the folder name of their paper under `paper`. preconditions: rows by paper and name.
    themes: titles by name. printed: names of the printed tables by paper.
    """

    papers: dict[str, dict]
    attacks: dict[str, dict]
    filters: dict[str, dict]
    probes: dict[str, dict]
    scores: dict[str, dict]
    recipes: dict[str, dict]
    transforms: dict[str, dict]
    models: dict[str, dict]
    artifacts: dict[str, dict]
    findings: list[dict]
    preconditions: dict[str, dict]
    themes: dict[str, str]
    printed: dict[str, list[str]]


def read_files(root: Path) -> Files:
    """Read and validate config/*.yaml and config/papers/*/*.yaml.

    A paper's folder may have an attacks.yaml, filters.yaml, probes.yaml or scores.yaml of its own,
    whose rows are added to the shared ones.

    Args:
        root: the project's folder.

    Raises:
        UserError: a file is malformed, or a name is defined in two files.
    """
    config, schemas = root / "config", root / "workflow" / "schemas"
    folders = sorted(path.parent for path in config.glob("papers/*/paper.yaml"))
    if not folders:
        raise UserError(f"no paper found: no folder in {config}/papers has a paper.yaml; add one.")
    themes = check(
        read_yaml(config / "themes.yaml"), schemas / "themes.schema.yaml", "config/themes.yaml"
    )
    found = Files({}, {}, {}, {}, {}, {}, {}, {}, {}, [], {}, themes, {})
    for folder in (config, *folders):
        for kind in SHARED:
            path = folder / f"{kind}.yaml"
            if folder == config or path.exists():
                content = read_yaml(path)
                content = check(content, schemas / "rows.schema.yaml", _shown(path, root))
                _add(getattr(found, kind), content, f"{kind[:-1]}", path, root)
    for folder in folders:
        paper = folder.name
        check_names("paper", [paper], _shown(folder, root))
        found.papers[paper] = _content(folder / "paper.yaml", "paper", root)
        found.printed[paper] = sorted(path.stem for path in folder.glob("printed/*.csv"))
        for name, sections in {
            "models": ("recipes", "transforms", "models"),
            "artifacts": ("artifacts",),
            "findings": ("findings",),
        }.items():
            path = folder / f"{name}.yaml"
            if not path.exists():
                continue
            content = _content(path, name, root)
            if name == "findings":
                found.preconditions[paper] = content["preconditions"]
            for section in sections:
                rows = content.get(section, {})
                if section == "findings":
                    found.findings.extend(row | {"paper": paper} for row in rows)
                    continue
                owned = {key: row | {"paper": paper} for key, row in rows.items()}
                _add(getattr(found, section), owned, section[:-1], path, root)
        for name in found.artifacts:
            if found.artifacts[name]["paper"] == paper and not name.startswith(f"{paper}."):
                raise UserError(
                    f"{_shown(folder / 'artifacts.yaml', root)}: the name of artifact '{name}' "
                    f"must begin with its paper, '{paper}.'; rename it."
                )
    recipes = {name: _with_base(name, found.recipes) for name in found.recipes}
    return found._replace(recipes=recipes)


def _with_base(name: str, recipes: Mapping[str, Mapping], above: Sequence[str] = ()) -> dict:
    """A recipe with the keys of the one that it is `like`, where it has none of its own."""
    row = {key: value for key, value in recipes[name].items() if key != "like"}
    base = recipes[name].get("like")
    if base is None:
        return row
    if base not in recipes:
        raise UserError(f"recipe '{name}': {unknown('recipe under like', base, recipes)}")
    if base in (*above, name):
        chain = " is like ".join((*above, name, base))
        raise UserError(f"recipe {chain}: the recipes lead in a circle; remove one `like`.")
    return merged(_with_base(base, recipes, (*above, name)), row)


def _content(path: Path, schema: str, root: Path) -> dict:
    path_of_schema = root / "workflow" / "schemas" / f"{schema}.schema.yaml"
    return check(read_yaml(path), path_of_schema, _shown(path, root))


def _add(rows: dict, more: dict, kind: str, path: Path, root: Path) -> None:
    check_names(kind, more, _shown(path, root))
    for name in more:
        if name in rows:
            raise UserError(
                f"{_shown(path, root)}: the {kind} '{name}' is already defined in another file; "
                "rename one of them."
            )
    rows.update(more)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
