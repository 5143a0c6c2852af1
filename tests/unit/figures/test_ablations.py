"""Ablations of spectral alignment on invented numbers."""

import pytest
from invented_artifacts import artifact_of

from passband.figures.ablations import common_epochs, distance_ablation
from passband.figures.coefficient_ablation import coefficient_ablation
from passband.figures.lines import paired_difference
from passband.figures.load import probe_arrays, read_histories


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
    assert [label.get_text() for label in points.get_xticklabels()] == ["L1", "L2", "cosine"]
    assert len(points.containers) == 4  # one of them is in the legend
    assert points.get_ylabel() == "minus AT (points)"
    assert robust.get_title() == "(b) robust accuracy"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [
        *("AT", "L1 (SAR)", "L2", "cosine"),
        *("selected epoch", "alignment begins", "95 % interval"),
    ]


def test_curves_have_the_interval_of_their_validation_images(distances):
    assert set(read_histories(distances)["n_images"]) == {200}  # a tenth of 2,000


def test_differences_are_taken_image_by_image_and_seed_by_seed(distances):
    both = [[one for one in distances if one["method"] == name] for name in ("SAR", "PGD-AT")]
    found = paired_difference(*both, "pgd-20", "correct")
    first, second = ([probe_arrays(one, "pgd-20")["correct"] for one in part] for part in both)
    expected = [100 * (a.mean() - b.mean()) for a, b in zip(first, second, strict=True)]
    assert found.effect == pytest.approx(sum(expected) / 2)
    assert found.low < found.effect < found.high and found.n == 2000
    same = paired_difference(both[1], both[1][:1], "pgd-20", "correct")
    assert same.effect == 0 and same.low < 0 < same.high


def test_distance_curves_of_one_method_show_all_epochs(distances, tmp_path):
    alone = [entry for entry in distances if entry["method"] == "PGD-AT"]
    figure = drawn(distance_ablation, tmp_path, "sar.fig9", alone)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "AT")
    assert list(line.get_xdata()) == list(range(1, 101))


def test_coefficients_are_shown_as_gains_over_training_without_the_part(coefficients, tmp_path):
    figure = drawn(coefficient_ablation, tmp_path, "sar.fig10", coefficients)
    assert [axes.get_title() for axes in figure.axes] == ["(a) SAR", "(b) SARWA", "", ""]
    right = {one["method"]: probe_arrays(one, "pgd-20")["correct_clean"] for one in coefficients}
    for axes, name in zip(figure.axes[:2], ("SAR", "SARWA"), strict=True):
        curve = axes.lines[1]
        assert list(curve.get_xdata()) == [0, 0.05, 0.1, 0.15, 0.2]
        steps = [right[f"{name} (λ={value})"] for value in (0.05, 0.1, 0.15, 0.2)]
        gains = [100 * (one.mean() - right["PGD-AT"].mean()) for one in steps]
        assert list(curve.get_ydata()) == pytest.approx([0, *gains])
    assert len(figure.axes[1].containers) == 4
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["AT (λ = 0)", "95 % interval"]


def test_printed_gains_are_shown_at_their_coefficient(coefficients, tmp_path):
    named = {"SAR (λ=0.1)": "SAR", "SARWA (λ=0.15)": "SARWA"}
    models = [one | {"method": named.get(one["method"], one["method"])} for one in coefficients]
    figure = drawn(coefficient_ablation, tmp_path, "sar.fig10", models)
    for axes, (place, gain) in zip(
        figure.axes, ((0.1, -1.94), (0.15, -0.24), (0.1, 3.7), (0.15, 3.43)), strict=True
    ):
        (hollow,) = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
        assert hollow.get_xdata()[0] == place and hollow.get_ydata()[0] == pytest.approx(gain)
    assert "printed in the paper" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_panel_may_show_every_model_with_the_part(coefficients, tmp_path):
    panels = [{"title": "both", "method": "SAR"}]
    figure = drawn(coefficient_ablation, tmp_path, "sar.fig10", coefficients, panels=panels)
    assert len(figure.axes) == 2 and len(figure.axes[1].containers) == 8
