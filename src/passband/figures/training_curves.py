"""Accuracy during training, on images and on their components (hfc, figures 3 to 6)."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import matplotlib
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from passband.figures import FIGURES
from passband.figures.lines import intervals_of, point
from passband.figures.load import read_curves, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, INK, PAGE, SMALLEST, new_figure, wrapped
from passband.intervals.accuracies import over_seeds
from passband.labels import label
from passband.options import Columns, Name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NONE = "none"
SIZES = {"radius": "r", "bandwidth": "k", "rank": "rank"}  # key of a filter -> its symbol
STYLES = {"low": "-", "high": (0, (3, 1.2))}
WORDS = {"low": "within a radius", "high": "outside it"}
TRAINING, IMAGES = {"color": INK, "lw": 1.3, "ls": ":"}, {"color": INK, "lw": 1.7}
LARGEST = 16  # size from which on the last colour of the scale is used
WIDEST = 6  # maximum number of columns of the legend
SHADE = 0.12
FEW = 30  # up to this number of epochs, each has a marker


class Panel(NamedTuple):
    """One training.

    curves: accuracies on images of `split`, rows of `over_seeds` with filter, keep, size and epoch.
    training: the same on training images as the model sees them, with epoch; empty if not drawn.
    ends: the same on all test images after training, without epoch; empty if not drawn.
    """

    title: str
    split: str
    curves: "pd.DataFrame"
    training: "pd.DataFrame"
    ends: "pd.DataFrame"


@FIGURES.register("training_curves")
def training_curves(
    artifact: Artifact,
    *,
    recorder: str,
    training: str | None = None,
    probe: Annotated[str, Name("probe", of="component_predictions")] | None = None,
    columns: Columns = 3,
    labels: dict[str, str] | None = None,
) -> "Figure":
    """Accuracy after every epoch on images and on filtered images, one panel per model.

    Args:
        recorder: name of the recorder in the recipes whose accuracies are drawn.
        training: another recorder, whose accuracy on training images as the model sees them is
            drawn as well; the gap between both curves is shaded.
        probe: a probe that measured the same on all test images after training, drawn as points
            with intervals; conditions that the recorder did not record are left out.
        columns: number of panels in a row.
        labels: labels of methods that differ from those of paper.yaml; they may contain names in
            braces, as there.
    """
    models: dict[tuple, list[dict]] = {}
    for entry in artifact.models:
        key = (entry["dataset_title"], entry["architecture_title"], entry["method"])
        models.setdefault(key, []).append(entry)
    known = {
        name: row.get("label", name) for name, row in artifact.paper.get("methods", {}).items()
    }
    known |= labels or {}
    panels = []
    for key, runs in models.items():
        named = label(known.get(key[2], key[2]), runs[0]["trained_with"])
        apart = [key[place] for place in (0, 1) if _differs_in(place, key, models)]
        title = f"{', '.join(apart)}: {named}" if apart else named
        panels.append(_panel(runs, title, recorder, training, probe))
    return draw_training_curves(panels, columns)


def draw_training_curves(panels: "Sequence[Panel]", columns: int) -> "Figure":
    """A grid of panels with common axes: colours for filter sizes, line styles for parts kept."""
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    width = PAGE if columns > 1 else 0.72 * PAGE
    figure = new_figure(width, 0.75 + lines * (2.15 if columns < 4 else 1.85))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw(axes, panel, int(110 / columns))
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for place, axes in enumerate(grid.flat[: len(panels)]):
        if place + columns >= len(panels):
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy (%)")
    grid[0, 0].set(ylim=(-2, 102), yticks=range(0, 101, 20))
    handles, columns = _key(panels)
    title = f"95 % intervals: at most ±{_widest(panels):.1f} points"
    shown = {keep for panel in panels for keep in panel.curves["keep"]}
    words = [f"{keep}: only the frequencies {WORDS[keep]}" for keep in STYLES if keep in shown]
    title = " · ".join([*words, title])
    figure.legend(
        handles=handles, loc="outside upper center", ncols=columns, title=title,
        title_fontsize=SMALLEST, columnspacing=1.1, handlelength=1.9,
    )  # fmt: skip
    return figure


def _differs_in(place: int, key: tuple, keys: "Iterable[tuple]") -> bool:
    """Whether one of the keys differs from `key` at this place only."""
    return any(
        [index for index, value in enumerate(one) if value != key[index]] == [place] for one in keys
    )


def _panel(
    runs: list[dict], title: str, recorder: str, training: str | None, probe: str | None
) -> Panel:
    rows = read_curves(runs, recorder)
    curves = _by_component(rows, ["epoch"])
    seen, ends = curves[:0], curves[:0]
    if training:
        seen = read_curves(runs, training)
        part = runs[0]["recipe"].get("parts", {}).get("input_filter", {})
        own = part.get("filter", {}).get("name", NONE)
        seen = over_seeds(seen[seen["filter"] == own], ["epoch"])
    if probe:
        measured = read_measurements(runs, probe)
        ends = _by_component(measured[measured["condition"].isin(rows["condition"])], [])
    return Panel(title, rows["split"].iloc[0], curves, seen, ends)


def _by_component(rows: "pd.DataFrame", by: list[str]) -> "pd.DataFrame":
    """Accuracies over seeds by filter, the part it keeps and its size (NaN without a filter)."""
    import pandas as pd

    keys = [key for key in SIZES if key in rows]
    sizes = rows[keys].apply(pd.to_numeric).bfill(axis=1) if keys else None
    size = float("nan") if sizes is None else sizes.iloc[:, 0]
    named = rows.assign(size=size, keep=rows.get("keep", default=""))
    found = over_seeds(named, ["filter", "keep", "size", *by])
    found.attrs["symbol"] = SIZES[keys[0]] if keys else ""
    return found


def _draw(axes: "Axes", panel: Panel, letters: int) -> None:
    curves, epochs = panel.curves, panel.curves["epoch"].nunique()
    style = {"marker": "o" if epochs <= FEW else "", "ms": 2}
    images = curves[curves["filter"] == NONE]
    for (keep, size), curve in curves[curves["filter"] != NONE].groupby(["keep", "size"]):
        axes.plot(
            curve["epoch"], curve["value"], color=colour(size), ls=STYLES[keep], lw=1.2, **style
        )
    own = IMAGES if panel.split == "test" else TRAINING
    axes.plot(images["epoch"], images["value"], **own, **style)
    last = images["value"].iloc[-1]
    says = f"{'test' if panel.split == 'test' else 'training'} {last:.0f}"
    if len(seen := panel.training):
        axes.plot(seen["epoch"], seen["value"], **TRAINING, **style)
        axes.fill_between(
            seen["epoch"], images["value"], seen["value"], color=GREY, alpha=SHADE, lw=0
        )
        end = seen["value"].iloc[-1]
        says = f"training {end:.0f} · {says} · gap {end - last:.0f}".replace("-", "−")
    else:
        says += " %"
    beyond = curves["epoch"].max() + 0.06 * epochs
    for end, interval in zip(panel.ends.itertuples(), intervals_of(panel.ends), strict=True):
        drawn = INK if end.filter == NONE else colour(end.size)
        high = end.keep == "high"
        point(axes, beyond + 0.05 * epochs * high, interval, drawn, "s" if high else "o")
    axes.set_title(f"{wrapped(panel.title, letters)}\n", fontsize=8)
    axes.annotate(
        says, (0.5, 1), (0, 3), xycoords="axes fraction", textcoords="offset points",
        ha="center", fontsize=SMALLEST, color=GREY,
    )  # fmt: skip


def colour(size: float) -> tuple[float, ...]:
    """The colour of a filter size, the same in every figure."""
    return matplotlib.colormaps["plasma"](0.85 * min(size, LARGEST) / LARGEST)


def _key(panels: "Sequence[Panel]") -> "tuple[list[Line2D | Patch], int]":
    """The handles of the legend, and its number of columns."""
    components = [panel.curves[panel.curves["filter"] != NONE] for panel in panels]
    found = {pair for rows in components for pair in zip(rows["keep"], rows["size"], strict=True)}
    symbol = next((one.attrs["symbol"] for one in components if len(one)), "")
    handles: list[Line2D | Patch] = []
    gap = any(len(panel.training) for panel in panels)
    splits = {panel.split for panel in panels}
    if gap or "train" in splits:
        handles.append(Line2D([], [], **TRAINING, label="training images"))
    if "test" in splits:
        handles.append(Line2D([], [], **IMAGES, label="test images"))
    if gap:
        handles.append(Patch(color=GREY, alpha=2 * SHADE, lw=0, label="generalisation gap"))
    if any(len(panel.ends) for panel in panels):
        looks = {"color": GREY, "marker": "o", "ls": "", "label": "all test images"}
        handles.append(Line2D([], [], **looks))
    if len(handles) % 2 and len({keep for keep, _ in found}) > 1:
        handles.append(Line2D([], [], ls="", label=" "))  # low above high
    for size in sorted({size for _, size in found}):
        for keep in (one for one in STYLES if (one, size) in found):
            look = {"color": colour(size), "ls": STYLES[keep], "lw": 1.5}
            handles.append(Line2D([], [], **look, label=f"{keep}, {symbol} = {size:g}"))
    columns = -(-len(handles) // 2)
    return handles, columns if columns <= WIDEST else -(-columns // 2)


def _widest(panels: "Sequence[Panel]") -> float:
    """Half-width of the widest interval, in percentage points."""
    rows = [rows for panel in panels for rows in (panel.curves, panel.training) if len(rows)]
    return max((one["ci_high"] - one["ci_low"]).max() for one in rows) / 2
