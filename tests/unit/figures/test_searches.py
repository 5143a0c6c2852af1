"""Tables and curves of smallest perturbations, on invented ones."""

import numpy as np
import pytest
from invented_artifacts import MARK, artifact_of
from invented_searches import EPSILONS, searched
from scipy.stats import norm

from passband.errors import UserError
from passband.figures.load import probe_arrays
from passband.figures.search_table import search_table
from passband.figures.security_curves import (
    accuracy_over_epsilon,
    end_of,
    security_curves,
)
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.findings.flags import flags
from passband.findings.scores import NotMeasured, read_scores
from passband.intervals.accuracies import accuracy_interval


def table(folder, models, **changes):
    artifact = artifact_of(folder, "hfc.table2", models, **changes)
    return search_table(artifact, **artifact.options)


def cell_of(made, method: str, column: str):
    return made.cells.query("method == @method and column == @column").iloc[0]


def test_a_cell_is_the_share_of_images_with_a_larger_smallest_perturbation(smoothed, tmp_path):
    made = table(tmp_path, smoothed)
    columns = ["Clean", *(f"{name} {epsilon}" for name in ("FGSM", "PGD") for epsilon in EPSILONS)]
    assert list(made.cells["column"][:7]) == columns and len(made.cells) == 14
    smallest = probe_arrays(smoothed[0], "minimal-epsilon")["minimal_epsilon_min-pgd"]
    cell = cell_of(made, "natural", "PGD 0.06")
    expected = 100 * (smallest > 0.06).mean()
    assert 10 < expected < 80
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([expected], 400)
    assert cell_of(made, "natural", "Clean")["value"] == pytest.approx(80)


def test_the_papers_fractions_stand_beside_ours_in_percent(smoothed, tmp_path):
    made = table(tmp_path, smoothed)
    for method, column, printed in [
        ("natural", "Clean", 85.6),
        ("natural", "FGSM 0.03", 10.7),
        ("natural", "PGD 0.09", 0.2),
        ("natural (ρ=0.10)", "FGSM 0.06", 10.5),
    ]:
        cell = cell_of(made, method, column)
        assert cell["paper_value"] == pytest.approx(printed)
        assert cell["paper_printed"] == str(printed)
        assert cell["difference"] == pytest.approx(cell["value"] - printed)


def test_the_attack_of_this_epsilon_stands_beside_and_agrees(smoothed, tmp_path):
    made = table(tmp_path, smoothed)
    cell = cell_of(made, "natural", "FGSM 0.09")
    assert cell["beside"] == "fixed ε" and cell["beside_value"] == pytest.approx(cell["value"])
    assert cell_of(made, "natural", "Clean")["beside"] == ""
    html = to_html(made, MARK)
    shown = f"fixed ε on the same 400: {cell['value']:.1f}"
    assert shown in html and "FGSM 0.09" in to_latex(made, MARK)
    (note,) = [note for note in made.notes if note.startswith("Accuracy read from a search")]
    assert "+0.0 to +0.0 points, nowhere beyond noise" in note and "12 paired differences" in note
    (constants,) = [note for note in made.notes if note.startswith("fixed ε")]
    assert "PGD 0.06: pgd, ε = 0.06, step size 0.002, steps 40, start clean" in constants
    (attacks,) = [note for note in made.notes if note.startswith("Attacks.")]
    assert "FGSM 0.03, FGSM 0.06 and FGSM 0.09: fgsm search, largest 1, sizes 1000" in attacks


def test_a_search_that_disagrees_beyond_noise_is_named(tmp_path):
    models = [searched(tmp_path, gap=0.3), searched(tmp_path, "natural (ρ=0.10)")]
    made = table(tmp_path, models)
    (note,) = [note for note in made.notes if note.startswith("Accuracy read from a search")]
    # Images from 0.6 to 0.9 stand under a fixed ε; the search fools those up to 0.83 with PGD.
    stands = cell_of(made, "natural", "PGD 0.09")
    apart = stands["value"] - stands["beside_value"]
    assert apart == pytest.approx(-23, abs=0.3)
    assert f"natural under PGD 0.09 ({apart:.1f})" in note.replace("−", "-")
    assert "FGSM 0.06" not in note and "ρ" not in note


def test_an_attack_without_an_epsilon_cannot_stand_beside_a_search(smoothed, tmp_path):
    wrong = [{"name": "FGSM", "attack": "min-fgsm", "fixed": ["gn"]}]
    with pytest.raises(UserError, match=r"hfc\.table2: attack 'gn' has no epsilon at which .*min-"):
        table(tmp_path, smoothed, searches=wrong)


def test_an_epsilon_that_was_not_measured_is_named(smoothed, tmp_path):
    wrong = [{"name": "FGSM", "attack": "min-fgsm", "fixed": ["pgd-10-half"]}]
    with pytest.raises(UserError, match=r"did not measure attack 'min-fgsm' at epsilon 0\.5"):
        table(tmp_path, smoothed, searches=wrong)


def test_checks_of_the_table_flag_models(tmp_path):
    healthy = searched(tmp_path)
    asked = artifact_of(tmp_path, "hfc.table2", [healthy])
    row = {"models": [healthy["slug"]], "options": asked.options}
    assert flags([healthy], [row]) == {}
    check = {"check": "more_steps_help", "fewer": "pgd-40-3-100", "more": "fgsm-3-100"}
    found = flags([healthy], [row | {"options": asked.options | {"checks": [check]}}])
    assert "more steps help" in found[healthy["model"]][""]


def test_a_curve_is_the_accuracy_at_every_epsilon_with_its_interval():
    smallest = np.array([0, 0.1, 0.1, 0.2, 0.3, np.inf])
    epsilons = np.array([0, 0.05, 0.1, 0.15, 0.25, 0.3, 1.0])
    percent, low, high = accuracy_over_epsilon([smallest], epsilons)
    np.testing.assert_allclose(percent, 100 * np.array([5, 5, 3, 3, 2, 1, 1]) / 6)
    z = norm.ppf(0.975)
    for share, one, other in zip(percent / 100, low / 100, high / 100, strict=True):
        for end in (one, other):  # Wilson: |p - end| = z sqrt(end (1 - end) / n)
            assert abs(share - end) == pytest.approx(z * np.sqrt(end * (1 - end) / 6), abs=1e-9)


def test_the_axis_ends_where_one_image_in_a_hundred_is_left():
    assert end_of([np.arange(1000) / 2000]) == pytest.approx(0.495, abs=6e-4)
    assert end_of([np.arange(1000) / 2000, np.full(10, 0.7)]) == pytest.approx(0.7)
    assert end_of([np.append(np.zeros(9), np.inf)]) == 1


def test_curves_are_drawn_by_method_and_attack_with_points_of_fixed_epsilons(smoothed, tmp_path):
    artifact = artifact_of(tmp_path, "hfc.table2_curves", smoothed)
    figure = security_curves(artifact, **artifact.options)
    fgsm, pgd = figure.axes
    assert (fgsm.get_title(), pgd.get_title()) == ("FGSM", "PGD")
    labels = [line.get_label() for line in fgsm.lines if not line.get_label().startswith("_")]
    assert labels == ["Vanilla", "Vanilla, ρ = 0.10", "fixed ε"]
    assert len(fgsm.containers) == 2 * len(EPSILONS)
    curve = next(line for line in pgd.lines if line.get_label() == "Vanilla")
    x, y = curve.get_data()
    smallest = probe_arrays(smoothed[0], "minimal-epsilon")["minimal_epsilon_min-pgd"]
    assert x[0] == 0 and y[0] == pytest.approx(80) and (np.diff(y) <= 0).all()
    at = np.searchsorted(x, 0.05)
    assert y[at] == pytest.approx(100 * (smallest > x[at]).mean())
    marked = sorted(float(one.lines[0].get_xdata()[0]) for one in pgd.containers)
    assert marked == pytest.approx(sorted(2 * EPSILONS))


def test_a_figure_without_fixed_attacks_has_curves_only(smoothed, tmp_path):
    artifact = artifact_of(tmp_path, "hfc.table2_curves", smoothed[:1], fixed={})
    figure = security_curves(artifact, **artifact.options)
    assert not figure.axes[0].containers
    assert "fixed ε" not in {text.get_text() for text in figure.legends[0].get_texts()}


def test_scores_read_the_smallest_perturbations():
    row = {"score": "accuracy_at_epsilon", "probe": "minimal-epsilon", "search": "min-pgd"}
    clean = {"score": "accuracy_before_search", "probe": "minimal-epsilon"}
    scores = read_scores({"at": row | {"epsilon": 0.06}, "clean": clean})
    arrays = {
        "minimal_epsilon_min-pgd": np.float32([0, 0.03, 0.06, 0.0601, np.inf]),
        "correct_clean": np.array([0, 1, 1, 1, 1], np.uint8),
    }
    np.testing.assert_array_equal(scores["at"].values(arrays), [0, 0, 0, 100, 100])
    np.testing.assert_array_equal(scores["clean"].values(arrays), [0, 100, 100, 100, 100])
    assert scores["at"].attacked and not scores["clean"].attacked
    with pytest.raises(NotMeasured, match="the search min-pgd was not made"):
        scores["at"].values({})
