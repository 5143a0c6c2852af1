"""The table of models: what they have in common is said once, above it."""

from collections.abc import Callable, Mapping, Sequence

from passband.report.wording import number

UNKNOWN = "–"


def _text(value: object) -> str:
    return UNKNOWN if value is None or value == "" else str(value)


def _whole(value: float | None) -> str:
    return number(value, 0) if value else UNKNOWN


def _short(commit: str | None) -> str:
    return commit[:10] if commit else UNKNOWN


def _whether(value: bool | None) -> str:
    return {True: "yes", False: "no"}.get(value, UNKNOWN)


COLUMNS: tuple[tuple[str, str, Callable], ...] = (
    ("Origin", "origin", _text),
    ("Data set", "dataset", _text),
    ("Network", "architecture", _text),
    ("Method", "method", _text),
    ("Seed", "seed", _text),
    ("Parameters", "parameters", _whole),
    ("Batch size", "batch_size", _text),
    ("Epochs", "epochs", _text),
    ("Kept epoch", "selected_epoch", _text),
    ("Seconds", "seconds", _whole),
    ("Images/s", "images_per_second", _whole),
    ("Device", "device", _text),
    ("Precision", "precision", _text),
    ("Engine", "engine", _text),
    ("Torch", "torch", _text),
    ("Commit", "commit", _short),
    ("Uncommitted changes", "dirty", _whether),
    ("Threads", "threads", _text),
    ("Resumed", "resumed", _text),
)


def model_table(models: Sequence[Mapping], titles: Mapping[str, str]) -> dict[str, list]:
    """What is shown of models.

    Args:
        models: as `collect_content` returns them.
        titles: displayed names of data sets and architectures.

    Returns:
        common: pairs of a column and the value that all models have in it, if it is known;
        columns: the names of those in which they differ; rows: the model and its values in these.
    """
    cells = {
        name: [write(titles.get(model[key], model[key])) for model in models]
        for name, key, write in COLUMNS
    }
    columns = [name for name, values in cells.items() if len(set(values)) > 1 or len(models) == 1]
    return {
        "common": [
            (name, values[0])
            for name, values in cells.items()
            if name not in columns and values and values[0] != UNKNOWN
        ],
        "columns": columns,
        "rows": [
            (model["model"], [cells[name][index] for name in columns])
            for index, model in enumerate(models)
        ],
    }
