"""Tables of defences: cells, notes, and gradient-masking checks, on invented numbers."""

import re
from pathlib import Path

import pandas as pd
import pytest
from invented_artifacts import MARK, artifact_of, attacked
from invented_defences import ALL_METHODS, TITLES, invented_defence

from passband.figures.accuracy_tables import robustness_table
from passband.figures.table_files import write_table
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.intervals.accuracies import accuracy_interval

SAMPLE = {"title": "Fashion-MNIST sample"}
THREE = ("PGD-AT", "SAR", "SARWA")


def table(folder, models, number, **changes):
    """The cells of a table, and its HTML and LaTeX as the notebook writes them."""
    artifact = artifact_of(folder, f"sar.table{number}", models, **changes)
    made = robustness_table(artifact, **artifact.options)
    return made.cells, to_html(made, MARK), to_latex(made, MARK)


def test_cells_hold_our_value_its_images_and_the_papers(twelve, tmp_path):
    cells, _, _ = table(tmp_path, twelve, 4)
    assert len(cells) == 60
    assert list(cells["column"][:5]) == ["Clean", "PGD-20", "PGD-50", "C&W", "AA"]
    assert list(cells["method"].unique()) == ALL_METHODS
    assert set(cells.loc[cells["column"].isin(["Clean", "PGD-20"]), "n_images"]) == {2000}
    assert set(cells.loc[~cells["column"].isin(["Clean", "PGD-20"]), "n_images"]) == {500}
    cell = cells.query("method == 'MART+SAR' and column == 'AA'").iloc[0]
    entry = next(entry for entry in twelve if entry["method"] == "MART+SAR")
    last = Path(entry["probes"]["autoattack"]["csv"]).read_text().splitlines()[-1].split(",")
    value = float(last[8])
    assert last[6] == attacked("apgd-ce+apgd-t+fab-t+square")
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([value], 500)
    assert cell["paper_value"] == 49.22
    assert cell["difference"] == pytest.approx(value - 49.22)
    assert (cells["masking"] == "").all()


def test_html_states_images_marks_ranks_and_daggers(twelve, tmp_path):
    cells, html, _ = table(tmp_path, twelve, 4)
    assert html.count('<span class="n">n = 2,000</span>') == 2
    assert html.count('<span class="n">n = 500</span>') == 3
    for _, group in cells.groupby("column"):
        ranked = group[group["rank"] != ""].sort_values("value", ascending=False)
        assert list(ranked["rank"]) == ["best", "runner-up"][: len(ranked)]
        assert list(ranked["value"]) == sorted(group["value"])[::-1][: len(ranked)]
        for cell in ranked.itertuples():
            row = re.search(rf'<th scope="row">{re.escape(cell.row)}</th>.*', html)[0]
            place = list(cells["column"][:5]).index(cell.column)
            assert row.split("<td")[1 + place].startswith(f' class="{cell.rank}"')
    assert html.count("†</abbr>") == 1
    assert "prints 56.82, above PGD-20 (56.81)" in html
    assert "Gradient-masking checks: all pass." in html
    assert "‡" not in html and "nan" not in html
    assert html.count("<li>") == html.count("</li>")


def test_flagged_method_is_explained(tmp_path):
    signs = ("steps", "square", "missed", "half", "gradient")
    models = [
        invented_defence(tmp_path, method, broken=signs if method == "SAR" else (), **SAMPLE)
        for method in THREE
    ]
    cells, html, latex = table(tmp_path, models, 2)
    flagged = cells[cells["masking"] != ""]
    assert set(flagged["method"]) == {"SAR"}
    assert flagged["masking"].iloc[0].count("; ") == 4
    assert '<th scope="row">SAR <span class="flag">‡</span></th>' in html
    (note,) = re.findall("<li>‡ (.*)</li>", html)
    assert note.startswith("SAR: robustness may be false. More steps help the defender: ")
    for words in ("A black box", "AutoAttack misses", "The attack fails", "Gradients vanish"):
        assert words in note
    assert "all pass" not in html
    assert r"SAR$^{\ddagger}$" in latex


def test_networks_head_their_rows_where_the_paper_counts_parameters(tmp_path):
    counts = {"resnet152": 58156618, "wrn_34_15": 103819674}
    models = [
        invented_defence(
            tmp_path, method, architecture=name, paper_architecture=name, parameters=count
        )
        for name, count in counts.items()
        for method in THREE
    ]
    cells, html, latex = table(tmp_path, models, 5)
    assert cells.groupby("network")["parameters"].first().to_dict() == {
        "ResNet-152": 58156618,
        "WRN-34-15": 103819674,
    }
    assert (cells["parameters"] == cells["paper_parameters"]).all()
    assert html.count('scope="rowgroup"') == 2
    assert html.count(">Network</th>") == 1
    assert '>ResNet-152 <span class="detail">58,156,618 parameters</span>' in html
    assert "WRN-34-15 & PGD-AT" in latex and "103,819,674 parameters & " in latex


def test_seeds_data_sets_and_counts_that_differ(tmp_path):
    models = [
        invented_defence(
            tmp_path,
            method,
            seed=seed,
            paper_dataset=dataset,
            robust=50 + seed,
            fewer=300 if dataset == "tiny-imagenet" and method == "SAR" else 500,
        )
        for dataset in TITLES
        for method in THREE
        for seed in (0, 1)
    ]
    cells, html, latex = table(tmp_path, models, 2)
    assert len(cells) == 45 and set(cells["seeds"]) == {2}
    assert html.count('scope="rowgroup"') == 3
    assert html.count(">Method</th>") == 2  # again where the numbers of images change
    tiny = html.rpartition(">Method</th>")[2]
    assert tiny.count('<span class="n">n = 300</span>') == 3
    assert "means over 2 training runs" in html
    assert html.count("†</abbr>") == 2
    assert "Table VI prints 23.56" in html and "Table VII prints 21.35" in html
    assert {line.count("&") for line in latex.replace(r"\&", "").splitlines() if "&" in line} == {6}


def test_method_that_the_paper_does_not_have(tmp_path):
    models = [invented_defence(tmp_path, method, **SAMPLE) for method in ("PGD-AT", "SAR (L2)")]
    cells, html, latex = table(tmp_path, models, 2)
    assert cells[cells["method"] == "SAR (L2)"]["paper_value"].isna().all()
    assert "nan" not in html + latex and "<NA>" not in html + latex
    assert 'class="runner-up"' not in html  # of two rows


def test_notes_state_every_constant_of_every_attack(twelve, tmp_path):
    _, html, latex = table(tmp_path, twelve, 4)
    (note,) = re.findall("<li>(Attacks. .*)</li>", html)
    parts = note.replace("&amp;", "&").removeprefix("Attacks. ").split("; ")
    attacks = dict(part.split(": ", 1) for part in parts)
    assert list(attacks) == ["PGD-20", "PGD-50", "C&W", "AA"]
    for words in ("ε = 8/255", "step size 2/255", "steps 20", "start uniform", "restarts 1"):
        assert words in attacks["PGD-20"]
    assert "steps 50" in attacks["PGD-50"] and "loss margin" in attacks["C&W"]
    assert attacks["AA"].startswith("apgd-ce (apgd, loss cross entropy, ε = 8/255, steps 100")
    assert "), then square (square, ε = 8/255, queries 5000, initial share 0.8" in attacks["AA"]
    assert r"$\varepsilon$ = 8/255" in latex


def test_changed_constant_shows_in_the_notes(twelve, tmp_path):
    artifact = artifact_of(tmp_path, "sar.table4", twelve)
    artifact.attacks["pgd-20"]["epsilon"] = 0.03
    html = to_html(robustness_table(artifact, **artifact.options))
    assert "PGD-20: pgd, ε = 0.03, step size" in html


def test_columns_have_units_and_formats(twelve, tmp_path):
    columns = [
        {"name": "Clean", "measured": "pgd-20", "attack": "none", "printed": "clean"},
        {
            "name": "No gradient", "measured": "stronger-attacks", "metric": "zero_gradient_share",
            "unit": "ratio", "format": ".3f",
        },
    ]  # fmt: skip
    artifact = artifact_of(tmp_path, "sar.table4", twelve, columns=columns, checks=None)
    made = robustness_table(artifact, **artifact.options)
    html, latex = to_html(made), to_latex(made)
    assert '>No gradient <span class="n">ratio</span> <span class="n">n = 500</span></th>' in html
    assert '<td><span class="value">0.000</span></td>' in html and "nan" not in html + latex
    assert r"\scriptsize ratio n = 500" in latex and "& 0.000" in latex
    outputs = {ending: tmp_path / f"out.{ending}" for ending in ("csv", "html", "tex")}
    write_table(made, outputs)
    units = pd.read_csv(outputs["csv"]).groupby("column")["unit"].unique()
    assert units["Clean"] == ["percent"] and units["No gradient"] == ["ratio"]
