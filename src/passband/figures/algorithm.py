"""The training algorithm of a recipe, typeset from the parts that it is made of."""

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from passband.dependencies import declared
from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.load import first_seeds
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, INK, PAGE, new_figure, wrapped

LINE = 0.165  # inches from line to line
LETTERS = 98  # of a line
INDENT = 0.022  # of the figure's width

Line = tuple[int, str, bool]  # depth, text, whether it is a remark

# The steps of an iteration: roles of parts (see passband.training.parts) in the order of the step.
BEFORE = ("input filter", "mixed-sample augmentation", "adversary", "weight perturbation")


@FIGURES.register("algorithm", shows="recipe parts")
def algorithm(artifact: Artifact) -> Figure:
    """The steps of the training of the first model, each with the summary and the arguments of the
    part that does it."""
    entry = next(iter(first_seeds(artifact.models).values()))
    return draw_algorithm(list(lines_of(entry["recipe"], entry["method"])))


def lines_of(recipe: Mapping, method: str) -> Iterator[Line]:
    """The lines of a resolved recipe's algorithm.

    Raises:
        UserError: the model was not trained here, so that it has no recipe.
    """
    if "parts" not in recipe:
        raise UserError(f"the model '{method}' has no recipe to typeset: name a trained one.")
    known = declared("training/parts")
    parts = {name: known[name] for name in recipe["parts"]}

    def of(role: str, depth: int) -> Iterator[Line]:
        for name, part in parts.items():
            if part.settings["role"] == role:
                start = part.settings.get("starts")
                since = f" [from the {start.replace('_', ' ')} on]" if start else ""
                term = f"loss ← loss + {name}. " if role == "regulariser" else ""
                for step in part.settings.get("steps", [term + part.summary.rstrip(".")]):
                    yield depth, step + since, False
                yield depth, f"{name}: {_arguments(recipe['parts'][name])}", True

    schedule = recipe["schedule"]
    yield from of("label treatment", 0)
    yield 0, f"for each epoch, 1 to {recipe['epochs']}", False
    yield 1, f"schedule: {_arguments(schedule)}", True
    yield from of("weight average", 1)
    yield 1, f"for each batch of {recipe['batch_size']} images x with labels y", False
    yield 2, f"Augment x: {_arguments(recipe['augmentation'])}", False
    for role in BEFORE:
        yield from of(role, 2)
    if not any(part.settings["role"] == "outer loss" for part in parts.values()):
        yield 2, "loss ← mean cross-entropy of the logits and y", False
    yield from of("outer loss", 2)
    yield from of("regulariser", 2)
    yield 2, "Update the weights by the gradient of the loss", False
    yield 2, f"optimizer: {_arguments(recipe['optimizer'])}", True
    yield from of("parameters", 2)


def draw_algorithm(lines: list[Line]) -> Figure:
    """Numbered lines, indented by their depth; remarks are grey and without a number."""
    rows: list[tuple[str, int, str, str]] = []
    number = 0
    for depth, text, remark in lines:
        number += not remark
        for place, piece in enumerate(wrapped(text, LETTERS - 4 * depth).split("\n")):
            mark = "" if remark or place else str(number)
            rows.append((mark, depth, piece, GREY if remark else INK))
    height = LINE * (len(rows) + 1)
    figure = new_figure(PAGE, height, layout="none")
    for place, (mark, depth, text, colour) in enumerate(rows):
        y = 1 - LINE * (place + 1) / height
        figure.text(0.03, y, mark, color=GREY, ha="right", va="center")
        figure.text(0.045 + INDENT * depth, y, text, color=colour, va="center")
    return figure


def _arguments(row: Mapping) -> str:
    """Keys and values of a row, without the empty ones and those that are off."""
    told = []
    for key, value in row.items():
        if isinstance(value, Mapping):
            value = value.get("name", f"({_arguments(value)})")
        if value is not None and value is not False:
            words = [key.replace("_", " "), *([] if value is True else [_written(value)])]
            told.append(" ".join(words))
    return ", ".join(told) or "no arguments"


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
