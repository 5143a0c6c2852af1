"""Cells of tables compared on the images that they share; counts; what training substitutes."""

import re

import numpy as np
import pytest
from invented_artifacts import artifact_of
from invented_defences import invented_defence

from passband.figures.accuracy_tables import robustness_table
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.files import read_arrays
from passband.intervals.estimates import mean_interval

SAMPLE = {"title": "Fashion-MNIST sample"}
ONE_STEP = {"training_attack": ["one step", "PGD-10"], "batch_size": [50, 128]}
CHANGES = ["training attack one step (paper: PGD-10)", "batch size 50 (paper: 128)"]


def table(folder, models):
    artifact = artifact_of(folder, "sar.table2", models)
    made = robustness_table(artifact, **artifact.options)
    return made.cells, to_html(made), to_latex(made)


def right(entry: dict, probe: str, name: str = "correct") -> np.ndarray:
    return read_arrays(entry["probes"][probe]["arrays"])[name].astype(float)


def test_fewer_images_stand_beside_the_strongest_attack_on_the_same_images(tmp_path):
    model = invented_defence(tmp_path, "PGD-AT", fewer=200, **SAMPLE)
    cells, html, latex = table(tmp_path, [model])
    by_column = cells.set_index("column")
    same = 100 * right(model, "pgd-20")[:200].mean()
    assert list(by_column["beside"]) == ["", "", "PGD-20", "PGD-20", "PGD-20"]
    assert by_column.loc["PGD-50", "beside_value"] == same
    assert by_column.loc["AA", "value"] <= same
    assert html.count(f'<span class="same">PGD-20 on the same 200: {same:.1f}</span>') == 3
    assert r"\scriptsize on the same images &  &  & \scriptsize PGD-20: " in latex
    assert "On the same images: the strongest of the attacks to the left" in html


def test_equal_numbers_of_images_need_no_second_line(tmp_path):
    cells, html, latex = table(tmp_path, [invented_defence(tmp_path, "SAR", fewer=2000, **SAMPLE)])
    assert (cells["beside"] == "").all()
    assert 'class="same"' not in html and "same images" not in html + latex


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_few_images_are_counted(tmp_path, seeds):
    models = [invented_defence(tmp_path, "SAR", seed=one, fewer=16, **SAMPLE) for one in seeds]
    cells, html, latex = table(tmp_path, models)
    standing = [right(model, "autoattack", "survived")[-1].sum() for model in models]
    last = cells[cells["column"] == "AA"].iloc[0]
    of = "16" if len(seeds) == 1 else "2 × 16"
    assert last["right"] == sum(standing)
    assert f'<span class="value">{last["right"]} of {of}</span>' in html
    there = round(sum(right(model, "pgd-20")[:16].sum() for model in models))
    assert f"PGD-20 on the same 16: {there} of {of}" in html
    (interval,) = re.findall(r'interval">([\d.]+–[\d.]+ %)', html)[-1:]
    assert f"{last['ci_low']:.1f}" in interval
    assert "Of fewer than 100 images, right answers are counted." in html
    assert rf"{last['right']} of" in latex


def test_bold_needs_an_interval_of_the_paired_difference_without_zero(tmp_path):
    models = [
        invented_defence(tmp_path, method, robust=robust, clean=80 + robust / 100, **SAMPLE)
        for method, robust in (("PGD-AT", 40), ("SAR", 55), ("SARWA", 55.5))
    ]
    cells, html, _ = table(tmp_path, models)
    here = cells[cells["column"] == "PGD-20"].sort_values("value", ascending=False)
    first, second = (
        right(next(one for one in models if one["method"] == method), "pgd-20")
        for method in here["method"][:2]
    )
    clear = mean_interval(first - second, span=(-1, 1)).low > 0
    assert (here["rank"].iloc[0] == "best") == clear
    far = [models[0], models[2]]
    cells, html, latex = table(tmp_path, far)
    ranks = cells[cells["column"] == "PGD-20"].set_index("method")["rank"]
    assert dict(ranks) == {"PGD-AT": "", "SARWA": "best"}
    assert "interval of its difference to the next best" in html and r"\textbf{" in latex


def test_no_second_best_without_a_best(tmp_path):
    models = [
        invented_defence(tmp_path, method, robust=robust, **SAMPLE)
        for method, robust in (("PGD-AT", 20), ("SAR", 55), ("SARWA", 55))
    ]
    cells, html, _ = table(tmp_path, models)
    close = cells[cells["column"] == "PGD-50"]
    assert (close["rank"] == "").all() or "best" in set(close["rank"])
    assert "Underlined: second best, by the same rule." in html


def test_rows_say_what_was_trained_in_the_place_of_the_papers(tmp_path):
    plain = invented_defence(tmp_path, "PGD-AT", **SAMPLE)
    other = invented_defence(tmp_path, "SAR", **SAMPLE)
    other |= {"trained_with": ONE_STEP, "substitutions": CHANGES}
    cells, html, latex = table(tmp_path, [plain, other])
    assert list(cells.drop_duplicates("row")["training_attack"]) == [
        "",
        "one step (paper: PGD-10)",
    ]
    assert '>SAR <span class="detail">one step (paper: PGD-10)</span></th>' in html
    assert r"SAR {\scriptsize one step (paper: PGD-10)}" in latex
    assert f"<li>Substitutions in training. SAR: {', '.join(CHANGES)}.</li>" in html


def test_substitutions_of_all_rows_are_said_once(tmp_path):
    changed = {"trained_with": ONE_STEP, "substitutions": CHANGES}
    models = [invented_defence(tmp_path, name, **SAMPLE) | changed for name in ("PGD-AT", "SAR")]
    assert (
        f"<li>Substitutions in training: {', '.join(CHANGES)}.</li>" in table(tmp_path, models)[1]
    )
