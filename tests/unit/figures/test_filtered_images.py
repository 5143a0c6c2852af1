"""Tables and figures of accuracy behind filters, of images and of spectra."""

import base64
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from invented_artifacts import MARK, artifact_of, resolved
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from passband.errors import UserError
from passband.figures.accuracy_tables import lowpass_table
from passband.figures.curves import band_curves, lowpass_curves
from passband.figures.filters import applied, draw_filters, edges, filters
from passband.figures.load import first_seeds, read_measurements, training_bandwidth
from passband.figures.perturbation_spectra import spectrum_grid
from passband.figures.save import save_figure
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.intervals.accuracies import accuracy_interval


def table_of(folder, models):
    artifact = artifact_of(folder, "sar.table1", models)
    return lowpass_table(artifact, **artifact.options)


def drawn(kind, folder, id, models, **changes):
    artifact = artifact_of(folder, id, models, **changes)
    return kind(artifact, **artifact.options)


# ---- table


def test_table_has_the_papers_value_and_the_difference(substituted, tmp_path):
    cells = table_of(tmp_path, substituted).cells
    assert len(cells) == 27
    cell = cells.query("method == 'L-model' and bandwidth == 12").iloc[0]
    values = [
        float(re.search(r"bandwidth=12,accuracy,([\d.]+),", Path(path).read_text())[1])
        for entry in substituted
        if entry["method"] == "L-model"
        for path in [entry["probes"]["lowpass"]["csv"]]
    ]
    assert len(values) == cell["seeds"] == 2
    assert cell["value"] == pytest.approx(np.mean(values))
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval(values, 200)
    assert cell["paper_value"] == 84.87
    assert cell["difference"] == pytest.approx(cell["value"] - 84.87)
    robust = cells.query("method == 'PGD-AT' and column == 'PGD-20'").iloc[0]
    assert robust["paper_value"] == 51.69 and robust["row"] == "Robust"


def test_table_without_such_cells_in_the_paper(substituted, tmp_path):
    unknown = [entry | {"paper_dataset_title": "SVHN"} for entry in substituted]
    table = table_of(tmp_path, unknown)
    assert table.cells["paper_value"].isna().all() and table.cells["difference"].isna().all()
    assert "nan" not in to_html(table) + to_latex(table)


def test_html_table_repeats_its_head_where_the_side_changes(papers, tmp_path):
    html = to_html(table_of(tmp_path, papers))
    assert html.count(">k = 4<") == html.count(">k = 64<") == 1
    assert html.count('scope="rowgroup"') == 3
    assert html.count('scope="row"') == 9
    assert "<caption" not in html and "<script" not in html


def test_latex_table_has_as_many_fields_in_every_row(papers, tmp_path):
    rows = to_latex(table_of(tmp_path, papers)).splitlines()
    assert {row.count("&") for row in rows if "&" in row} == {10}


def test_table_states_the_constants_of_its_attack(substituted, tmp_path):
    note = "Attacks. PGD-20: pgd, ε = 8/255, step size 2/255, steps 20, start uniform"
    assert note in to_html(table_of(tmp_path, substituted))


# ---- what is read


def test_first_seed_of_each_model(substituted):
    entries = first_seeds(list(reversed(substituted)))
    assert len(entries) == 3
    assert {entry["seed"] for entry in entries.values()} == {0}


def test_artifact_without_a_model_is_explained():
    with pytest.raises(UserError, match="no model to draw"):
        first_seeds([])


def test_missing_probe_is_explained(substituted):
    with pytest.raises(UserError, match="no csv of 'autoattack'"):
        read_measurements(substituted, "autoattack")


@pytest.mark.parametrize(
    ("changes", "side", "bandwidth"),
    [({}, 32, 16), ({}, 28, 14), ({"bandwidth": 8}, 64, 8), ({"keep": "high"}, 32, None)],
)
def test_training_bandwidth_is_that_of_the_input_filter(substituted, changes, side, bandwidth):
    (entry,) = [e for e in first_seeds(substituted).values() if e["method"] == "L-model"]
    row = entry["recipe"]["parts"]["input_filter"]["filter"] | changes
    changed = entry | {"recipe": {"parts": {"input_filter": {"filter": row}}}}
    assert training_bandwidth(changed, side) == bandwidth
    for parts in ({}, {"input_filter": {"rescale": "image-max"}}):
        assert training_bandwidth(entry | {"recipe": {"parts": parts}}, side) is None


# ---- figures


def test_curves_mark_the_bandwidth_of_filtered_training(papers, tmp_path):
    figure = drawn(lowpass_curves, tmp_path, "sar.fig2", papers)
    for axes, side in zip(figure.axes, (32, 32, 64), strict=True):
        dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert [line.get_xdata()[0] for line in dashed if len(line.get_xdata())] == [side / 2]
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [
        *("Natural", "L-model", "Robust", "printed in the paper", "95 % interval"),
        "training bandwidth of the L-model",
    ]
    natural = next(line for line in figure.axes[0].lines if line.get_label() == "Natural")
    assert to_rgba(natural.get_color()) == to_rgba("#0072b2") and natural.get_marker() == "o"


def test_curves_without_filtered_training_mark_nothing(papers, tmp_path):
    models = [entry for entry in papers if entry["method"] != "L-model"]
    figure = drawn(lowpass_curves, tmp_path, "sar.fig2", models)
    assert not any(line.get_linestyle() == "--" for axes in figure.axes for line in axes.lines)
    assert "training" not in " ".join(text.get_text() for text in figure.legends[0].get_texts())


def test_spectra_outline_the_square_of_filtered_training(papers, tmp_path):
    figure = drawn(spectrum_grid, tmp_path, "sar.fig4", papers)
    squares = [
        (axes.get_title(), patch.get_width())
        for axes in figure.axes
        for patch in axes.patches
        if isinstance(patch, Rectangle)
    ]
    assert [width for _, width in squares] == [16, 16, 32]
    assert squares[0][0] == "L-model"


def test_bands_keep_their_part_of_the_perturbation(substituted, tmp_path):
    figure = drawn(band_curves, tmp_path, "sar.fig6", substituted)
    low, high, standard = figure.axes[2].lines[:3]
    assert [line.get_label() for line in (low, high, standard)] == [
        *("low-pass perturbation", "high-pass perturbation", "low-pass images, no attack")
    ]
    assert low.get_ydata()[4] < high.get_ydata()[4]
    assert list(low.get_xdata()) == list(range(0, 33, 4))


def test_figures_are_the_same_bytes_on_every_run_and_carry_the_mark(substituted, tmp_path):
    for run in ("first", "second"):
        outputs = {kind: tmp_path / run / f"figure.{kind}" for kind in ("svg", "pdf", "png")}
        save_figure(drawn(lowpass_curves, tmp_path, "sar.fig2", substituted), outputs, MARK)
    for path in outputs.values():
        assert path.read_bytes() == (tmp_path / "first" / path.name).read_bytes()
    svg = outputs["svg"].read_text()
    assert MARK in svg and "<dc:date>" not in svg
    assert ">Natural</text>" in svg
    (font,) = re.findall(r"font/woff;base64,([^)]+)", svg)
    glyphs = TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap()
    words = html.unescape("".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))
    assert set(map(ord, words)) <= set(glyphs) and len(glyphs) < 100
    assert b"/FontFile2" in outputs["pdf"].read_bytes()


def test_paper_scale_carries_no_mark(papers, tmp_path):
    outputs = {"svg": tmp_path / "figure.svg"}
    save_figure(drawn(lowpass_curves, tmp_path, "sar.fig2", papers), outputs, mark="")
    assert "scale" not in re.sub("<[^>]*>", "", outputs["svg"].read_text())


# ---- filters


@pytest.fixture
def rows() -> list[dict]:
    given = {"filters": ["lowpass-4-8", "highpass-4-8"], "dataset": "tiny-imagenet"}
    return resolved("filters", given)["filters"]


def test_filters_keep_their_own_frequencies(rows):
    row = np.arange(32)
    slow = np.cos(2 * np.pi * 3 * row / 32)[None, :] * np.ones((32, 1))
    fast = np.where((row[:, None] + row[None, :]) % 2, -1.0, 1.0)
    low, high = (applied(one, (slow + fast)[None]) for one in rows)
    assert low.filtered[0] == pytest.approx(slow) and low.title == "LPF, k = 16"
    assert high.filtered[0] == pytest.approx(fast) and high.title == "HPF, k = 16"
    for one, kept in ((low, (0, 0)), (high, (16, 16))):
        assert one.response[kept] == pytest.approx(1)
        assert one.response[16 - kept[0], 16 - kept[1]] == pytest.approx(0, abs=1e-12)


def test_filters_are_drawn_around_what_they_keep(rows):
    image = np.random.default_rng(0).random((3, 32, 32))
    figure = draw_filters(image, [applied(one, image) for one in rows])
    low, high = figure.axes[1], figure.axes[5]
    assert [label.get_text() for label in low.get_xticklabels()] == ["−16", "−8", "0", "8"]
    assert [label.get_text() for label in high.get_xticklabels()] == ["0", "8", "−16", "−8"]
    for axes in (low, high):
        points = np.concatenate(axes.collections[0].get_segments())
        assert (points.min(), points.max()) == (7.5, 24.5)  # k + 1: half of the edge is kept
    assert figure.axes[0].get_ylabel() == "LPF, k = 16"


def test_outline_follows_the_cells():
    inside = np.zeros((4, 4), bool)
    inside[1, 2] = True
    assert sorted(map(sorted, edges(inside))) == [
        [(1.5, 0.5), (1.5, 1.5)],
        [(1.5, 0.5), (2.5, 0.5)],
        [(1.5, 1.5), (2.5, 1.5)],
        [(2.5, 0.5), (2.5, 1.5)],
    ]


def test_image_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(UserError, match="holds 3 images, there is no image 3"):
        drawn(filters, tmp_path, "sar.fig1", [], image=3)
