"""A table of models' Jacobians: spectra and examples as pictures, and their biases."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from PIL import Image

from passband.figures import FIGURES
from passband.figures.accuracy_cells import MODEL, beside_printed, titled
from passband.figures.load import in_order, probe_arrays
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged, log_scale
from passband.figures.style import MAGNITUDES, SIGNED
from passband.figures.table_headings import dataset_heading, training
from passband.figures.tables import Layout, Table
from passband.intervals.estimates import Interval, mean_interval
from passband.labels import attack_note
from passband.options import Name, PrintedTable

IMAGES = "Images"
SPECTRUM, EXAMPLES, BIAS, ALIGNMENT = "mean |F(J)|", "J", "log B_low", "alignment"
UNITS = {
    SPECTRUM: "low frequencies top left", EXAMPLES: "signed, each to its own maximum",
    BIAS: "natural logarithm", ALIGNMENT: "0 to 1",
}  # fmt: skip
SIDE = 96  # pixels of a picture, at least

Arrays = Mapping[str, np.ndarray]


@FIGURES.register("jacobian_table")
def jacobian_table(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="jacobian_spectrum")],
    printed: PrintedTable,
    metric: str,
) -> Table:
    """Spectra and examples of Jacobians as pictures, low-frequency bias beside the paper's, and
    the alignment of Jacobians with images; the images themselves in the last row.

    Args:
        probe: the probe that measured the spectra.
        printed: the printed table.
        metric: its metric that is the bias.
    """
    runs: dict[tuple, list[dict]] = {}
    for entry in artifact.models:
        runs.setdefault(tuple(entry[key] for key in MODEL), []).append(entry)
    looks = artifact.looks(key[-1] for key in runs)
    arrays = {key: [probe_arrays(one, probe) for one in same] for key, same in runs.items()}
    lines = []
    for titles in in_order([key[:-1] for key in runs]):
        here = {key: same for key, same in arrays.items() if key[:-1] == titles}
        for key, same in here.items():
            of_model = {
                **dict(zip(MODEL, key, strict=True)),
                "row": looks[key[-1]].name,
                "training_attack": attack_note(runs[key][0]["trained_with"]),
                "seeds": len(same),
            }
            lines += _row(of_model, same, "")
        images = next(iter(here.values()))[:1]
        of_images = dict(zip(MODEL, (*titles, ""), strict=True))
        of_images |= {"row": IMAGES, "training_attack": "", "seeds": 1}
        lines += _row(of_images, images, "_images")
    cells = pd.DataFrame(lines).replace({"metric": {BIAS: metric}})
    columns = [{"name": name} for name in UNITS]
    cells = beside_printed(titled(cells), artifact, printed, columns, "")
    layout = Layout(
        group=["dataset_title", "paper_dataset_title", "network", "paper_model"],
        heads=("Data set", "Jacobians of"),
        heading=dataset_heading,
        row_details=training,
        counts=True,
    )
    return Table(cells, layout, _notes(images[0]))


def _row(model: Mapping, seeds: Sequence[Arrays], ending: str) -> list[dict]:
    """The cells of a model, or of the images (`ending` _images)."""
    first = seeds[0]
    shown = first["images"] / 255 if ending else first["jacobians"]
    plane = first[f"spectrum{ending}"]
    pictures = {
        SPECTRUM: _picture(plane, _coloured(MAGNITUDES, log_scale([plane]))),
        EXAMPLES: _picture(
            _side_by_side(shown, signed=not ending), _drawn_image(signed=not ending)
        ),
    }
    numbers = {BIAS: _over_seeds(seeds, f"bias{ending}")}
    if not ending:
        numbers[ALIGNMENT] = _over_seeds(seeds, "alignment")
    cells = []
    for column, unit in UNITS.items():
        if column in pictures or column in numbers:
            one = numbers.get(column, Interval(np.nan, np.nan, np.nan, len(first["bias"])))
            cells.append(
                {
                    **model, "column": column, "metric": column, "fraction": 1.0,
                    "value": one.effect, "ci_low": one.low, "ci_high": one.high, "n_images": one.n,
                    "unit": unit, "format": ".3f" if column == ALIGNMENT else ".2f", "right": pd.NA,
                    "rank": "", "beside": "", "beside_value": np.nan,
                    "picture": pictures.get(column, ""),
                }
            )  # fmt: skip
    return cells


def _over_seeds(seeds: Sequence[Arrays], name: str) -> Interval:
    return mean_interval(np.stack([one[name] for one in seeds]).astype(float))


def _side_by_side(images: np.ndarray, signed: bool) -> np.ndarray:
    """Images [E, C, H, W] as one [H, E W, C]; signed ones as the mean over their channels
    [H, E W], each divided by its largest magnitude."""
    if signed:
        images = images.mean(1, keepdims=True)
        largest = np.abs(images).max((1, 2, 3), keepdims=True)
        images = np.divide(images, largest, out=np.zeros_like(images), where=largest > 0)
    wide = np.concatenate(list(images.transpose(0, 2, 3, 1)), axis=1)
    return wide[..., 0] if wide.shape[-1] == 1 else wide


def _coloured(colours: str, scale: Normalize) -> Callable[[np.ndarray], np.ndarray]:
    return lambda plane: matplotlib.colormaps[colours](scale(plane))[..., :3]


def _drawn_image(signed: bool) -> Callable[[np.ndarray], np.ndarray]:
    return _coloured(SIGNED, Normalize(-1, 1)) if signed else lambda image: image


def _picture(plane: np.ndarray, colour: Callable[[np.ndarray], np.ndarray]) -> str:
    """A PNG file in base64."""
    pixels = np.round(255 * np.asarray(colour(enlarged(plane, SIDE)))).astype(np.uint8)
    Image.fromarray(pixels).save(file := io.BytesIO(), format="png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _notes(arrays: Arrays) -> list[str]:
    lines = sum(arrays["spectrum"].shape)
    return [
        "J: gradient of the cross-entropy of one image with respect to it, in float32; the losses "
        "of a batch are summed. Spectra are one-sided, means over images and channels, each on a "
        "log scale of its own.",
        f"log B_low: natural logarithm of equation 10 with a floor of 1e-5; a flat spectrum has "
        f"log {lines} = {np.log(lines):.2f}. Intervals are over the images (delta method).",
        "Alignment: the absolute cosine between an image and its Jacobian.",
    ]
