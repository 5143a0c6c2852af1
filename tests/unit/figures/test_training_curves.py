"""Accuracies along a training, behind filters."""

import numpy as np
import pytest
from invented_artifacts import artifact_of
from invented_trainings import HIGH, LOW, RADII, along_training
from matplotlib.colors import to_rgba

from passband.errors import UserError
from passband.figures.training_curves import STYLES, colour, training_curves
from passband.intervals.accuracies import accuracy_interval


def drawn(folder, models, **options):
    artifact = artifact_of(folder, "hfc.fig5", models)
    return training_curves(artifact, **{**artifact.options, **options})


def shown(figure):
    return [axes for axes in figure.axes if axes.lines]


def curve(axes, end, **look):
    """The line of a look that ends at a value."""
    found = [
        line for line in axes.lines
        if len(line.get_xdata()) > 1 and line.get_ydata()[-1] == pytest.approx(end)
        and all(getattr(line, f"get_{name}")() == value for name, value in look.items())
    ]  # fmt: skip
    assert len(found) == 1
    return found[0]


def test_a_panel_per_method_has_the_mean_over_seeds(recorded, tmp_path):
    natural, mixup = shown(drawn(tmp_path, recorded))
    assert natural.get_title().strip() == "Vanilla" and mixup.get_title().strip() == "Mix-up"
    assert curve(natural, 92, linestyle=":").get_ydata()[0] == pytest.approx(10 + 82 / 6, abs=1e-3)
    assert curve(natural, 84, linestyle="-").get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    texts = [text.get_text() for text in (*natural.texts, *mixup.texts)]
    assert texts == ["training 92 · test 84 · gap 8", "training 77 · test 85 · gap −8"]


def test_a_title_names_what_tells_models_of_one_method_apart(tmp_path):
    models = [along_training(tmp_path / "a", "natural"), along_training(tmp_path / "b", "Mix-up")]
    models.append(models[0] | {"architecture_title": "LeNet-5"})
    models.append(models[1] | {"dataset_title": "MNIST"})
    titles = [axes.get_title().strip() for axes in shown(drawn(tmp_path, models))]
    assert titles == [
        "ResNet-8 (hardtanh): Vanilla", "Fashion-MNIST sample: Mix-up", "LeNet-5: Vanilla",
        "MNIST: Mix-up",
    ]  # fmt: skip


def test_colours_are_radii_and_styles_are_components(recorded, tmp_path):
    axes = shown(drawn(tmp_path, recorded))[0]
    for keep, values in (("low", LOW), ("high", HIGH)):
        for radius, end in zip(RADII, values, strict=True):
            line = curve(axes, end)
            assert to_rgba(line.get_color()) == pytest.approx(colour(radius))
            assert line.is_dashed() == (STYLES[keep] != "-")
    assert len({colour(radius) for radius in RADII}) == len(RADII)
    (legend,) = drawn(tmp_path, recorded).legends
    labels = {text.get_text() for text in legend.get_texts()}
    wanted = {f"{keep}, r = {radius}" for keep in STYLES for radius in RADII}
    wanted |= {"training images", "test images", "generalisation gap", "all test images"}
    assert wanted == labels - {" "}


def test_the_legend_states_the_widest_interval(tmp_path):
    models = [along_training(tmp_path, "natural", test=50, training=50)]
    (legend,) = drawn(tmp_path, models).legends
    halves = [
        np.diff(accuracy_interval([10 + 40 * epoch / 6], 500)[1:])[0] / 2 for epoch in range(1, 7)
    ]
    assert f"at most ±{max(halves):.1f} points" in legend.get_title().get_text()


def test_the_gap_is_shaded_only_beside_training_images(recorded, tmp_path):
    with_gap = shown(drawn(tmp_path, recorded))[0]
    without = shown(drawn(tmp_path, recorded, training=None, probe=None))[0]
    assert len(with_gap.collections) > len(without.collections) == 0
    assert without.texts[0].get_text() == "test 84 %"


def test_a_recorder_that_is_not_there_is_named(recorded, tmp_path):
    with pytest.raises(UserError, match="recorded no 'other'"):
        drawn(tmp_path, recorded, recorder="other")
