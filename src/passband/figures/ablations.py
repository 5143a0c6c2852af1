"""Ablations of spectral alignment: which distance, and how strong."""

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from passband.figures.load import in_order
from passband.figures.style import GREY, PAGE, method_look, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DISTANCES = {"PGD-AT": "AT", "SAR": "L1 (SAR)", "SAR (L2)": "L2", "SAR (cosine)": "cosine"}
LEVEL = {"color": GREY, "lw": 0.8, "ls": (0, (4, 3)), "zorder": 0}

# Rows of `coefficient_figure`: attack, name, line style.
KINDS = [("none", "clean", "-"), ("pgd-20", "PGD-20", (0, (4, 1.5)))]


def distance_figure(
    histories: "pd.DataFrame", tested: "pd.DataFrame", fork: int | None
) -> "Figure":
    """(a) standard and (b) robust accuracy: validation by epoch, test at the selected epoch.

    histories: `load.read_histories`; curves are means over seeds, from two epochs before the fork.
    tested: rows of `intervals.over_seeds` with dataset_title, method and attack (none, pgd-20).
    fork: the epochs trained before the methods part; None draws all epochs.
    """
    methods = in_order(tested["method"])
    shown = histories[histories["epoch"] >= (fork or 0) - 1]
    figure = new_figure(PAGE, 2.7)
    figure.get_layout_engine().set(w_pad=0.02)
    panels = figure.subplots(1, 4, gridspec_kw={"width_ratios": [3, 1, 3, 1]})
    titles = ("(a) standard accuracy", "(b) robust accuracy")
    columns = ("val_accuracy", "val_robust_accuracy")
    pairs = zip((panels[:2], panels[2:]), columns, ("none", "pgd-20"), titles, strict=True)
    for (curves, points), column, attack, title in pairs:
        points.sharey(curves)
        for place, method in enumerate(methods):
            _, colour, marker = method_look(method, methods)
            epochs = shown[shown["method"] == method]
            mean = epochs.groupby("epoch")[column].mean()
            selected = epochs.loc[epochs["selected"] == 1, "epoch"]
            curves.plot(mean, color=colour, lw=1.2, label=DISTANCES.get(method, method))
            curves.plot(mean.reindex(selected.unique()), color=colour, marker=marker, ls="")
            one = tested[(tested["method"] == method) & (tested["attack"] == attack)]
            _interval(points, place, one, colour, marker)
        if fork:
            curves.axvline(fork + 0.5, **LEVEL)
        curves.set_title(title)
        curves.set_xlabel("epoch (validation)")
        points.set_xlabel("test, clean" if attack == "none" else "test, PGD-20")
        points.set_xlim(-0.7, len(methods) - 0.3)
        names = [DISTANCES.get(method, method).split(" (")[0] for method in methods]
        points.set_xticks(range(len(methods)), names, rotation=90)
        points.grid(axis="x", visible=False)
        curves.xaxis.set_major_locator(MaxNLocator(integer=True))
        curves.yaxis.set_major_locator(MaxNLocator(integer=True))
        points.tick_params(labelleft=False)
    panels[0].set_ylabel(f"{tested['dataset_title'].iloc[0]}\naccuracy (%)")
    handles, labels = _with_markers(panels[0], methods)
    if fork:
        handles += panels[0].plot([], [], **LEVEL)
        labels.append("alignment begins")
    figure.legend(handles, labels, loc="outside upper center", ncols=5, columnspacing=1.2)
    return figure


def coefficient_figure(tested: "pd.DataFrame") -> "Figure":
    """Test accuracy against the coefficient λ: (a) SAR, (b) SARWA, clean above PGD-20.

    tested: rows of `intervals.over_seeds` with dataset_title, branch, coefficient, method and
        attack (none, pgd-20). branch: live (SAR), average (SARWA), or none for adversarial
        training alone, which is λ = 0 of both.
    """
    figure = new_figure(0.72 * PAGE, 3.5)
    figure.get_layout_engine().set(h_pad=0.02)
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    alone = tested[tested["branch"] == "none"]
    branches = [("live", "SAR", "(a) SAR"), ("average", "SARWA", "(b) SARWA")]
    for row, (attack, kind, style) in zip(panels, KINDS, strict=True):
        for axes, (branch, name, title) in zip(row, branches, strict=True):
            here = tested[(tested["attack"] == attack) & (tested["branch"] == branch)]
            start = alone[alone["attack"] == attack]
            look = method_look("PGD-AT", [])
            _, colour, marker = method_look(name, ["SAR", "SARWA"])
            line = [start, here.sort_values("coefficient")]
            x = [value for part in line for value in part["coefficient"]]
            y = [value for part in line for value in part["value"]]
            axes.plot(x, y, color=colour, ls=style, zorder=1)
            for point in here.index:
                _interval(axes, here["coefficient"][point], here.loc[[point]], colour, marker)
            if len(start):
                axes.axhline(start["value"].iloc[0], color=look[1], lw=0.7, ls=":", zorder=0)
                _interval(axes, 0.0, start, *look[1:])
            if attack == "none":
                axes.set_title(title)
        row[0].set_ylabel(f"{kind} accuracy (%)")
        row[0].margins(y=0.15)
    for axes in panels[1]:
        axes.set_xticks(sorted({0.0, *tested["coefficient"]}))
        axes.set_xlabel("coefficient λ")
    handles, labels = [], []
    looks = [("AT (λ = 0)", *method_look("PGD-AT", [])[1:], "")]
    looks += [(kind, GREY, "", style) for _, kind, style in KINDS]
    for label, colour, marker, style in looks:
        handles += panels[0, 0].plot([], [], color=colour, marker=marker, ls=style)
        labels.append(label)
    title = in_order(tested["dataset_title"])[0]
    figure.legend(handles, labels, loc="outside upper center", ncols=3, title=title)
    return figure


def _interval(axes: "Axes", x: float, one: "pd.DataFrame", colour: str, marker: str) -> None:
    errors = [one["value"] - one["ci_low"], one["ci_high"] - one["value"]]
    axes.errorbar(
        [x] * len(one), one["value"], yerr=errors, color=colour, marker=marker, ls="", elinewidth=1
    )


def _with_markers(axes: "Axes", methods: list[str]) -> tuple[list, list[str]]:
    handles, labels = [], []
    for method in methods:
        _, colour, marker = method_look(method, methods)
        handles += axes.plot([], [], color=colour, marker=marker, lw=1.2)
        labels.append(DISTANCES.get(method, method))
    return handles, labels
