"""Tables of corruptions, on invented answers."""

import numpy as np
import pytest
from invented_artifacts import artifact_of
from invented_corruptions import ACCURACY, corrupted_model

from passband.figures.corruption_answers import recomputed_errors
from passband.figures.corruption_table import corruption_table
from passband.figures.load import in_order
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.figures.tables import BEST
from passband.intervals.estimates import mean_interval, relative_errors


def table(folder, models, **changes):
    artifact = artifact_of(folder, "jafr.table1", models, **changes)
    return corruption_table(artifact, **artifact.options)


def cells_of(made):
    return made.cells.set_index(["row", "column"])


def test_rows_are_in_the_order_of_the_measured_bias_with_the_papers_beside(corrupted, tmp_path):
    made = table(tmp_path, corrupted)
    rows = ["Clean", "mCE", "Saturate", "Fog", "Frost", "Gaussian noise"]
    assert in_order(made.cells["row"]) == rows
    assert in_order(made.cells["column"]) == ["Standard", "JaFR", "PGD AT", "log B_low"]
    places = [cells_of(made).loc[row, "paper_place"].max() for row in rows]
    assert places == [0, 0, 2, 1, 6, 19]
    assert '<span class="detail">paper: no. 2</span>' in to_html(made)
    bias = cells_of(made).loc["Fog", "log B_low"]
    assert (bias["value"], bias["paper_value"], bias["paper_printed"]) == (12.5, 12.85, "12.85")


def test_an_accuracy_is_the_mean_over_severities_beside_the_papers(corrupted, tmp_path):
    cell = cells_of(table(tmp_path, corrupted)).loc["Frost", "JaFR"]
    assert cell["value"] == pytest.approx(80)
    assert cell["ci_low"] < 80 < cell["ci_high"]
    assert (cell["paper_value"], cell["n_images"], cell["seeds"]) == (78.97, 400, 2)
    assert cell["right"] == 640


def test_the_mce_is_the_mean_ratio_of_errors(corrupted, tmp_path):
    cells = cells_of(table(tmp_path, corrupted))
    errors = {name: 100 - np.mean(values, axis=1) for name, values in ACCURACY.items()}
    for name, column in (("natural", "Standard"), ("JaFR", "JaFR"), ("PGD-AT", "PGD AT")):
        expected = 100 * (errors[name] / errors["natural"]).mean()
        assert cells.loc[("mCE", column), "value"] == pytest.approx(expected)
    assert cells.loc[("mCE", "Standard"), ["ci_low", "ci_high"]].tolist() == [100, 100]
    assert cells.loc[("mCE", "JaFR"), "ci_high"] < 100


def test_the_papers_mce_that_does_not_follow_is_marked(corrupted, tmp_path):
    made = table(tmp_path, corrupted)
    cells = cells_of(made)
    assert cells.loc[("mCE", "JaFR"), "paper_printed"] == "95.84"
    assert cells.loc[("mCE", "JaFR"), "paper_note"] == ""
    assert cells.loc[("mCE", "PGD AT"), "paper_note"] == "but its accuracies give 132.03"
    assert any("prints 135.71, but its accuracies give 132.03" in note for note in made.notes)


def test_the_papers_own_accuracies_give_three_of_its_five_errors(corrupted, tmp_path):
    artifact = artifact_of(tmp_path, "jafr.table1", corrupted)
    found = recomputed_errors(artifact.printed_table("table1"), "natural")
    expected = {
        "natural": 100, "JaFR": 95.84, "FGSM+JaFR(-)": 127.51, "FGSM-AT": 124.32,
        "FGSM+JaFR": 128.91, "PGD-AT": 132.03,
    }  # fmt: skip
    assert {name: round(value, 2) for name, value in found.items()} == expected


def test_the_best_of_a_row_is_certainly_above_the_next(corrupted, tmp_path):
    cells = cells_of(table(tmp_path, corrupted))
    best = cells[cells["rank"] == BEST].index.tolist()
    assert ("Gaussian noise", "PGD AT") in best
    assert ("Frost", "JaFR") in best
    assert not [row for row, _ in best if row in ("Clean", "Saturate", "mCE")]


def test_a_table_without_printed_numbers_and_with_few_images(tmp_path):
    models = [corrupted_model(tmp_path, method, n=20) for method in ("natural", "JaFR")]
    artifact = artifact_of(tmp_path, "jafr.table8", models)
    made = corruption_table(artifact, **artifact.options)
    assert "20 of 40" in to_html(made)  # the standard model under noise
    assert "paper" not in to_html(made)
    assert any("the right ones are counted" in note for note in made.notes)
    errors = made.cells[made.cells["metric"] == "mCE"]
    assert errors["value"].notna().all() and errors[["ci_low", "ci_high"]].isna().all(axis=None)


def test_notes_say_where_the_images_come_from_and_how_many(corrupted, tmp_path):
    notes = " ".join(table(tmp_path, corrupted).notes)
    assert "of 200 images, mean over the severities 1 and 5" in notes
    assert "mean over the 4 corruptions of the error" in notes
    assert "Fashion-MNIST sample: generated; Frost: generated with procedural frost." in notes


def test_without_an_error_of_the_reference_there_is_no_mce(tmp_path, monkeypatch):
    monkeypatch.setitem(ACCURACY, "natural", [[100, 100], [85, 65], [60, 40], [93, 85]])
    models = [corrupted_model(tmp_path, method) for method in ("natural", "JaFR")]
    made = table(tmp_path, models)
    assert "mCE" not in made.cells["row"].tolist()
    assert "There is no mCE: Standard makes no error" in " ".join(made.notes)


def test_latex_has_every_row(corrupted, tmp_path):
    text = to_latex(table(tmp_path, corrupted))
    assert all(title in text for title in ("Fog", "Frost", "Gaussian noise", "mCE"))


def test_relative_errors_have_the_interval_of_a_bootstrap():
    rng = np.random.default_rng(0)
    hard = rng.uniform(size=(1, 1, 600))
    errors, reference = (
        (hard + rng.normal(0, 0.2, (1, 4, 600)) > level).astype(float) for level in (0.6, 0.7)
    )
    found = mean_interval(relative_errors(errors, reference))
    ratios = errors.mean(2) / reference.mean(2)
    assert found.effect == pytest.approx(100 * ratios.mean())
    drawn = []
    for _ in range(2000):
        chosen = rng.integers(0, 600, 600)
        drawn.append(100 * (errors[..., chosen].mean(2) / reference[..., chosen].mean(2)).mean())
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert found.high - found.low == pytest.approx(high - low, rel=0.1)
    with pytest.raises(ValueError, match="without errors"):
        relative_errors(errors, 0 * reference)
