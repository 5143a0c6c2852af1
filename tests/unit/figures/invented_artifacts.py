"""What the workflow hands to a notebook, made from the shipped config and invented models."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from passband.dependencies import declared
from passband.figures.notebook import Artifact, open_artifact
from passband.files import write_arrays
from passband.options import Known, read_row
from passband.plan.rows import known_rows, resolve_row

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "reports" / "notebooks"
MARK = "demo scale · Fashion-MNIST sample · ResNet-8"
ENDINGS = {"figure": ("svg", "pdf", "png"), "table": ("csv", "html", "tex")}


@cache
def content(path: str) -> dict:
    return yaml.safe_load((ROOT / "config" / path).read_text(encoding="utf-8"))


@cache
def attacks() -> dict[str, dict]:
    return {
        name: resolve_row("attack", name, row, {}) for name, row in content("attacks.yaml").items()
    }


@cache
def known_names(paper: str) -> dict[str, dict[str, Known]]:
    filters = {
        name: resolve_row("filter", name, row, {}) for name, row in content("filters.yaml").items()
    }
    probes = {name: Known(name, row["probe"]) for name, row in content("probes.yaml").items()} | {
        name: Known(name, "attack") for name in attacks()
    }
    printed = (ROOT / "config" / "papers" / paper / "printed").glob("*.csv")
    return {
        "attack": known_rows("attack", attacks()),
        "filter": known_rows("filter", filters),
        "probe": probes,
        "dataset": {name: Known("fashion-mnist-sample") for name in ("cifar10", "tiny-imagenet")},
        "printed": {path.stem: Known(path.stem) for path in printed},
        "check": {name: Known(one) for name, one in declared("findings/masking").items()},
    }


def resolved(notebook: str, options: dict, paper: str = "sar") -> dict:
    """Options as the plan resolves them."""
    keywords = declared("figures")[notebook].keywords
    return read_row("artifact 'test'", keywords, options, known_names(paper))


def shipped(id: str, **changes) -> dict:
    """The row of an artifact with its options resolved."""
    paper = id.partition(".")[0]
    row = content(f"papers/{paper}/artifacts.yaml")["artifacts"][id]
    options = resolved(row["notebook"], row.get("options", {}) | changes, paper)
    return {"notes": [], **row, "id": id, "paper": paper, "options": options}


def parameters_of(folder: Path, id: str, models: list[dict], mark: str = MARK, **changes) -> dict:
    """The parameters of a shipped artifact with other models."""
    row = shipped(id, **changes)
    image = np.random.default_rng(0).integers(0, 255, (3, 1, 32, 32)).astype(np.uint8)
    write_arrays(folder / "data" / "test.safetensors", {"images": image}, {})
    return {
        "artifact": row,
        "paper": content(f"papers/{row['paper']}/paper.yaml"),
        "models": models,
        "attacks": attacks(),
        "mark": mark,
        "datasets": {"fashion-mnist-sample": str(folder / "data" / "test.safetensors")},
        "printed": str(ROOT / "config" / "papers" / row["paper"] / "printed"),
        "outputs": {ending: str(folder / f"out.{ending}") for ending in ENDINGS[row["kind"]]},
    }


def artifact_of(folder: Path, id: str, models: list[dict], **changes) -> Artifact:
    """A shipped artifact with other models, as its notebook opens it."""
    path = folder / f"{id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(parameters_of(folder, id, models, **changes)))
    return open_artifact(path)


def entry(model: str, files: dict, probes: dict, **fields) -> dict:
    """An entry of a model; fields: method, seed, titles, recipe, trained_with."""
    usual = {
        "slug": model, "paper": "sar", "model": model, "origin": "trained", "seed": 0,
        "dataset": "fashion-mnist-sample", "dataset_title": "Fashion-MNIST sample",
        "paper_dataset": "cifar10", "paper_dataset_title": "CIFAR-10",
        "architecture": "resnet8", "architecture_title": "ResNet-8",
        "paper_architecture": "resnet18", "paper_architecture_title": "ResNet-18",
        "recipe": {"parts": {}, "recorders": {}}, "trained_with": {}, "substitutions": [],
    }  # fmt: skip
    return {**usual, **fields, "files": files, "probes": probes}


def lowpass(name: str, side: int, keep: str = "low") -> str:
    """The condition of a square filter `<n>-8`."""
    size = 2 * round(int(name[0]) * side / 16)
    return f"filter={keep}pass-{name};shape=square;keep={keep};bandwidth={size}"


def attacked(name: str) -> str:
    """The condition of an attack, with constants."""
    return "attack=none" if name == "none" else f"attack={name};epsilon=0.0313725;steps=20"
