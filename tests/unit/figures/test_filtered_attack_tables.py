"""Tables of accuracy under six attacks by filter, batch size, augmentation, network and bits."""

import re

import pytest
from invented_artifacts import MARK, artifact_of
from invented_networks import (
    ACCURACY,
    ATTACKS,
    METHODS,
    NETWORKS,
    TITLES,
    Invented,
    attacked_models,
)
from test_printed_cells import BASELINES

from passband.errors import UserError
from passband.figures.accuracy_tables import robustness_table
from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.files import read_arrays, read_csv, read_metadata
from passband.intervals.accuracies import accuracy_interval
from passband.measurements import write_measurement

COLUMNS = ["Natural", "GN", "FGSM", "PGD-20", "BIM-20", "TPGD-20", "CW-20"]
ROWS = {1: 5, 2: 5, 3: 7, 4: 4, 5: 6}


def table(folder, models, number):
    """The cells of a table, and its HTML and LaTeX as the notebook writes them."""
    artifact = artifact_of(folder, f"fourier_study.table{number}", models)
    made = robustness_table(artifact, **artifact.options)
    return made.cells, to_html(made, MARK), to_latex(made, MARK)


def test_rows_are_called_as_in_the_paper(by_table, tmp_path):
    rows = {
        number: table(tmp_path, by_table[number], number)[0]["row"].unique().tolist()
        for number in (2, 3, 5)
    }
    assert rows[2] == ["512", "256", "128", "64", "32"]
    assert rows[3] == [
        *("none", "A-mixup", "C-mixup", "A-cutout", "C-cutout", "A-cutmix", "C-cutmix")
    ]
    assert rows[5] == ["QM-32", "QM-32+FAT", "QM-4", "QM-4+FAT", "QM-2", "QM-2+FAT"]


def test_batches_of_other_sizes_than_the_papers_say_so(tmp_path):
    sizes = dict(zip(METHODS[2], (512, 64, 64, 16, 8), strict=True))
    entries = [
        Invented(tmp_path, method, batch_size=size).attacked().entry()
        for method, size in sizes.items()
    ]
    rows = table(tmp_path, entries, 2)[0]["row"].unique().tolist()
    assert rows == ["512", "64 (paper: 256)", "64 (paper: 128)", "16 (paper: 64)", "8 (paper: 32)"]


@pytest.mark.parametrize("number", METHODS)
def test_tables_have_every_cell_of_the_paper(by_table, number, tmp_path):
    cells, html, latex = table(tmp_path, by_table[number], number)
    assert len(cells) == 7 * ROWS[number]
    assert list(dict.fromkeys(cells["column"])) == COLUMNS
    assert cells["paper_value"].notna().all()
    difference = cells["value"] - cells["paper_value"]
    assert cells["difference"].to_numpy() == pytest.approx(difference.to_numpy())
    assert cells["paper_value"].nunique() > ROWS[number]
    assert html.count('scope="row"') == len(cells) / 7
    assert html.count('<span class="n">n = 400</span>') == 7
    fields = {line.count("&") for line in latex.splitlines() if "&" in line}
    assert fields == {8}
    assert "nan" not in html + latex and "<NA>" not in html + latex


@pytest.mark.parametrize("number", METHODS)
def test_baseline_carries_a_dagger_and_a_note_on_the_other_tables(by_table, number, tmp_path):
    _, html, latex = table(tmp_path, by_table[number], number)
    assert html.count("†</abbr>") == 7
    (note,) = re.findall("<li>† (.*)</li>", html)
    for other, (clean, attacked) in BASELINES.items():
        assert (clean in note) == (attacked in note) == (clean != BASELINES[number][0]), other
    assert ("in Tables 1, 4 and 5" in note) == (number in (2, 3))
    assert ("in Table 2" in note) == (number != 2) and ("in Table 3" in note) == (number != 3)
    assert latex.count(r"$^{\dagger}$") == 8


def test_filters_are_rows_of_one_model(by_table, tmp_path):
    cells, html, latex = table(tmp_path, by_table[1], 1)
    rows = list(dict.fromkeys(cells["row"]))
    assert rows == ["k = 32 (no filter)", "k = 28", "k = 24", "k = 20", "k = 16"]
    cell = cells.query("row == 'k = 20' and column == 'PGD-20'").iloc[0]
    assert cell["value"] == 44.5 and cell["paper_value"] == 44.99 and cell["fraction"] == 0.625
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([44.5], 400)
    assert 'class="best"' not in html and r"\textbf" not in latex and "Bold" not in html
    assert ">Low-pass filter</th>" in html and 'rowspan="5"' in html


def test_other_image_sizes_meet_the_paper_by_the_share_of_the_side(tmp_path):
    cells, _, _ = table(tmp_path, attacked_models(tmp_path, 1, side=28), 1)
    natural = cells[cells["column"] == "Natural"]
    assert natural["bandwidth"].tolist() == [28, 24, 20, 18, 14]
    assert natural["paper_value"].tolist() == [76.67, 76.60, 76.28, 75.70, 74.18]


def test_rows_without_a_filter_only(by_table, tmp_path):
    cells, html, _ = table(tmp_path, by_table[5], 5)
    assert set(cells["bandwidth"]) == {32}
    values = cells.query("row == 'QM-2+FAT'").set_index("column")["value"]
    expected = ACCURACY + 2.5
    for column in COLUMNS:
        attack = "none" if column == "Natural" else column.lower()
        assert values[column] == expected[["none", *ATTACKS].index(attack)]
    assert 'class="best"' not in html and "No value here is." in html  # 2 of 400 images apart
    assert ">Quantisation</th>" in html
    assert 'scope="rowgroup" rowspan="6">Fashion-MNIST sample' in html
    assert '<span class="detail">ResNet-8 (hardtanh)</span>' in html
    assert '<span class="nowrap">ResNet-20 (hardtanh)</span>' in html


def test_networks_are_rows_with_their_parameters(by_table, tmp_path):
    cells, html, latex = table(tmp_path, by_table[4], 4)
    counts = {TITLES[name]: count for name, count, _ in NETWORKS.values()}
    assert cells.groupby("row", sort=False)["parameters"].first().to_dict() == counts
    assert '<span class="detail">45,210 parameters</span>' in html
    assert '<span class="detail">paper: MobileNet-V2</span>' in html
    assert html.count('scope="rowgroup"') == 1 and ">Network</th>" in html
    assert r"{\scriptsize 45,210 parameters}" in latex
    efficient = cells.query("row == 'EfficientNet (tiny)' and column == 'CW-20'").iloc[0]
    assert efficient["paper_value"] == 46.39


def test_paper_networks_need_no_counterpart(tmp_path):
    entries = [
        Invented(tmp_path, network=name, architecture=name).attacked().entry() for name in NETWORKS
    ]
    assert "paper: MobileNet-V2" not in table(tmp_path, entries, 4)[1]


def test_seeds_are_averaged(tmp_path):
    cells, html, _ = table(tmp_path, attacked_models(tmp_path, 2, seeds=(0, 1)), 2)
    cell = cells.query("row == '128' and column == 'FGSM'").iloc[0]
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([50, 51], 400)
    assert set(cells["seeds"]) == {2} and "means over 2 training runs" in html


def test_row_where_iterating_does_not_help_the_attacker_is_flagged(tmp_path):
    entries = attacked_models(tmp_path, 3)
    entries[2] = Invented(tmp_path, "PGD-7-AT+C-mixup").attacked(broken=True).entry()
    cells, html, latex = table(tmp_path, entries, 3)
    assert set(cells.loc[cells["masking"] != "", "row"]) == {"C-mixup"}
    (note,) = re.findall("<li>‡ (.*)</li>", html.replace("&nbsp;", " "))
    assert note.startswith("C-mixup: robustness may be false. More steps help the defender: ")
    for iterated in ("PGD-20", "BIM-20"):
        assert f"43.0 % are right under {iterated} and 20.0 % under FGSM" in note
    assert "all pass" not in html and r"C-mixup$^{\ddagger}$" in latex


def test_only_the_unfiltered_row_of_a_model_is_flagged(tmp_path):
    cells, _, _ = table(tmp_path, [Invented(tmp_path).attacked(broken=True).entry()], 1)
    flagged = cells[cells["masking"] != ""]
    assert set(flagged["row"]) == {"k = 32 (no filter)"}


def test_attack_that_was_not_measured_is_explained(tmp_path):
    entry = Invented(tmp_path).attacked().entry()
    files = entry["probes"]["filtered-attacks"]
    rows = [row for row in read_csv(files["csv"]) if "attack=cw-20" not in row["condition"]]
    arrays, told = read_arrays(files["arrays"]), read_metadata(files["arrays"])
    write_measurement(files["csv"], files["arrays"], rows, arrays, told)
    with pytest.raises(UserError, match=r"did not measure attack 'cw-20'.*column 'CW-20'"):
        table(tmp_path, [entry], 1)
