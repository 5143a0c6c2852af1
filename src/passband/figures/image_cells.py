"""Cells of grids of example images: images, perturbations and the names of classes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from passband.errors import UserError
from passband.figures.attack_constants import written
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged
from passband.figures.style import GREY, SIGNED, SMALLEST, WRONG, Look

LONGEST_NAME = 11  # characters of a class name that fit below an image

Examples = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


class Units(NamedTuple):
    """What perturbations are divided by before they are drawn, and the name of the ratio."""

    one: float
    name: str


def perturbation_units(
    attacks: Mapping[str, Mapping],
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
) -> Units:
    """Epsilon of the attack; the largest change of a pixel where the attack has none.

    Args:
        attacks: resolved rows of config/attacks.yaml by name.
        examples: arrays of the probe.
        metadata: metadata of the probe (attack), by dataset title.
    """
    name = next(iter(metadata.values()))["attack"]
    epsilon = attacks.get(name, {}).get("epsilon")
    if epsilon:
        return Units(epsilon, f"δ / ε, ε = {written('epsilon', epsilon)}")
    largest = max(float(np.abs(arrays["perturbation"]).max()) for arrays in examples.values())
    return Units(largest or 1.0, "δ / max |δ|")


def shown_of(examples: Mapping[tuple[str, str], Examples], images: Sequence[int]) -> slice:
    """The images to show, of those that the probe stored of every model.

    Args:
        examples: arrays of the probe.
        images: the first one, and the one after the last.
    """
    kept = min(len(arrays["labels"]) for arrays in examples.values())
    first = images[0] % kept
    return slice(first, min(first + images[1] - images[0], kept))


def read_examples(
    artifact: Artifact, probe: str, images: Sequence[int]
) -> tuple[dict[tuple[str, str], Examples], dict[str, dict], dict[str, Look], slice, Units]:
    """What the drawings of this kind take: arrays of the probe, metadata, looks, the images to
    show, and the units of perturbations."""
    entries = first_seeds(artifact.models)
    examples = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    metadata = {key[0]: probe_metadata(entry, probe) for key, entry in entries.items()}
    looks = artifact.looks(method for _, method in entries)
    units = perturbation_units(artifact.attacks, examples, metadata)
    return examples, metadata, looks, shown_of(examples, images), units


def draw_image(axes: Axes, image: np.ndarray) -> None:
    """Draw an image [C, H, W] in 0..1, grey where there is one channel."""
    shown = enlarged(np.clip(image, 0, 1).transpose(1, 2, 0), 128)
    axes.imshow(shown[..., 0] if shown.shape[-1] == 1 else shown, cmap="gray", vmin=0, vmax=1)
    bare(axes)


def draw_signed(axes: Axes, image: np.ndarray) -> AxesImage:
    """Draw the mean over channels of a signed image [C, H, W], from -1 to 1."""
    drawn = axes.imshow(enlarged(image.mean(0), 128), norm=Normalize(-1, 1), cmap=SIGNED)
    bare(axes)
    return drawn


def signed_bar(
    figure: Figure, drawn: AxesImage, grid: np.ndarray, image: np.ndarray, units: Units
) -> None:
    channels = f", mean of {len(image)} channels" if len(image) > 1 else ""
    place = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.02}
    ticks = [-1, -0.5, 0, 0.5, 1]
    figure.colorbar(drawn, ax=grid, label=units.name + channels, ticks=ticks, **place)


def bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def below(axes: Axes, name: str, right: bool | None) -> None:
    """Name a class below an image; where it was predicted, tell whether it is right."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "…"
    symbol = {None: "", True: "✓ ", False: "✗ "}[right]
    colour = WRONG if right is False else GREY
    axes.set_xlabel(symbol + name, fontsize=SMALLEST, color=colour, labelpad=1.5)


def predictions(
    predicted: Sequence[int], labels: Sequence[int], names: Sequence[str]
) -> list[tuple[str, bool | None]]:
    return [(names[p], bool(p == label)) for p, label in zip(predicted, labels, strict=True)]


def shown_labels(arrays: Examples, shown: slice) -> np.ndarray:
    labels = arrays["labels"][shown]
    if not len(labels):
        raise UserError(
            f"images {shown.start} to {shown.stop} were asked for, but the probe kept only "
            f"{len(arrays['labels'])}: change `images` of the artifact's options."
        )
    return labels


def by_dataset(examples: Mapping[tuple[str, str], Examples]) -> dict[str, list[str]]:
    blocks: dict[str, list[str]] = {}
    for dataset, method in examples:
        blocks.setdefault(dataset, []).append(method)
    return blocks
