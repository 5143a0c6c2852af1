"""Collect what the probes of an artifact's models measured."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from passband.errors import UserError
from passband.files import read_arrays, read_json, read_metadata
from passband.measurements import read_rows
from passband.quantities import held_out, size_at
from passband.runs import read_epochs

if TYPE_CHECKING:
    import pandas as pd

TITLES = ("dataset_title", "paper_dataset_title", "architecture_title", "paper_architecture_title")


def read_measurements(
    models: Sequence[dict], probe: str, metric: str = "accuracy"
) -> "pd.DataFrame":
    """The tidy rows of one metric that a probe or an attack measured on each model and seed.

    Args:
        models: entries of models.
        probe: a row of config/probes.yaml or config/attacks.yaml.
        metric: its name in the files.

    Returns:
        The columns of the files, the titles of data set and architecture (`TITLES`), and one
        column for each key of `condition`: text, empty where a row has no such key; `bandwidth`
        is a float, NaN where missing.
    """
    import pandas as pd

    if not models:
        raise UserError(f"no model was measured with '{probe}': name one in the artifact.")
    frames = []
    for entry in models:
        frame = read_rows(*(_path(entry, probe, kind) for kind in ("csv", "arrays")))
        frames.append(_with_conditions(frame).assign(**{name: entry[name] for name in TITLES}))
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["metric"] == metric].reset_index(drop=True)
    text = rows.select_dtypes(exclude="number").columns
    rows[text] = rows[text].fillna("")
    if "bandwidth" in rows:
        rows["bandwidth"] = pd.to_numeric(rows["bandwidth"], errors="coerce")
    return rows


def split_condition(condition: str) -> dict[str, str]:
    """The keys and values of a condition.

    >>> split_condition("filter=lowpass-1-2;bandwidth=8")
    {'filter': 'lowpass-1-2', 'bandwidth': '8'}
    """
    return dict(part.split("=", 1) for part in condition.split(";") if part)


def read_histories(models: Sequence[dict]) -> "pd.DataFrame":
    """The epochs of every training: the columns of history.csv, with method, seed and the number
    of validation images as `n_images`."""
    import pandas as pd

    return pd.concat(
        [_by_epoch([entry], "history").assign(n_images=_held_out(entry)) for entry in models],
        ignore_index=True,
    )


def read_curves(models: Sequence[dict], recorder: str) -> "pd.DataFrame":
    """What a recorder measured after every epoch, with method, seed and the keys of `condition`.

    Raises:
        UserError: a model's recipe has no such recorder.
    """
    import pandas as pd

    frames = []
    for entry in models:
        if "curves" in entry["files"]:
            frame = _by_epoch([entry], "curves")
            frame = frame[frame["recorder"] == recorder].reset_index(drop=True)
        if "curves" not in entry["files"] or frame.empty:
            raise UserError(
                f"the training of model '{entry['model']}' recorded no '{recorder}': list it under "
                "`recorders` of its recipe and train it again."
            )
        frames.append(_with_conditions(frame))
    return pd.concat(frames, ignore_index=True)


def read_run(entry: dict) -> dict:
    """What is known of a model: recipe, parameters, time and more (run.json)."""
    return read_json(entry["files"]["run"], ("parameters",))


def probe_arrays(entry: dict, probe: str) -> dict[str, np.ndarray]:
    """The named arrays that `probe` kept of one model and seed."""
    return read_arrays(_path(entry, probe, "arrays"))


def probe_metadata(entry: dict, probe: str) -> dict[str, object]:
    """The metadata beside the arrays of `probe`."""
    return read_metadata(_path(entry, probe, "arrays"))


def training_bandwidth(entry: dict, side: int) -> int | None:
    """Bandwidth of the low-pass filter that a model was trained behind, for images of a side.

    None for a model that was trained on images as they are, or behind another kind of filter.
    """
    filter = entry["recipe"].get("parts", {}).get("input_filter", {}).get("filter", {})
    if filter.get("keep") != "low" or "bandwidth" not in filter:
        return None
    return size_at(side, filter["bandwidth"], step=2)


def first_seeds(
    models: Sequence[dict], by: Sequence[str] = ("dataset_title", "method")
) -> dict[tuple[str, ...], dict]:
    """The entry with the smallest seed for each value of the keys `by`, in order of appearance.

    Raises:
        UserError: there is no model.
    """
    if not models:
        raise UserError("there is no model to draw: name one in the artifact's row.")
    firsts: dict[tuple[str, ...], dict] = {}
    for entry in models:
        key = tuple(entry[name] for name in by)
        if key not in firsts or entry["seed"] < firsts[key]["seed"]:
            firsts[key] = entry
    return firsts


def in_order(values: Sequence) -> list:
    """The distinct values in order of appearance."""
    return list(dict.fromkeys(values))


def _by_epoch(models: Sequence[dict], file: str) -> "pd.DataFrame":
    import pandas as pd

    frames = [
        pd.read_csv(io.StringIO(read_epochs(entry["files"], file))).assign(
            method=entry["method"], seed=entry["seed"]
        )
        for entry in models
    ]
    return pd.concat(frames, ignore_index=True)


def _held_out(entry: dict) -> int:
    run = read_run(entry)
    validation = run["recipe"]["validation"]
    images = held_out(run["train_images"], validation["fraction"])
    return min(images, validation.get("images") or images)


def _with_conditions(frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    keys = pd.DataFrame([split_condition(text) for text in frame["condition"]])
    return pd.concat([frame, keys], axis=1)


def _path(entry: dict, probe: str, kind: str) -> str:
    try:
        return entry["probes"][probe][kind]
    except KeyError as error:
        raise UserError(
            f"model '{entry['model']}' has no {kind} of '{probe}': "
            "name it in the options of the artifact's row."
        ) from error
