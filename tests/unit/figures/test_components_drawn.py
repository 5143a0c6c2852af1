"""Figures of images that follow their high component, on invented numbers."""

import numpy as np
import pytest
from invented_components import RADII, components
from matplotlib.colors import to_rgba

from passband.figures.component_counts import SHAPES, draw_component_counts
from passband.figures.component_examples import ROWS, draw_component_examples, found
from passband.figures.load import probe_arrays, read_measurements
from passband.figures.style import PAGE, method_looks
from passband.intervals.accuracies import over_seeds, wilson

LOOKS = method_looks(["natural", "PGD-AT"], {"natural": {"label": "Natural", "colour": "blue"}})


def block(root, *names, method="natural", **options):
    entry = components(root, method, **options)
    names = names or ("disc-low-4",)
    return found(LOOKS[method], "Fashion-MNIST sample", entry, "components", names)


def middle(axes) -> np.ndarray:
    """The picture in a panel, one value per pixel again."""
    picture = axes.images[0].get_array()
    step = picture.shape[0] // 32
    return np.asarray(picture[step // 2 :: step, step // 2 :: step])


def test_a_row_of_images_of_low_and_of_high_components(tmp_path):
    one = block(tmp_path)
    figure = draw_component_examples([one])
    axes = figure.axes
    assert len(axes) == 3 * 8 and figure.get_figwidth() <= PAGE
    low, high = wilson(100 * 12 / 400, 400)
    assert axes[0].get_title(loc="left").replace("\n", " ") == (
        f"Natural model, Fashion-MNIST sample: 12 of 400 test images (3 %, 95 % interval {low:.2g} "
        f"to {high:.2g} %) at radius 4"
    )
    assert [axes[8 * row].get_ylabel().partition("\n")[0] for row in range(3)] == [
        "image",
        "LFC",
        "HFC",
    ]
    assert "radius 4" in axes[8].get_ylabel()
    names = [[axes[8 * row + place].get_xlabel() for place in (0, 5)] for row in range(3)]
    assert names == [
        ["✓ T-shirt/top", "✓ Sandal"],
        ["✗ Trouser", "✗ Shirt"],
        ["✓ T-shirt/top", "✓ Sandal"],
    ]


def test_high_components_have_one_scale_about_grey(tmp_path):
    one = block(tmp_path)
    axes = draw_component_examples([one]).axes
    high = one.shown["high"]
    largest = np.abs(high).max()
    assert f"white = {largest:.2f}" in axes[16].get_ylabel()
    for place in (0, 7):
        expected = 0.5 + high[place, 0] / (2 * largest)
        np.testing.assert_allclose(middle(axes[16 + place]), expected, atol=1e-6)
        low = np.clip(one.shown["low"][place, 0], 0, 1)
        np.testing.assert_allclose(middle(axes[8 + place]), low, atol=1e-6)


def test_fewer_images_and_none_and_several_models(tmp_path):
    few = block(tmp_path / "a", count=3)
    none = block(tmp_path / "b", count=0, method="PGD-AT")
    assert [len(one.shown[row]) for one in (few, none) for row in ROWS] == [3, 3, 3, 0, 0, 0]
    figure = draw_component_examples([few, none])
    assert len(figure.axes) == 2 * 3 * 3
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["none found"]
    assert "0 of 400 test images (0 %" in figure.axes[9].get_title(loc="left").replace("\n", " ")
    assert draw_component_examples([none]).axes


def test_the_first_filter_that_finds_images_is_drawn(tmp_path):
    one = block(tmp_path, "disc-low-12", "disc-low-8", "disc-low-4", count=5)
    low, high = wilson(100 * 1 / 400, 400)
    assert one.size == "radius 8" and len(one.shown["images"]) == 1
    assert one.title.endswith(
        f"12; 1 of 400 test images (0.25 %, 95 % interval {low:.2g} to {high:.2g} %) at radius 8"
    )
    assert one.title.startswith("Natural model, Fashion-MNIST sample: 0 of 400 test images (0 %")
    nothing = block(tmp_path / "none", "disc-low-12", "disc-low-8", count=0)
    assert nothing.title.count("0 of 400") == 2


def test_singular_values_are_called_so(tmp_path):
    one = block(tmp_path, "svd-low-8")
    assert one.names == ("dominant", "trailing") and one.size == "radius 8"


@pytest.mark.parametrize("seeds", [1, 2])
def test_shares_by_radius_and_way_to_split(tmp_path, seeds):
    entries = [components(tmp_path, seed=seed, count=12 + seed) for seed in range(seeds)]
    rows = read_measurements(entries, "components", "follows_high").astype({"radius": float})
    shares = over_seeds(rows, ["dataset_title", "method", "shape", "radius"])
    figure = draw_component_counts(shares, LOOKS)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == [label for label, _ in SHAPES.values()]
    arrays = [probe_arrays(entry, "components") for entry in entries]
    for line, name, colour in zip(axes.lines, ("disc", "svd"), ("#0072b2", "#e69f00"), strict=True):
        assert line.get_xdata().tolist() == list(RADII)
        expected = [
            np.mean([100 * one[f"follows_high_{name}-low-{radius}"].mean() for one in arrays])
            for radius in RADII
        ]
        assert line.get_ydata() == pytest.approx(expected)
        assert to_rgba(line.get_color()) == to_rgba(colour)
    (legend,) = figure.legends
    assert legend.get_texts()[-1].get_text() == "95 % interval"
