"""Ablation of a regulariser's coefficient: how strong it should be."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple, NotRequired, TypedDict

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from passband.figures import FIGURES
from passband.figures.lines import paired_difference, point
from passband.figures.load import in_order
from passband.figures.notebook import Artifact
from passband.figures.style import (
    GREY,
    INTERVALS,
    LEVEL_LINE,
    PAGE,
    PRINTED,
    Look,
    legend_columns,
    new_figure,
    wrapped,
)
from passband.intervals.estimates import Interval
from passband.options import Name, PrintedTable

if TYPE_CHECKING:
    import pandas as pd


class Panel(TypedDict):
    """A panel of a coefficient's ablation.

    Args:
        title: its heading.
        method: the method whose colour the points have.
        key: argument of the part by which models are selected; all models with the part if left
            out.
        value: the value that `key` must have.
    """

    title: str
    method: str
    key: NotRequired[str]
    value: NotRequired[str]


class Point(NamedTuple):
    """How much a method gains over the one without the part, and the paper's gain if printed."""

    panel: str
    clean: bool
    coefficient: float
    gain: Interval
    printed: float | None


@FIGURES.register("coefficient_ablation")
def coefficient_ablation(
    artifact: Artifact,
    *,
    attacked: Annotated[str, Name("probe", of="attack")],
    attack_title: str,
    part: str,
    coefficient: str,
    symbol: str,
    panels: list[Panel],
    alone: str,
    alone_title: str,
    printed: PrintedTable | None = None,
) -> Figure:
    """What a recipe part adds to clean and robust accuracy, image by image, against its
    coefficient.

    Args:
        attacked: the attack.
        attack_title: name of the attack in the figure and in the printed table.
        part: the part of the recipes that has the coefficient.
        coefficient: the argument of the part that is on the horizontal axis.
        symbol: symbol of the coefficient in the figure.
        panels: the panels, from left to right.
        alone: the method without the part, which is subtracted.
        alone_title: its name in the figure.
        printed: a printed table with some of the methods, shown beside ours.
    """
    by_method: dict[str, list[dict]] = {}
    for entry in artifact.models:
        by_method.setdefault(entry["method"], []).append(entry)
    gains = {} if printed is None else _gains(artifact.printed_table(printed), by_method, alone)
    points = []
    for method, entries in by_method.items():
        arguments = entries[0]["recipe"].get("parts", {}).get(part, {})
        title = _panel_of(arguments, panels)
        for clean, metric, answers in (
            (True, "clean", "correct_clean"),
            (False, attack_title, "correct"),
        ):
            if title and alone in by_method:
                gain = paired_difference(entries, by_method[alone], attacked, answers)
                place = arguments[coefficient]
                points.append(Point(title, clean, place, gain, gains.get((method, metric))))
    looks = artifact.looks([panel["method"] for panel in panels])
    titles = {panel["title"]: looks[panel["method"]] for panel in panels}
    dataset = in_order([entry["dataset_title"] for entry in artifact.models])[0]
    return draw_coefficient_ablation(points, titles, dataset, alone_title, attack_title, symbol)


def _panel_of(part: Mapping[str, object], panels: Sequence[Panel]) -> str:
    """The title of the panel that shows a model with this part; empty if none does."""
    fits = (
        panel["title"]
        for panel in panels
        if part and ("key" not in panel or part.get(panel["key"]) == panel["value"])
    )
    return next(fits, "")


def _gains(
    table: "pd.DataFrame", by_method: Mapping[str, Sequence[dict]], alone: str
) -> dict[tuple[str, str], float]:
    """(Method, metric) to the printed accuracy minus that of the method alone, in points."""
    entry = next(iter(by_method.values()))[0]
    here = table[
        (table["dataset"] == entry["paper_dataset_title"])
        & (table["model"] == entry["paper_architecture_title"])
    ]
    values = here.set_index(["method", "metric"])["value"].to_dict()
    return {
        (method, metric): value - values[alone, metric]
        for (method, metric), value in values.items()
        if (alone, metric) in values
    }


def draw_coefficient_ablation(
    points: Sequence[Point],
    panels: Mapping[str, Look],
    dataset: str,
    alone: str,
    attack_title: str,
    symbol: str,
) -> Figure:
    """Gains in accuracy against a coefficient, a column per panel, clean above attacked.

    Args:
        points: the methods that have the part.
        panels: title to the look of its points.
        dataset: title of the data set.
        alone: name of the method that is subtracted.
        attack_title: name of the attack in the figure.
        symbol: symbol of the coefficient in the figure.
    """
    figure = new_figure(0.42 * PAGE * len(panels), 3.5)
    figure.get_layout_engine().set(h_pad=0.03)
    grid = figure.subplots(2, len(panels), sharex=True, sharey=True, squeeze=False)
    for row, kind in zip(grid, ("clean", attack_title), strict=True):
        for axes, (title, look) in zip(row, panels.items(), strict=True):
            here = [one for one in points if (one.panel, one.clean) == (title, kind == "clean")]
            _panel(axes, sorted(here, key=lambda one: one.coefficient), look)
            if kind == "clean":
                axes.set_title(wrapped(title, 36))
        row[0].set_ylabel(f"{kind} accuracy\nminus {alone} (points)")
    for axes in grid[-1]:
        axes.set_xticks(sorted({0.0, *(one.coefficient for one in points)}))
        axes.set_xlabel(f"coefficient {symbol}")
    handles = [
        Line2D([], [], **LEVEL_LINE, label=f"{alone} ({symbol} = 0)"),
        grid[0, 0].errorbar([], [], yerr=[], color=GREY, marker="o", ls="", label=INTERVALS),
    ]
    if any(one.printed is not None for one in points):
        handles.append(Line2D([], [], color=GREY, marker="o", **PRINTED | {"ls": ""}))
        handles[-1].set_label("printed in the paper")
    columns = legend_columns([handle.get_label() for handle in handles], figure.get_figwidth())
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, title=dataset)
    return figure


def _panel(axes: Axes, points: Sequence[Point], look: Look) -> None:
    x = [one.coefficient for one in points]
    axes.axhline(0, **LEVEL_LINE)
    axes.plot([0, *x], [0, *(one.gain.effect for one in points)], color=look.colour, zorder=1)
    for one in points:
        point(axes, one.coefficient, one.gain, look.colour, look.marker)
        if one.printed is not None:
            style = PRINTED | {"ls": "", "zorder": 3}
            axes.plot(one.coefficient, one.printed, color=look.colour, marker=look.marker, **style)
