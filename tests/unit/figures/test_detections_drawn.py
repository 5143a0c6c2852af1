"""What the figures and the table of detections show."""

import numpy as np
import pytest
from invented_artifacts import artifact_of
from invented_detections import CLASSES, GAINS, IMAGES, detector, examples
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle

from passband.errors import UserError
from passband.figures.detections import (
    FOUND,
    OBJECT,
    detection_table,
    detections,
    draw_detections,
)
from passband.figures.load import probe_arrays
from passband.intervals.accuracies import wilson
from passband.intervals.estimates import mean_interval


def boxes(axes, colour: str) -> list[tuple[float, ...]]:
    return [
        (one.get_x(), one.get_y(), one.get_x() + one.get_width(), one.get_y() + one.get_height())
        for one in axes.patches
        if isinstance(one, Rectangle) and same_color(one.get_edgecolor(), colour)
    ]


def test_each_panel_has_its_objects_and_what_was_found(tmp_path):
    artifact = artifact_of(tmp_path, "hfc.fig8", [detector(tmp_path)])
    figure = detections(artifact, **artifact.options)
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 2 * 3, "the fourth image is not recognised worse"
    for axes in panels:
        assert boxes(axes, OBJECT) == [(5, 20, 25, 40)]
        assert boxes(axes, FOUND) == [(6, 20, 26, 40)], "scores below 0.3 are not drawn"
        assert [text.get_text() for text in axes.texts] == ["Ankle boot 0.90"]
    labels = [axes.get_xlabel() for axes in panels]
    assert labels[:3] == [""] * 3 and labels[3:] == ["score −0.60", "score −0.50", "score −0.40"]


def test_better_images_are_those_with_a_gain(tmp_path):
    artifact = artifact_of(tmp_path, "hfc.fig9", [detector(tmp_path)])
    figure = detections(artifact, **artifact.options)
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels == ["score +0.30", "score +0.20", "score +0.10"]


def test_images_are_drawn_at_their_own_size():
    arrays = examples(np.random.default_rng(0), sizes=(40, 30))
    figure = draw_detections(arrays, [0], CLASSES, score=0.0)
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.shape == (40, 30)
    assert np.array_equal(drawn, arrays["example_images"][0, 0, 0, :40, :30])
    assert len(boxes(figure.axes[0], FOUND)) == 2


def test_the_strongest_of_overlapping_detections_is_drawn():
    arrays = examples(np.random.default_rng(0), sizes=(48, 48))
    found = arrays["example_detections"]
    found[:] = -1
    found[:, :, 0] = (6, 20, 26, 40, 1, 0.5)
    found[:, :, 1] = (7, 21, 27, 41, 0, 0.6)  # IoU 0.82
    found[:, :, 2] = (18, 20, 38, 40, 1, 0.4)  # IoU 0.29 and, with the strongest, 0.27
    figure = draw_detections(arrays, [0], CLASSES, score=0.3)
    assert boxes(figure.axes[0], FOUND) == [(7, 21, 27, 41), (18, 20, 38, 40)]
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == [f"{CLASSES[0]} 0.60", f"{CLASSES[1]} 0.40"]


def test_a_figure_says_that_no_image_is_worse(tmp_path, monkeypatch):
    monkeypatch.setattr("invented_detections.GAINS", np.abs(GAINS))
    artifact = artifact_of(tmp_path, "hfc.fig8", [detector(tmp_path)])
    figure = detections(artifact, **artifact.options)
    assert figure.get_suptitle() == "No image is recognised worse here."
    assert len([axes for axes in figure.axes if axes.images]) == 2 * 4


def test_cells_of_the_table(tmp_path):
    models = [detector(tmp_path)]
    artifact = artifact_of(tmp_path, "hfc.sec7", models)
    table = detection_table(artifact, **artifact.options)
    cells = table.cells.set_index(["row", "column"])
    assert cells.loc[("LFC", "mAP"), "value"] == 31
    assert cells.loc[("LFC", "mAP"), "paper_value"] == 27.5
    assert cells.loc[("LFC", "mAP"), "difference"] == 3.5
    assert cells.loc[("HFC", "AP50"), "value"] == 14 and cells.loc[("Image", "AP50"), "value"] == 79
    better = cells.loc[("LFC", "better than on the image")]
    assert (better["ci_low"], better["ci_high"]) == wilson(better["value"], IMAGES)
    assert ("Image", "better than on the image") not in cells.index
    score = cells.loc[("LFC", "score")]
    scores = probe_arrays(models[0], "detection")["scores"][1]
    interval = mean_interval(scores.astype(float), span=(0.0, 1.0))
    assert score["value"] == pytest.approx(scores.mean(), rel=1e-5)
    assert (score["ci_low"], score["ci_high"]) == pytest.approx((interval.low, interval.high))
    assert np.isnan(cells.loc[("LFC", "mAP"), "ci_low"])
    assert "within a radius of 22" in table.notes[0] and "outside a radius of 22" in table.notes[0]


def test_two_seeds_are_means(tmp_path):
    models = [detector(tmp_path, seed) for seed in (0, 1)]
    artifact = artifact_of(tmp_path, "hfc.sec7", models)
    cells = detection_table(artifact, **artifact.options).cells.set_index(["row", "column"])
    assert cells.loc[("LFC", "mAP"), "value"] == 31.5 and cells.loc[("LFC", "mAP"), "seeds"] == 2
    assert cells.loc[("LFC", "score"), "seeds"] == 2


def test_an_unknown_printed_value_is_refused(tmp_path):
    artifact = artifact_of(tmp_path, "hfc.sec7", [detector(tmp_path)])
    with pytest.raises(UserError, match="printed has 'LFC map', expected one of Image mAP"):
        detection_table(artifact, probe="detection", printed={"LFC map": 1.0})
