"""Detection on images and on their low-frequency components: examples, and a table."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.accuracy_cells import MODEL, titled
from passband.figures.image_cells import bare
from passband.figures.load import first_seeds, probe_arrays, probe_metadata, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import ATTACK, GREY, PAGE, SMALLEST, new_figure
from passband.figures.table_headings import dataset_heading
from passband.figures.tables import PERCENT, Layout, Table, number, right_answers
from passband.intervals.accuracies import over_seeds
from passband.intervals.estimates import mean_interval
from passband.options import Name, Number, Share

DetectionProbe = Annotated[str, Name("probe", of="detection")]
FOUND, OBJECT = ATTACK, "#56b4e9"  # detected boxes, and those of the objects


@FIGURES.register("detections")
def detections(
    artifact: Artifact,
    *,
    probe: DetectionProbe,
    recognised: Literal["worse", "better"],
    score: Share = 0.3,
) -> Figure:
    """Images and their low-frequency components, with the boxes and scores of a detector.

    If no example is recognised worse (or better), the figure says so and shows the closest ones.

    Args:
        probe: the probe that stored the examples.
        recognised: which examples to show: those recognised worse or better on the component.
        score: minimum score of the boxes that are drawn.
    """
    (entry, *_) = first_seeds(artifact.models).values()
    examples, metadata = probe_arrays(entry, probe), probe_metadata(entry, probe)
    sign = 1 if recognised == "better" else -1
    half = _half(examples, recognised)
    shown = [place for place in half if sign * examples["example_gains"][place] > 0]
    figure = draw_detections(examples, shown or half, metadata["classes"], score)
    if not shown:
        figure.suptitle(f"No image is recognised {recognised} here.", color=GREY)
    return figure


def draw_detections(
    examples: Mapping[str, np.ndarray], shown: Sequence[int], classes: Sequence[str], score: float
) -> Figure:
    """Images above their components; thin blue boxes are the objects.

    Of detections that overlap, whatever their classes, the one with the highest score is drawn.

    Args:
        examples: arrays of the probe.
        shown: positions of the images among the examples.
        classes: class names.
        score: minimum score of the boxes that are drawn.
    """
    cell = min(1.8, (PAGE - 0.5) / len(shown))
    figure = new_figure(cell * len(shown) + 0.5, 2 * cell + 0.7, layout="compressed")
    grid = figure.subplots(2, len(shown), squeeze=False)
    for row, title in enumerate(("image", "LFC")):
        grid[row, 0].set_ylabel(title)
        for axes, place in zip(grid[row], shown, strict=True):
            height, width = examples["example_sizes"][place]
            image = examples["example_images"][row, place, :, :height, :width]
            image = image.transpose(1, 2, 0)
            axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmax=255)
            axes.set(xlim=(0, width), ylim=(height, 0))
            bare(axes)
            for one in examples["example_objects"][place]:
                if one[4] >= 0:
                    _box(axes, one, OBJECT, 0.6)
            found = examples["example_detections"][row, place]
            for one in _strongest(found[(found[:, 4] >= 0) & (found[:, 5] >= score)]):
                _box(axes, one, FOUND, 1.0)
                _label(axes, one, f"{classes[int(one[4])]} {one[5]:.2f}", width)
            if row:
                gain = examples["example_gains"][place]
                label = f"score {number(gain, '.2f', '+')}"
                axes.set_xlabel(label, color=GREY, fontsize=SMALLEST)
    return figure


def _half(examples: Mapping[str, np.ndarray], recognised: str) -> range:
    """Positions of the examples whose score falls, or rises, most."""
    count = len(examples["example_numbers"]) // 2
    return range(count) if recognised == "worse" else range(count, 2 * count)


def _strongest(found: np.ndarray) -> list[np.ndarray]:
    """Detections [N, 6] without those that overlap (IoU above 0.5) a stronger one, best first."""
    kept: list[np.ndarray] = []
    for one in found[np.argsort(-found[:, 5], kind="stable")]:
        if all(_overlap(one, other) <= 0.5 for other in kept):
            kept.append(one)
    return kept


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0.0))
    areas = sum(np.prod(box[2:4] - box[:2]) for box in (one, other))
    return float(shared / max(areas - shared, 1e-9))


def _label(axes: Axes, one: np.ndarray, text: str, width: int) -> None:
    """Write above a box, or below one at the upper edge, away from the nearer side."""
    left, top, right, bottom = one[:4]
    on_left, above = left + right < width, top > width / 10
    axes.text(
        left if on_left else right, top - 1 if above else bottom + 1, text,
        color=FOUND, fontsize=SMALLEST, clip_on=True,
        ha="left" if on_left else "right", va="bottom" if above else "top",
        path_effects=[withStroke(linewidth=1.5, foreground="white")],
    )  # fmt: skip


def _box(axes: Axes, one: np.ndarray, colour: str, width: float) -> None:
    left, top, right, bottom = one[:4]
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, lw=width)
    )


COLUMNS = {  # of the table: metric, unit, format
    "mAP": ("mAP", "%", ".1f"),
    "AP50": ("AP50", "%", ".1f"),
    "score": ("score", "0 to 1", ".3f"),
    "better than on the image": ("recognised_better", PERCENT, ".1f"),
}
ROWS = {"none": "Image", "low": "LFC", "high": "HFC"}


@FIGURES.register("detection_table")
def detection_table(
    artifact: Artifact, *, probe: DetectionProbe, printed: dict[str, Number] | None = None
) -> Table:
    """mAP, AP50, mean score and share of images recognised better, by component.

    Args:
        probe: the probe that ran the detector.
        printed: the paper's values by row and column, such as `LFC mAP`.
    """
    known, parts = dict(printed or {}), []
    for column, (metric, unit, form) in COLUMNS.items():
        rows = read_measurements(artifact.models, probe, metric)
        rows = rows.assign(part=rows["keep"].where(rows["filter"] != "none", "none"))
        summary = over_seeds(rows, [*MODEL, "part"]) if unit == PERCENT else _means(rows)
        if metric == "score":
            summary = _with_intervals(summary, artifact.models, probe)
        parts.append(summary.assign(column=column, unit=unit, format=form))
    cells = titled(pd.concat(parts, ignore_index=True))
    cells["row"] = cells["part"].map(ROWS)
    names = [f"{row} {column}" for row, column in zip(cells["row"], cells["column"], strict=True)]
    for name in known:
        if name not in names:
            raise UserError(
                f"artifact '{artifact.id}': printed has '{name}', expected one of "
                f"{', '.join(names)}."
            )
    cells["paper_value"] = [known.get(name, np.nan) for name in names]
    cells["paper_printed"] = [
        "" if np.isnan(value) else format(value, form)
        for value, form in zip(cells["paper_value"], cells["format"], strict=True)
    ]
    cells["difference"] = cells["value"] - cells["paper_value"]
    cells = cells.assign(
        right=right_answers(cells), rank="", beside="", beside_value=np.nan,
    ).drop(columns="part")  # fmt: skip
    layout = Layout(
        group=["dataset_title", "paper_dataset_title", "network", "paper_model"],
        heads=("Data set", "Images"),
        heading=dataset_heading,
        counts=True,
    )
    return Table(cells, layout, _notes(artifact.models, probe))


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds in the columns of `over_seeds`, without intervals."""
    groups = rows.groupby([*MODEL, "part"], sort=False)
    means = groups.agg(
        value=("value", "mean"), n_images=("n_images", "min"), seeds=("value", "size")
    )
    return means.reset_index().assign(ci_low=np.nan, ci_high=np.nan)


def _with_intervals(summary: pd.DataFrame, models: Sequence[Mapping], probe: str) -> pd.DataFrame:
    """Mean scores with their intervals over the images."""
    order = list(ROWS)
    lows, highs = [], []
    for cell in summary.itertuples():
        key = tuple(getattr(cell, name) for name in MODEL)
        entries = [one for one in models if tuple(one[name] for name in MODEL) == key]
        scores = [probe_arrays(one, probe)["scores"][order.index(cell.part)] for one in entries]
        interval = mean_interval(np.stack(scores).astype(float), span=(0.0, 1.0))
        lows.append(interval.low)
        highs.append(interval.high)
    return summary.assign(ci_low=lows, ci_high=highs)


def _notes(models: Sequence[Mapping], probe: str) -> list[str]:
    rows = read_measurements(models[:1], probe, "mAP")
    filtered = rows[rows["filter"] != "none"]
    sizes = "; ".join(
        f"{ROWS[row.keep]}: {'within' if row.keep == 'low' else 'outside'} a radius of {row.radius}"
        for row in filtered.itertuples()
    )
    return [
        f"Components (radius in cycles per image). {sizes}.",
        "mAP: averaged over intersections over union of 0.50 to 0.95; AP50: at 0.50; both computed "
        "by pycocotools from at most 100 boxes per image.",
        "Score: for each object the highest score of a detection of its class with an intersection "
        "over union of at least 0.5, or 0 without one; mean over the objects of an image. An image "
        "is recognised better on a component if its score is higher there, by however little.",
    ]
