"""Ablation of a regulariser: which variant is best."""

from typing import TYPE_CHECKING, Annotated

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from passband.figures import FIGURES
from passband.figures.lines import intervals_of, line, paired_difference, point
from passband.figures.load import in_order, read_histories
from passband.figures.notebook import Artifact
from passband.figures.style import (
    GREY,
    INTERVALS,
    LEVEL_LINE,
    PAGE,
    Look,
    legend_columns,
    new_figure,
)
from passband.intervals.accuracies import over_seeds
from passband.options import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from passband.intervals.estimates import Interval

SAME = ("epoch", "train_loss", "val_accuracy", "val_robust_accuracy")


@FIGURES.register("distance_ablation")
def distance_ablation(
    artifact: Artifact,
    *,
    attacked: Annotated[str, Name("probe", of="attack")],
    attack_title: str,
    labels: dict[str, str] | None = None,
    begins: str = "methods part",
) -> "Figure":
    """Validation accuracy of variants of a method by epoch, and what each adds to the first one's
    accuracy on the test images.

    Args:
        attacked: the attack.
        attack_title: name of the attack in the figure.
        labels: names of methods in the figure, where they differ.
        begins: label of the first epoch in which the trainings differ.
    """
    by_method: dict[str, list[dict]] = {}
    for entry in artifact.models:
        by_method.setdefault(entry["method"], []).append(entry)
    looks = artifact.looks(by_method, labels)
    first, *others = by_method
    gains = {
        (method, clean): paired_difference(by_method[method], by_method[first], attacked, answers)
        for method in others
        for clean, answers in ((True, "correct_clean"), (False, "correct"))
    }
    histories = read_histories(artifact.models)
    dataset = in_order([entry["dataset_title"] for entry in artifact.models])[0]
    return draw_distance_ablation(
        histories, gains, looks, common_epochs(histories), dataset, attack_title, begins
    )


def common_epochs(histories: "pd.DataFrame") -> int | None:
    """The number of epochs that all trainings of one seed have in common; None without one."""
    first = histories[histories["seed"] == histories["seed"].min()]
    columns = [name for name in SAME if name in first]
    apart = first.groupby("epoch")[columns].nunique().max(axis=1) > 1
    return (int(apart.idxmax()) - 1 or None) if apart.any() else None


def draw_distance_ablation(
    histories: "pd.DataFrame",
    gains: "Mapping[tuple[str, bool], Interval]",
    looks: "Mapping[str, Look]",
    common: int | None,
    dataset: str,
    attack_title: str,
    begins: str,
) -> "Figure":
    """(a) standard and (b) robust accuracy: validation by epoch, differences on the test images.

    Args:
        histories: `load.read_histories`; curves are means over seeds with their intervals, from two
            epochs before the methods part. The selected epoch has a large marker.
        gains: (method, whether without an attack) to its accuracy minus that of the first method,
            in points.
        looks: method to look.
        common: the epochs trained before the methods part; None draws all epochs.
        dataset: title of the data set.
        attack_title: name of the attack in the figure.
        begins: legend of the line at which the methods part.
    """
    shown = histories[histories["epoch"] >= (common or 0) - 1]
    first, *others = looks
    figure = new_figure(PAGE, 3.0)
    figure.get_layout_engine().set(w_pad=0.03)
    panels = figure.subplots(1, 4, gridspec_kw={"width_ratios": [2.6, 1.2, 2.6, 1.2]})
    panels[3].sharey(panels[1])
    titles = ("(a) standard accuracy", "(b) robust accuracy")
    columns = ("val_accuracy", "val_robust_accuracy")
    pairs = zip((panels[:2], panels[2:]), columns, (True, False), titles, strict=True)
    for (curves, points), column, clean, title in pairs:
        for method, look in looks.items():
            epochs = shown[shown["method"] == method]
            curve = over_seeds(epochs.assign(value=epochs[column]), ["epoch"])
            style = {"colour": look.colour, "marker": look.marker, "lw": 1.2, "label": look.label}
            line(curves, curve["epoch"], intervals_of(curve), **style, ms=2)
            selected = curve[curve["epoch"].isin(epochs.loc[epochs["selected"] == 1, "epoch"])]
            large = {"color": look.colour, "marker": look.marker, "ls": "", "ms": 5}
            curves.plot(selected["epoch"], selected["value"], **large)
        for place, method in enumerate(others):
            point(points, place, gains[method, clean], looks[method].colour, looks[method].marker)
        if common:
            curves.axvline(common + 0.5, **LEVEL_LINE)
        curves.set_title(title)
        curves.set_xlabel("epoch (validation)")
        curves.xaxis.set_major_locator(MaxNLocator(integer=True))
        points.axhline(0, **LEVEL_LINE)
        points.set_xlabel("test, clean" if clean else f"test, {attack_title}")
        points.set_ylabel(f"minus {looks[first].name.split(' (')[0]} (points)")
        points.set_xlim(-0.7, max(len(others), 1) - 0.3)
        names = [looks[method].name.split(" (")[0] for method in others]
        points.set_xticks(range(len(others)), names, rotation=90)
        points.grid(axis="x", visible=False)
    panels[0].set_ylabel(f"{dataset}\naccuracy (%)")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, lw=1.2, label=look.label)
        for look in looks.values()
    ]
    handles.append(Line2D([], [], color=GREY, marker="o", ls="", ms=5, label="selected epoch"))
    if common:
        handles.append(Line2D([], [], **LEVEL_LINE, label=begins))
    handles.append(panels[1].errorbar([], [], yerr=[], color=GREY, marker="o", ls=""))
    handles[-1].set_label(INTERVALS)
    columns = legend_columns([handle.get_label() for handle in handles], PAGE)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2)
    return figure
