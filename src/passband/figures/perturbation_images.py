"""Attacked images beside their perturbations and the spectra of these."""

from collections.abc import Mapping
from typing import Annotated

from matplotlib.figure import Figure

from passband.figures import FIGURES
from passband.figures.image_cells import (
    Examples,
    Units,
    bare,
    below,
    by_dataset,
    draw_image,
    draw_signed,
    predictions,
    read_examples,
    shown_labels,
    signed_bar,
)
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged, log_scale, log_ticks
from passband.figures.style import MAGNITUDES, PAGE, Look, new_figure, wrapped
from passband.options import Name, Span


@FIGURES.register("perturbation_examples")
def perturbation_examples(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="example_images")],
    images: Span,
) -> Figure:
    """Attacked images, their perturbations in units of epsilon, and the spectra of these.

    Args:
        probe: the probe that stored the images.
        images: two indices: the first image to show, and the one after the last; where the probe
            stored fewer images, they are counted from its first one again.
    """
    return draw_perturbations(*read_examples(artifact, probe, images))


def draw_perturbations(
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
    looks: Mapping[str, Look],
    shown: slice,
    units: Units,
) -> Figure:
    """A row per image: the image, then per method the attacked image, δ and the spectrum of δ.

    Arguments as for `draw_image_rows`. Perturbations share one colour scale about zero, spectra one
    log scale.
    """
    methods = list(looks)
    blocks = by_dataset(examples)
    labels_of = {
        dataset: shown_labels(examples[dataset, blocks[dataset][0]], shown) for dataset in blocks
    }
    count, columns = sum(map(len, labels_of.values())), 1 + 3 * len(methods)
    cell = min(0.95, (PAGE - 0.7) / columns)
    figure = new_figure(cell * columns + 0.6, (cell + 0.19) * count + 0.85, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    grid = figure.subplots(count, columns, squeeze=False)
    scale = log_scale([arrays["spectrum"][shown] for arrays in examples.values()])
    row = 0
    for dataset, labels in labels_of.items():
        names = metadata[dataset]["classes"]
        for index, label in enumerate(labels):
            first = examples[dataset, blocks[dataset][0]]
            draw_image(grid[row, 0], first["images"][shown][index])
            below(grid[row, 0], names[label], None)
            if len(labels_of) > 1 and index == 0:
                grid[row, 0].set_ylabel(dataset)
            for place, method in enumerate(methods):
                triple = grid[row, 1 + 3 * place : 4 + 3 * place]
                if (dataset, method) not in examples:
                    for axes in triple:
                        axes.set_axis_off()
                    continue
                arrays = examples[dataset, method]
                delta = arrays["perturbation"][shown][index]
                draw_image(triple[0], arrays["images"][shown][index] + delta)
                predicted = arrays["predicted_adversarial"][shown][index]
                below(triple[0], *predictions([predicted], [label], names)[0])
                signed = draw_signed(triple[1], delta / units.one)
                spectrum = triple[2].imshow(
                    enlarged(arrays["spectrum"][shown][index], 128), norm=scale, cmap=MAGNITUDES
                )
                bare(triple[2])
            row += 1
    grid[0, 0].set_title("x")
    for place, method in enumerate(methods):
        titles = "x + δ", f"{wrapped(looks[method].model, 24)}\nδ", "|F(δ)|"
        for axes, title in zip(grid[0, 1 + 3 * place : 4 + 3 * place], titles, strict=True):
            axes.set_title(title)
    bar = figure.colorbar(
        spectrum, ax=grid, label="|F(δ)|", extend="both", shrink=0.8, aspect=30, pad=0.01
    )
    log_ticks(bar)
    signed_bar(figure, signed, grid, delta, units)
    return figure
