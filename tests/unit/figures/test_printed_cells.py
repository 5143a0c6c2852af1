"""The papers' printed numbers as the tables meet them."""

import pandas as pd
import pytest
from invented_artifacts import artifact_of
from invented_networks import METHODS, NETWORKS, TITLES

from passband.figures.printed_cells import printed_cells

BASELINES = {  # clean accuracies and those under PGD-20 that are printed of one network
    **dict.fromkeys((1, 4, 5), ("76.67", "43.12")),
    2: ("75.02", "42.89"),
    3: ("74.91", "42.13"),
}


def printed(folder, paper: str, number: int) -> pd.DataFrame:
    artifact = artifact_of(folder, f"{paper}.table{number}", [])
    columns = artifact.options["columns"]
    metric = {column["name"]: column.get("printed", column["name"]) for column in columns}
    weaker = {
        metric[one["name"]]: {metric[name]: name for name in one.get("weaker", [])}
        for one in columns
    }
    name = f"table{number}"
    others = artifact.other_printed_tables(name)
    return printed_cells(artifact.printed_table(name), others, "lpf", weaker)


def test_bandwidths_compare_by_the_fraction_of_the_side(tmp_path):
    paper = printed(tmp_path, "sar", 1)
    assert len(paper) == 81
    values = paper.set_index(["paper_dataset_title", "method", "fraction", "metric"])["paper_value"]
    assert values["CIFAR-10", "natural", 0.5, "clean"] == 46.71
    assert values["Tiny ImageNet", "natural", 0.5, "clean"] == 18.42
    assert values["CIFAR-10", "PGD-AT", 1.0, "PGD-20"] == 51.69


def test_cells_that_contradict_others_are_noted(tmp_path):
    cells = pd.concat([printed(tmp_path, "sar", n).assign(table=n) for n in range(2, 8)])
    assert len(cells) == 45 + 30 + 60 + 30 + 60 + 60
    found = cells[cells["paper_note"] != ""]
    names = found[["table", "method", "metric"]].apply(tuple, axis=1)
    assert dict(zip(names, found["paper_note"], strict=True)) == {
        (2, "PGD-AT", "AA"): "Table VI prints 23.56",
        (2, "SAR", "C&W"): "Table VII prints 21.35",
        (4, "AWP+SARWA", "PGD-50"): "above PGD-20 (56.81), which should be easier",
        (6, "PGD-AT", "AA"): "Table II prints 23.77",
        (7, "SAR", "C&W"): "Table II prints 21.58",
    }


def test_parameters_are_counted_where_they_are_printed(tmp_path):
    counts = printed(tmp_path, "sar", 5).groupby("paper_model")["paper_parameters"].first()
    assert counts.to_dict() == {"ResNet-152": 58156618, "WRN-34-15": 103819674}
    assert printed(tmp_path, "sar", 3)["paper_parameters"].isna().all()


@pytest.mark.parametrize("number", METHODS)
def test_every_printed_row_meets_one_of_our_models(number, tmp_path):
    paper = printed(tmp_path, "fourier_study", number)
    rows = paper.drop_duplicates(["paper_model", "method", "fraction"])
    assert len(paper) == 7 * len(rows)
    assert rows["method"].tolist() == (METHODS[1] * 5 if number == 1 else METHODS[number])
    shares = [1, 28 / 32, 24 / 32, 20 / 32, 16 / 32] if number == 1 else [1] * len(rows)
    assert rows["fraction"].tolist() == shares
    titles = [TITLES[name] for name in NETWORKS]
    expected = titles if number == 4 else [titles[0]] * len(rows)
    assert rows["paper_model"].tolist() == expected


@pytest.mark.parametrize("number", BASELINES)
def test_network_with_three_printed_values_is_noted(number, tmp_path):
    paper = printed(tmp_path, "fourier_study", number)
    clean = paper[paper["metric"] == "clean"]
    noted = clean[clean["paper_note"] != ""]
    assert len(noted) == 1 and noted.iloc[0]["paper_printed"] == BASELINES[number][0]
    others = {
        f"Table {other}": value
        for other, (value, _) in sorted(BASELINES.items())
        if value != BASELINES[number][0]
    }
    assert noted.iloc[0]["paper_elsewhere"] == others
    assert (paper["paper_note"] != "").sum() == 7
