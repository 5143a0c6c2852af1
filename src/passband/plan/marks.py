"""What figures and pages say of the scale, made from what runs."""

import re
from collections.abc import Iterable, Mapping

from passband.data.registry import get
from passband.errors import unknown
from passband.plan.budgets import available
from passband.text import listed

SHOWN = ("train_images", "test_images", "datasets", "architectures")  # what every figure depends on
COSTLY = (*SHOWN, "training_attacks", "recipes", "probes", "seeds")
FIELDS = ("train_images", "test_images", "datasets", "networks")
FIELD = re.compile(r"\{([^{}]*)\}")
JOINT = " · "


def mark_of(config: Mapping, scale: Mapping) -> str:
    """The mark of a run, its fields not filled in yet.

    Args:
        config: the resolved config of the run.
        scale: that of the scale as its file has it.

    Returns:
        The mark of the scale, followed by what the run changes for all figures; a mark of the
        user's own as it is.
    """
    changed = [key for key in SHOWN if config[key] != scale[key]]
    if not changed or config["mark"] != scale["mark"]:
        return config["mark"]
    words = listed(key.replace("_", " ") for key in changed)
    return JOINT.join([config["mark"] or f"{config['scale']} scale", f"changed: {words}"])


def expected_of(config: Mapping, scale: Mapping) -> str:
    """The expected run time, which is said to be that of the unchanged scale where it is."""
    changed = any(config.get(key) != scale.get(key) for key in (*COSTLY, "artifacts"))
    own = config["expected"] != scale["expected"]
    return config["expected"] + " (the unchanged scale)" * (changed and not own)


def check_mark(mark: str) -> None:
    """Raise UserError for a field that nothing fills in."""
    for name in FIELD.findall(mark):
        if name not in FIELDS:
            raise unknown("field of mark", name, FIELDS)


def filled(mark: str, models: Iterable[Mapping], datasets: Iterable[str], config: Mapping) -> str:
    """A mark with its fields filled in; parts between " · " that name nothing are left out.

    Args:
        mark: such as "smoke scale · {train_images} images · {networks}".
        models: the models behind a figure or a report.
        datasets: ids of the data sets that are shown without a model.
        config: the resolved config, for its numbers of images.
    """
    models = list(models)
    trained = list(dict.fromkeys(row["dataset"] for row in models))
    shown = [get(one).title for one in dict.fromkeys([*trained, *datasets])]
    values = {
        "train_images": _images(trained, "train", config["train_images"]),
        "test_images": _images(trained, "test", config["test_images"]),
        "datasets": listed(shown),
        "networks": listed(dict.fromkeys(row["architecture_title"] for row in models)),
    }
    parts = []
    for part in mark.split(JOINT):
        if all(values[name] for name in FIELD.findall(part)):
            parts.append(FIELD.sub(lambda name: values[name[1]], part))
    return JOINT.join(parts)


def _images(datasets: Iterable[str], split: str, limit: int | None) -> str:
    """The number of images of data sets, "all" where they differ in it or nobody knows."""
    counts = {available(one, split, limit) for one in datasets}
    if not counts:
        return ""
    one = counts.pop()
    return "all" if counts or one is None else f"{one:,}"
