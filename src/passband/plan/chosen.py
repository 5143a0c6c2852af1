"""Which artifacts a scale makes, and who makes the others."""

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from passband.errors import UserError
from passband.plan.marks import COSTLY
from passband.plan.names import check_patterns
from passband.plan.yaml_file import read_yaml
from passband.text import listed


def made(config: Mapping, artifacts: Iterable[str]) -> list[str]:
    """The artifacts that a scale makes, all if it lists none.

    Args:
        config: the resolved config.
        artifacts: the names of all artifacts.

    Raises:
        UserError: a pattern matches no artifact, or two match the same one.
    """
    artifacts = list(artifacts)
    patterns = [pattern.removeprefix("!") for pattern in config.get("artifacts", ())]
    check_patterns("artifact in the scale's artifacts", patterns, artifacts)
    fitting = {name: _fitting(config, name) for name in artifacts}
    for name, patterns in fitting.items():
        if len(patterns) > 1:
            raise UserError(
                f"the scale's artifacts list {name} more than once, as "
                f"{listed(map(repr, patterns))}: keep one of them."
            )
    return [name for name, patterns in fitting.items() if patterns]


def with_fewer_models(
    config: Mapping, artifacts: Mapping[str, Mapping], models: Collection[str]
) -> dict[str, dict]:
    """The artifacts without the models that the scale leaves out.

    Args:
        config: the resolved config.
        artifacts: rows of the artifacts that the scale makes, by name.
        models: the slugs of all models.

    Returns:
        Rows by name; if models are left out of one, `fewer` says how many remain.

    Raises:
        UserError: a pattern matches no model, or an artifact has none left.
    """
    patterns = config.get("without", ())
    check_patterns("model in the scale's without", patterns, models)
    rows = {}
    for name, row in artifacts.items():
        kept = [slug for slug in row["models"] if not _matches(slug, patterns)]
        if row["models"] and not kept:
            raise UserError(
                f"the scale makes {name} without any of its models: shorten its list 'without'."
            )
        fewer = {"models": kept, "fewer": f"{len(kept)} of {len(row['models'])} models"}
        rows[name] = dict(row) | (fewer if len(kept) < len(row["models"]) else {})
    return rows


def left_out(
    artifacts: Mapping[str, Mapping], chosen: Collection[str], config: Mapping, root: Path
) -> dict[str, dict]:
    """The artifacts that a scale does not make, and what does.

    Args:
        artifacts: rows of all artifacts by name.
        chosen: the names of those that it makes.
        config: the resolved config.
        root: the project's folder.

    Returns:
        By name: paper and title; the command that makes the artifact at this scale; and the most
        similar `scale` that makes it, empty if none does.
    """
    names = set(artifacts) - set(chosen)
    files = sorted((root / "config" / "scales").glob("*.yaml")) if names else ()
    scales = {file.stem: read_yaml(file) for file in files}
    nearest = sorted(
        scales, key=lambda one: -sum(scales[one].get(key) == config[key] for key in COSTLY)
    )
    return {
        name: {
            "paper": row["paper"],
            "title": row["title"],
            "command": f"snakemake {name} --cores all --config scale={config['scale']}",
            "scale": next((one for one in nearest if _fitting(scales[one], name)), ""),
        }
        for name, row in artifacts.items()
        if name in names
    }


def _fitting(scale: Mapping, name: str) -> list[str]:
    """The patterns of a scale that match an artifact's name; none if one with "!" does."""
    patterns = scale.get("artifacts", ["*"])
    if _matches(name, [one[1:] for one in patterns if one.startswith("!")]):
        return []
    return [pattern for pattern in patterns if _matches(name, [pattern])]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
