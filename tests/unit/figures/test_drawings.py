"""Drawings that explain a method, and the looks of methods."""

import re

import pytest
from invented_artifacts import artifact_of, entry

from passband.figures.fourier_overview import fourier_overview
from passband.figures.save import save_figure
from passband.figures.schematic import schematic
from passband.figures.style import legend_columns, method_looks


def drawn(kind, folder, id):
    artifact = artifact_of(folder, id, [])
    return kind(artifact, **artifact.options)


@pytest.mark.parametrize(
    ("kind", "id"), [(schematic, "sar.fig8"), (fourier_overview, "fourier_study.fig1")]
)
def test_drawing_is_the_same_vector_drawing_on_every_run(kind, id, tmp_path):
    for run in ("first", "second"):
        save_figure(drawn(kind, tmp_path, id), {"svg": tmp_path / f"{run}.svg"}, "")
    svg = (tmp_path / "first.svg").read_text()
    assert svg == (tmp_path / "second.svg").read_text()
    assert "<image" not in svg


def test_schematic_names_what_is_trained(tmp_path):
    save_figure(drawn(schematic, tmp_path, "sar.fig8"), {"svg": tmp_path / "out.svg"}, "")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "out.svg").read_text())
    assert words.count("FFT") == 4 and words.count("distance") == 2 and words.count("CE") == 3
    assert words.count("WA") == 1 and "network f, the same for both" in words
    assert {"(a) AT", "(b) AT + SAR", "(c) AT + SARWA"} <= set(words)


def test_overview_has_no_overlapping_words(tmp_path):
    figure = drawn(fourier_overview, tmp_path, "fourier_study.fig1")
    figure.draw_without_rendering()
    words = [text for axes in figure.axes for text in (*axes.texts, axes.title)]
    boxes = [text.get_window_extent() for text in words]
    for place, first in enumerate(boxes):
        assert not any(first.overlaps(second) for second in boxes[place + 1 :])
        assert all(axes.bbox.x0 <= first.x0 for axes in figure.axes[:1])
    assert {"ResNet-20", "EfficientNet", "C-", "A-", "mask"} <= {text.get_text() for text in words}


def test_methods_keep_their_colour_and_others_take_turns():
    known = {"plain": {"label": "Plain", "colour": "blue"}, "named": {"label": "L-model"}}
    looks = method_looks(["a", "plain", "named", "b", "a", "c", "d"], known)
    assert looks["plain"] == ("Plain", "#0072b2", "o")
    assert [looks[name].label for name in ("a", "named")] == ["a", "L-model"]
    colours = [looks[name].colour for name in ("a", "named", "b", "c", "d")]
    assert colours == ["#332288", "#999933", "#882255", "#000000", "#332288"]
    assert (looks["plain"].model, looks["named"].model) == ("Plain model", "L-model")


def test_substituted_training_attack_is_part_of_every_label(tmp_path):
    pairs = {"training_attack": ["one step", "PGD-10"]}
    models = [
        entry(name, {}, {}, method=name, trained_with=pairs if name != "natural" else {})
        for name in ("natural", "L-model", "PGD-AT")
    ]
    artifact = artifact_of(tmp_path, "sar.fig6", models)
    looks = artifact.looks(["natural", "PGD-AT"])
    assert looks["natural"].label == "Natural"
    assert looks["PGD-AT"].label == "Robust, one step (paper: PGD-10)"
    assert looks["PGD-AT"].model == "Robust model, one step (paper: PGD-10)"
    assert looks["PGD-AT"].name == "Robust"
    renamed = artifact.looks(["L-model"], {"L-model": "AT"})["L-model"]
    assert renamed.label == "AT, one step (paper: PGD-10)" and renamed.colour == "#e69f00"


def test_legends_of_long_labels_have_fewer_columns():
    assert legend_columns(["AT", "SAR", "SARWA"], 7) == 3
    assert legend_columns(["AT, one step (paper: PGD-10)"] * 4, 7) == 3
    assert legend_columns(["AT, one step (paper: PGD-10)" * 9], 7) == 1
