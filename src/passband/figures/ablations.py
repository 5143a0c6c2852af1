"""Ablations of a regulariser: which variant, and how strong."""

from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict

from matplotlib.ticker import MaxNLocator

from passband.figures import FIGURES
from passband.figures.load import in_order, read_histories, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, PAGE, Look, legend_columns, new_figure
from passband.intervals.accuracies import over_seeds
from passband.options import Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = {"color": GREY, "lw": 0.8, "ls": (0, (4, 3)), "zorder": 0}
STYLES = ("-", (0, (4, 1.5)))  # without an attack and under it
SAME = ("epoch", "train_loss", "val_accuracy", "val_robust_accuracy")


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


@FIGURES.register("distance_ablation")
def distance_ablation(
    artifact: Artifact,
    *,
    attacked: Annotated[str, Name("probe", of="attack")],
    attack_title: str,
    labels: dict[str, str] | None = None,
    begins: str = "methods part",
) -> "Figure":
    """Accuracy of variants of a method by epoch, and on the test images.

    Args:
        attacked: the attack.
        attack_title: name of the attack in the figure.
        labels: names of methods in the figure, where they differ.
        begins: label of the first epoch in which the trainings differ.
    """
    tested = over_seeds(
        read_measurements(artifact.models, attacked), ["dataset_title", "method", "attack"]
    )
    looks = artifact.looks(tested["method"], labels)
    histories = read_histories(artifact.models)
    return draw_distance_ablation(
        histories, tested, looks, common_epochs(histories), attack_title, begins
    )


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
) -> "Figure":
    """Clean and robust accuracy against a coefficient of a recipe part.

    Args:
        attacked: the attack.
        attack_title: name of the attack in the figure.
        part: the part of the recipes that has the coefficient.
        coefficient: the argument of the part that is on the horizontal axis.
        symbol: symbol of the coefficient in the figure.
        panels: the panels, from left to right.
        alone: the method without the part, shown as coefficient 0 in every panel.
        alone_title: its name in the figure.
    """
    methods: dict[str, dict] = {}
    for entry in artifact.models:
        methods[entry["method"]] = entry["recipe"].get("parts", {}).get(part, {})
    tested = over_seeds(
        read_measurements(artifact.models, attacked), ["dataset_title", "method", "attack"]
    )
    tested["coefficient"] = [methods[name].get(coefficient, 0.0) for name in tested["method"]]
    tested["panel"] = [_panel_of(methods[name], panels) for name in tested["method"]]
    titles = {panel["method"]: panel["title"] for panel in panels}
    looks = artifact.looks(titles, titles)
    return draw_coefficient_ablation(
        tested[(tested["panel"] != "") | (tested["method"] == alone)],
        {panel["title"]: looks[panel["method"]] for panel in panels},
        artifact.looks([alone], {alone: f"{alone_title} ({symbol} = 0)"})[alone],
        attack_title,
        symbol,
    )


def _panel_of(part: "Mapping[str, object]", panels: "Sequence[Panel]") -> str:
    """The title of the panel that shows a model with this part; empty if none does."""
    fits = (
        panel["title"]
        for panel in panels
        if part and ("key" not in panel or part.get(panel["key"]) == panel["value"])
    )
    return next(fits, "")


def common_epochs(histories: "pd.DataFrame") -> int | None:
    """The number of epochs that all trainings of one seed have in common; None without one."""
    first = histories[histories["seed"] == histories["seed"].min()]
    columns = [name for name in SAME if name in first]
    apart = first.groupby("epoch")[columns].nunique().max(axis=1) > 1
    return (int(apart.idxmax()) - 1 or None) if apart.any() else None


def draw_distance_ablation(
    histories: "pd.DataFrame",
    tested: "pd.DataFrame",
    looks: "Mapping[str, Look]",
    common: int | None,
    attack_title: str,
    begins: str,
) -> "Figure":
    """(a) standard and (b) robust accuracy: validation by epoch, test at the selected epoch.

    Args:
        histories: `load.read_histories`; curves are means over seeds, from two epochs before the
            methods part.
        tested: rows of `over_seeds` with dataset_title, method and attack.
        looks: method to look.
        common: the epochs trained before the methods part; None draws all epochs.
        attack_title: name of the attack in the figure.
        begins: legend of the line at which the methods part.
    """
    shown = histories[histories["epoch"] >= (common or 0) - 1]
    figure = new_figure(PAGE, 2.7)
    figure.get_layout_engine().set(w_pad=0.02)
    panels = figure.subplots(1, 4, gridspec_kw={"width_ratios": [3, 1, 3, 1]})
    titles = ("(a) standard accuracy", "(b) robust accuracy")
    columns = ("val_accuracy", "val_robust_accuracy")
    pairs = zip((panels[:2], panels[2:]), columns, (True, False), titles, strict=True)
    for (curves, points), column, clean, title in pairs:
        points.sharey(curves)
        for place, (method, look) in enumerate(looks.items()):
            epochs = shown[shown["method"] == method]
            mean = epochs.groupby("epoch")[column].mean()
            selected = epochs.loc[epochs["selected"] == 1, "epoch"]
            curves.plot(mean, color=look.colour, lw=1.2, label=look.label)
            curves.plot(
                mean.reindex(selected.unique()), color=look.colour, marker=look.marker, ls=""
            )
            one = tested[(tested["method"] == method) & ((tested["attack"] == "none") == clean)]
            _interval(points, place, one, look)
        if common:
            curves.axvline(common + 0.5, **LEVEL)
        curves.set_title(title)
        curves.set_xlabel("epoch (validation)")
        points.set_xlabel("test, clean" if clean else f"test, {attack_title}")
        points.set_xlim(-0.7, len(looks) - 0.3)
        names = [look.name.split(" (")[0] for look in looks.values()]
        points.set_xticks(range(len(looks)), names, rotation=90)
        points.grid(axis="x", visible=False)
        curves.xaxis.set_major_locator(MaxNLocator(integer=True))
        curves.yaxis.set_major_locator(MaxNLocator(integer=True))
        points.tick_params(labelleft=False)
    panels[0].set_ylabel(f"{tested['dataset_title'].iloc[0]}\naccuracy (%)")
    handles, labels = [], []
    for look in looks.values():
        handles += panels[0].plot([], [], color=look.colour, marker=look.marker, lw=1.2)
        labels.append(look.label)
    if common:
        handles += panels[0].plot([], [], **LEVEL)
        labels.append(begins)
    columns = legend_columns(labels, PAGE)
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, columnspacing=1.2)
    return figure


def draw_coefficient_ablation(
    tested: "pd.DataFrame",
    panels: "Mapping[str, Look]",
    alone: Look,
    attack_title: str,
    symbol: str,
) -> "Figure":
    """Test accuracy against a coefficient, a column per panel, clean above attacked.

    Args:
        tested: rows of `over_seeds` with dataset_title, method, attack, coefficient and panel; an
            empty panel is the method alone, which is coefficient 0 of all panels.
        panels: title to the look of its points, whose label is above the panel.
        alone: look of the method alone.
        attack_title: name of the attack in the figure.
        symbol: symbol of the coefficient in the figure.
    """
    figure = new_figure(0.36 * PAGE * len(panels), 3.5)
    figure.get_layout_engine().set(h_pad=0.02)
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    kinds = list(zip(("clean", attack_title), STYLES, strict=True))
    baseline = tested[tested["panel"] == ""]
    for row, (kind, style) in zip(grid, kinds, strict=True):
        clean = kind == "clean"
        for axes, (title, look) in zip(row, panels.items(), strict=True):
            here = tested[(tested["panel"] == title) & ((tested["attack"] == "none") == clean)]
            start = baseline[(baseline["attack"] == "none") == clean]
            line = [start, here.sort_values("coefficient")]
            x = [value for part in line for value in part["coefficient"]]
            y = [value for part in line for value in part["value"]]
            axes.plot(x, y, color=look.colour, ls=style, zorder=1)
            for point in here.index:
                _interval(axes, here["coefficient"][point], here.loc[[point]], look)
            if len(start):
                level = start["value"].iloc[0]
                axes.axhline(level, color=alone.colour, lw=0.7, ls=":", zorder=0)
                _interval(axes, 0.0, start, alone)
            if clean:
                axes.set_title(look.label)
        row[0].set_ylabel(f"{kind} accuracy (%)")
        row[0].margins(y=0.15)
    for axes in grid[1]:
        axes.set_xticks(sorted({0.0, *tested["coefficient"]}))
        axes.set_xlabel(f"coefficient {symbol}")
    handles = grid[0, 0].plot([], [], color=alone.colour, marker=alone.marker, ls="")
    labels = [alone.label]
    for kind, style in kinds:
        handles += grid[0, 0].plot([], [], color=GREY, ls=style)
        labels.append(kind)
    title = in_order(tested["dataset_title"])[0]
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, title=title)
    return figure


def _interval(axes: "Axes", x: float, one: "pd.DataFrame", look: Look) -> None:
    errors = [one["value"] - one["ci_low"], one["ci_high"] - one["value"]]
    axes.errorbar(
        [x] * len(one), one["value"], yerr=errors, color=look.colour, marker=look.marker, ls="",
        elinewidth=1,
    )  # fmt: skip
