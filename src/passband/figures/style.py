"""One look for every figure: sizes at print scale, colour-blind-safe, the same bytes each run."""

import matplotlib
from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.16  # inches: one and two columns of an IEEE page

GREY = "#5f6368"
WRONG = "#c0392b"

# Colours of Okabe and Ito (2008), told apart with every common colour blindness;
# the markers tell the methods apart in black and white.
METHODS = {
    "natural": ("Natural", "#0072b2", "o"),
    "L-model": ("L-model", "#e69f00", "s"),
    "PGD-AT": ("Robust", "#009e73", "^"),
    "PGD-7-AT": ("PGD-7-AT", "#009e73", "^"),
}
OTHERS = [("#cc79a7", "D"), ("#56b4e9", "v"), ("#d55e00", "P"), ("#000000", "X")]

LOOK = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#3c4043",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e3e5e8",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "image.interpolation": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "passband",
    "pdf.fonttype": 42,
}


def new_figure(width: float, height: float, layout: str = "constrained") -> Figure:
    """An empty figure of `width` x `height` inches in the look of this project."""
    matplotlib.rcParams.update(LOOK)
    return Figure(figsize=(width, height), layout=layout)


def model_name(method: str) -> str:
    """What the models of a method are called: "Natural model", "L-model"."""
    name = METHODS.get(method, (method,))[0]
    return name if name.endswith("model") else f"{name} model"


def method_look(method: str, others: list[str]) -> tuple[str, str, str]:
    """Displayed name, colour and marker of a method.

    The methods of `METHODS` always look the same; any other takes a look by its place among
    `others`, all the methods of the figure.
    """
    if method in METHODS:
        return METHODS[method]
    unnamed = [name for name in others if name not in METHODS]
    colour, marker = OTHERS[unnamed.index(method) % len(OTHERS)]
    return method, colour, marker
