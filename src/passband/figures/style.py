"""The style of all figures: sizes at print scale, colour-blind-safe colours, reproducible bytes."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.16  # inches: one and two columns of an IEEE page

SMALLEST = 7  # points: no text of a figure is smaller

# Colours of what is no method: they mean the same in every figure and are no method's.
INK = "#3c4043"  # clean images, and lines of drawings
GREY = "#5f6368"  # references and remarks
ATTACK = "#d55e00"  # attacked images and perturbations
HIGH_BAND = "#7f2704"  # high frequencies of a perturbation
WRONG = "#c0392b"  # a wrong prediction

# Colours of methods. The first five are from Okabe and Ito (2008), the others from Paul Tol's muted
# scheme, both told apart with every common colour blindness; the markers tell the methods apart in
# black and white.
COLOURS = {
    "blue": ("#0072b2", "o"),
    "orange": ("#e69f00", "s"),
    "green": ("#009e73", "^"),
    "pink": ("#cc79a7", "D"),
    "sky": ("#56b4e9", "v"),
    "indigo": ("#332288", "P"),
    "olive": ("#999933", "X"),
    "wine": ("#882255", "p"),
    "black": ("#000000", "*"),
}
OTHERS = ("indigo", "olive", "wine", "black")  # for methods without a colour of their own

# Colour maps: magnitudes, signed values about zero, and similarities from 0 to 1.
MAGNITUDES, SIGNED, SIMILARITIES = "viridis", "RdBu_r", "magma"

LEVEL_LINE = {"color": GREY, "lw": 0.8, "ls": (0, (4, 3)), "zorder": 0}  # a reference
PRINTED = {"lw": 0.9, "ls": ":", "mfc": "white", "ms": 3.5, "zorder": 1}  # numbers of the paper
INTERVALS = "95 % interval"

LOOK = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "text.parse_math": False,  # names come from config: a dollar is a dollar
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
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
    "svg.fonttype": "none",  # text stays text; its font is embedded by `save`
    "svg.hashsalt": "passband",
    "pdf.fonttype": 42,
}


class Look(NamedTuple):
    """How a method is shown: its label, colour and marker."""

    label: str
    colour: str
    marker: str

    @property
    def name(self) -> str:
        """The label without what follows its name: "Robust" of "Robust, one step"."""
        return self.label.partition(", ")[0]

    @property
    def model(self) -> str:
        """What its models are called: "Natural model", "L-model", "Robust model, one step"."""
        name = self.name if self.name.endswith("model") else f"{self.name} model"
        return name + self.label.removeprefix(self.name)


def apply_look() -> None:
    """Set matplotlib to its own defaults and this look, whatever files and styles were read."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(LOOK)


def new_figure(width: float, height: float, layout: str = "constrained") -> Figure:
    """An empty figure of `width` x `height` inches in the look of this project."""
    apply_look()
    return Figure(figsize=(width, height), layout=layout)


def wrapped(text: str, letters: int) -> str:
    """A text in lines of at most so many letters, broken between words."""
    return "\n".join(textwrap.wrap(text, letters, break_long_words=False))


def legend_columns(labels: Iterable[str], width: float) -> int:
    """The number of columns in which a legend of these labels fits into `width` inches."""
    labels = list(labels)
    longest = max(map(len, labels), default=0)
    return max(1, min(len(labels), int(width / (0.55 + 0.054 * longest))))


def method_looks(methods: Iterable[str], known: Mapping[str, Mapping]) -> dict[str, Look]:
    """The look of each method of a figure.

    Args:
        methods: in the order of the figure.
        known: `methods` of paper.yaml: method to label and colour, both optional. Methods without
            a colour take the next of `OTHERS`, those without a label go by their own name.
    """
    looks: dict[str, Look] = {}
    others = 0
    for method in dict.fromkeys(methods):
        row = known.get(method, {})
        colour = row.get("colour")
        if colour is None:
            colour = OTHERS[others % len(OTHERS)]
            others += 1
        looks[method] = Look(row.get("label", method), *COLOURS[colour])
    return looks
