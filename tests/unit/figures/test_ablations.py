"""Ablations of spectral alignment on invented numbers."""

import pytest
from invented_artifacts import artifact_of

from passband.figures.ablations import coefficient_ablation, common_epochs, distance_ablation
from passband.figures.load import read_histories, read_measurements


def drawn(kind, folder, id, models, **changes):
    artifact = artifact_of(folder, id, models, **changes)
    return kind(artifact, **artifact.options)


def test_trainings_part_at_the_drop_of_the_learning_rate(distances):
    assert common_epochs(read_histories(distances)) == 75


def test_trainings_without_a_common_prefix_part_at_once(distances):
    histories = read_histories(distances)
    histories.loc[histories["method"] == "SAR", "train_loss"] = 2.0
    assert common_epochs(histories) is None
    assert common_epochs(read_histories(distances[:1])) is None


def test_distance_curves_begin_two_epochs_before_the_methods_part(distances, tmp_path):
    figure = drawn(distance_ablation, tmp_path, "sar.fig9", distances)
    curves, points, robust, _ = figure.axes
    line = next(line for line in curves.lines if line.get_label() == "L2")
    assert list(line.get_xdata()) == list(range(74, 101))
    histories = read_histories(distances)
    mean = histories.query("method == 'SAR (L2)'").groupby("epoch")["val_accuracy"].mean()
    assert line.get_ydata() == pytest.approx(mean.loc[74:].to_numpy())
    assert [label.get_text() for label in points.get_xticklabels()] == ["AT", "L1", "L2", "cosine"]
    assert len(points.containers) == 4
    assert robust.get_title() == "(b) robust accuracy"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["AT", "L1 (SAR)", "L2", "cosine", "alignment begins"]


def test_distance_curves_of_one_method_show_all_epochs(distances, tmp_path):
    alone = [entry for entry in distances if entry["method"] == "PGD-AT"]
    figure = drawn(distance_ablation, tmp_path, "sar.fig9", alone)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "AT")
    assert list(line.get_xdata()) == list(range(1, 101))


def test_coefficients_start_at_training_without_the_part(coefficients, tmp_path):
    figure = drawn(coefficient_ablation, tmp_path, "sar.fig10", coefficients)
    values = read_measurements(coefficients, "pgd-20").query("attack == 'none'")
    values = values.set_index("method")["value"]
    assert [axes.get_title() for axes in figure.axes] == ["(a) SAR", "(b) SARWA", "", ""]
    for axes, name in zip(figure.axes[:2], ("SAR", "SARWA"), strict=True):
        line = axes.lines[0]
        assert list(line.get_xdata()) == [0, 0.05, 0.1, 0.15, 0.2]
        steps = [values[f"{name} (λ={value})"] for value in (0.05, 0.1, 0.15, 0.2)]
        assert list(line.get_ydata()) == [values["PGD-AT"], *steps]
        assert len(axes.containers) == 5
    assert {axes.lines[0].get_linestyle() for axes in figure.axes} == {"-", "--"}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["AT (λ = 0)", "clean", "PGD-20"]


def test_panel_may_show_every_model_with_the_part(coefficients, tmp_path):
    panels = [{"title": "both", "method": "SAR"}]
    figure = drawn(coefficient_ablation, tmp_path, "sar.fig10", coefficients, panels=panels)
    assert len(figure.axes) == 2 and len(figure.axes[0].containers) == 9
