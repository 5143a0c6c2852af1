"""Collect what the probes of an artifact's models measured."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from passband.errors import UserError
from passband.files import read_arrays, read_metadata

if TYPE_CHECKING:
    import pandas as pd


def read_measurements(models: Sequence[dict], probe: str) -> "pd.DataFrame":
    """The tidy rows that `probe` measured on each model and seed.

    Beside the columns of the files there are `dataset_title`, `paper_dataset_title`,
    `paper_architecture`, `branch` and `coefficient` (of the recipe's alignment: the natural branch
    and the weight; none and 0 without) and one column for each key of `condition` (text, empty
    where a row has no such key); `bandwidth` is a float, NaN where missing.
    """
    import pandas as pd

    if not models:
        raise UserError(f"no model was measured with probe '{probe}': name one in the artifact.")
    frames = []
    for entry in models:
        frame = pd.read_csv(_path(entry, probe, "csv"), keep_default_na=False)
        keys = pd.DataFrame([split_condition(text) for text in frame["condition"]])
        frame = pd.concat([frame, keys], axis=1)
        for name in ("dataset_title", "paper_dataset_title", "paper_architecture"):
            frame[name] = entry[name]
        alignment = entry.get("alignment") or {}
        frame["branch"] = alignment.get("natural_branch", "none")
        frame["coefficient"] = alignment.get("coefficient", 0.0)
        frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    text = rows.select_dtypes(exclude="number").columns
    rows[text] = rows[text].fillna("")
    if "bandwidth" in rows:
        rows["bandwidth"] = pd.to_numeric(rows["bandwidth"], errors="coerce")
    return rows


def split_condition(condition: str) -> dict[str, str]:
    """The keys and values of a condition.

    >>> split_condition("filter=lowpass;bandwidth=8")
    {'filter': 'lowpass', 'bandwidth': '8'}
    """
    return dict(part.split("=", 1) for part in condition.split(";") if part)


def read_histories(models: Sequence[dict]) -> "pd.DataFrame":
    """The epochs of every training run: the columns of history.csv, with method and seed."""
    import pandas as pd

    frames = [
        pd.read_csv(entry["training"]["history"]).assign(method=entry["method"], seed=entry["seed"])
        for entry in models
    ]
    return pd.concat(frames, ignore_index=True)


def read_run(entry: dict) -> dict:
    """What is known of a training run: recipe, parameters, time and more (run.json)."""
    return json.loads(Path(entry["training"]["run"]).read_text(encoding="utf-8"))


def probe_arrays(entry: dict, probe: str) -> dict[str, np.ndarray]:
    """The named arrays that `probe` kept of one model and seed."""
    return read_arrays(_path(entry, probe, "arrays"))


def probe_metadata(entry: dict, probe: str) -> dict[str, object]:
    """The metadata beside the arrays of `probe`."""
    return read_metadata(_path(entry, probe, "arrays"))


def first_seeds(
    models: Sequence[dict], by: Sequence[str] = ("dataset_title", "method")
) -> dict[tuple[str, ...], dict]:
    """The entry with the smallest seed for each value of the keys `by`, in order of appearance.

    Raises UserError where there is no model.
    """
    if not models:
        raise UserError("there is no model to draw: name one in config/artifacts.yaml.")
    firsts: dict[tuple[str, ...], dict] = {}
    for entry in models:
        key = tuple(entry[name] for name in by)
        if key not in firsts or entry["seed"] < firsts[key]["seed"]:
            firsts[key] = entry
    return firsts


def in_order(values: Sequence) -> list:
    """The distinct values in order of appearance."""
    return list(dict.fromkeys(values))


def _path(entry: dict, probe: str, kind: str) -> str:
    try:
        return entry["probes"][probe][kind]
    except KeyError as error:
        raise UserError(
            f"model {entry.get('model')} has no {kind} of probe '{probe}': "
            "name the probe under this artifact's probes in config/artifacts.yaml."
        ) from error
