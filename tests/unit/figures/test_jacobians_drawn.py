"""What the figures and the table of Jacobians show."""

import base64
import io
import re

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from invented_artifacts import artifact_of
from invented_jacobians import BIASES, differentiated
from matplotlib.text import Text
from PIL import Image

from passband.errors import UserError
from passband.figures.algorithm import algorithm, draw_algorithm, lines_of
from passband.figures.coefficient_curves import coefficient_curves
from passband.figures.jacobian_schematic import (
    BIAS_SYMBOL,
    CLASSIFICATION,
    FREQUENCY,
    jacobian_schematic,
)
from passband.figures.jacobian_spectra import jacobian_spectra
from passband.figures.jacobian_table import jacobian_table
from passband.figures.load import probe_arrays
from passband.figures.save import save_figure
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.intervals.estimates import mean_interval


def words(figure) -> list[str]:
    return [one.get_text() for one in figure.findobj(Text) if one.get_text().strip()]


def test_spectra_have_low_frequencies_at_the_top_left(tmp_path, regularised):
    artifact = artifact_of(tmp_path, "jafr.fig1", regularised[:1])
    figure = jacobian_spectra(artifact, **artifact.options)
    images, jacobians = [axes for axes in figure.axes if axes.images]
    assert images.get_ylim() == (16.5, -0.5) and images.get_xlim() == (-0.5, 16.5)
    drawn = images.images[0].get_array()
    assert drawn[0, 0] == drawn.max() and drawn[-1, -1] == drawn.min()
    assert jacobians.get_xlabel().startswith(r"log $\mathrm{B_{low}}$ 1.50 [")
    assert any("log 34 = 3.53" in text for text in words(figure))


def test_table_has_pictures_and_numbers(tmp_path, regularised):
    artifact = artifact_of(tmp_path, "jafr.table2", regularised)
    table = jacobian_table(artifact, **artifact.options)
    cells = table.cells.set_index(["row", "column"])
    one = cells.loc[("JaFR", "log B_low")]
    assert one["value"] == pytest.approx(BIASES[0.001], abs=1e-4)
    assert (one["paper_value"], one["paper_printed"]) == (16.71, "16.71")
    assert one["difference"] == pytest.approx(one["value"] - 16.71)
    bias = probe_arrays(regularised[1], "jacobian-spectrum")["bias"].astype(float)
    interval = mean_interval(bias)
    assert (one["ci_low"], one["ci_high"]) == pytest.approx((interval.low, interval.high))
    assert cells.loc[("Images", "log B_low"), "value"] == pytest.approx(17, abs=1)
    assert np.isnan(cells.loc[("Images", "log B_low"), "paper_value"])
    assert ("Images", "alignment") not in cells.index
    for row in ("JaFR", "Images"):
        file = io.BytesIO(base64.b64decode(cells.loc[(row, "J"), "picture"]))
        assert Image.open(file, formats=["PNG"]).size == (4 * 32, 32)
    page, latex = to_html(table), to_latex(table)
    assert page.count("<img ") == 2 * 4 and 'alt="J: JaFR"' in page
    assert r"mean" not in latex.partition(r"\bottomrule")[0] and "16.7" in latex


def test_two_seeds_are_one_row(tmp_path):
    models = [differentiated(tmp_path, "natural", seed=seed) for seed in (0, 1)]
    artifact = artifact_of(tmp_path, "jafr.table2", models)
    cells = jacobian_table(artifact, **artifact.options).cells.set_index(["row", "column"])
    one = cells.loc[("Standard", "log B_low")]
    assert (one["value"], one["seeds"]) == (pytest.approx(2.0, abs=1e-4), 2)


def test_the_bias_of_a_picture_is_drawn_against_its_weight(tmp_path, regularised):
    artifact = artifact_of(tmp_path, "jafr.sec4_lambda", regularised)
    figure = coefficient_curves(artifact, **artifact.options)
    bias, clean, corrupted = figure.axes
    (line,) = bias.lines
    np.testing.assert_allclose(line.get_ydata(), [BIASES[one] for one in (0, 0.001, 0.01)], 1e-4)
    assert [label.get_text() for label in bias.get_xticklabels()] == ["0", "0.001", "0.01"]
    np.testing.assert_allclose(clean.lines[0].get_ydata(), [90, 90, 87.5])
    np.testing.assert_allclose(corrupted.lines[0].get_ydata(), [45, 45, 43.75])


def test_the_schematic_names_what_is_computed():
    figure = jacobian_schematic(None)
    said = words(figure)
    for text in (
        "image x",
        "Jacobian J",
        "|DFT|",
        BIAS_SYMBOL,
        f"{CLASSIFICATION} + λ · {FREQUENCY}",
    ):
        assert text in said


def test_the_font_of_an_svg_has_the_letters_of_formulas(tmp_path):
    save_figure(jacobian_schematic(None), {"svg": tmp_path / "drawn.svg"})
    text = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    font = TTFont(io.BytesIO(base64.b64decode(re.search(r"font/woff;base64,([^)]*)", text)[1])))
    assert {ord(letter) for letter in "LB=+−(y)λ"} <= set(font.getBestCmap())


RECIPE = {
    "epochs": 30, "batch_size": 128, "schedule": {"kind": "steps", "milestones": [3]},
    "augmentation": {"pad": 4, "flip": True}, "optimizer": {"kind": "sgd", "momentum": 0.9},
    "parts": {
        "spectral_alignment": {"coefficient": 0.1},
        "adversary": {"attack": {"name": "pgd-10", "steps": 10}},
    },
}  # fmt: skip


def test_lines_of_an_algorithm_are_in_the_order_of_the_step():
    done = [text for _, text, remark in lines_of(RECIPE, "SAR") if not remark]
    attack, loss, penalty, update = (
        next(place for place, text in enumerate(done) if wanted in text)
        for wanted in ("dversar", "loss ← mean", "loss ← loss", "Update")
    )
    assert attack < loss < penalty < update
    assert "from the learning-rate drop on" in done[penalty]
    remarks = [text for _, text, remark in lines_of(RECIPE, "SAR") if remark]
    assert "spectral_alignment: coefficient 0.1" in remarks
    assert "adversary: attack pgd-10" in remarks


def test_long_lines_are_broken_and_numbered_once():
    figure = draw_algorithm([(0, "word " * 40, False), (1, "remark", True), (0, "last", False)])
    said = words(figure)
    assert [text for text in said if text.isdigit()] == ["1", "2"]


def test_a_model_without_a_recipe_has_no_algorithm(tmp_path, regularised):
    artifact = artifact_of(tmp_path, "jafr.alg1", [regularised[0] | {"recipe": {}}])
    with pytest.raises(UserError, match="the model 'natural' has no recipe to typeset"):
        algorithm(artifact)
