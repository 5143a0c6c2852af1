"""The papers' numbers are read under our names."""

import pytest
from shipped import MODELS, PAPERS, ROOT

from passband.errors import UserError
from passband.printed import read_printed

TABLES = sorted((ROOT / "config/papers").glob("*/printed/table*.csv"))
SHOWN = {"table1": 1, "table2": 5, "table3": 7, "table4": 1, "table5": 6}


def names(path):
    return PAPERS.get(path.parts[-3], {}).get("printed", {})


@pytest.mark.parametrize("path", TABLES, ids=lambda path: "-".join(path.parts[-3::2]))
def test_numbers_keep_their_text(path):
    rows = read_printed(path, names(path))
    assert len(rows) and rows["value"].notna().all()
    printed = rows["printed"].str.replace(",", "").astype(float)
    assert (printed.where(rows["unit"] != "fraction", 100 * printed) == rows["value"]).all()


@pytest.mark.parametrize("table", SHOWN)
def test_printed_methods_have_our_names(table):
    path = ROOT / f"config/papers/fourier_study/printed/{table}.csv"
    methods = set(read_printed(path, names(path))["method"])
    recipes = MODELS["fourier_study"]["recipes"].values()
    assert methods <= {recipe["method"] for recipe in recipes}
    assert len(methods) == SHOWN[table]


def test_names_are_replaced(tmp_path):
    path = tmp_path / "table1.csv"
    path.write_text(
        "table,dataset,model,method,condition,metric,value\n"
        'Table 1,Tiny,R18,AT,bits=4;batch=64,params,"11,173,962"\n'
        "Table 1,SVHN,R18,AT,batch=32,clean,90.10\n"
    )
    rules = [
        {"method": "AT", "condition": "batch=64", "here": "AT (batch 64)"},
        {"method": "FAT", "here": "other"},
    ]
    rows = read_printed(
        path, {"datasets": {"Tiny": "Tiny ImageNet"}, "networks": {"R18": "A"}, "methods": rules}
    )
    assert rows["dataset"].tolist() == ["Tiny ImageNet", "SVHN"]
    assert set(rows["model"]) == {"A"}
    assert rows["method"].tolist() == ["AT (batch 64)", "AT"]
    assert rows["value"].tolist() == [11173962, 90.1]
    assert rows["printed"].tolist() == ["11,173,962", "90.10"]
    with pytest.raises(UserError, match="is missing"):
        read_printed(tmp_path / "none.csv", {})


def test_a_metric_may_depend_on_its_condition(tmp_path):
    path = tmp_path / "table2.csv"
    path.write_text(
        "table,dataset,model,method,condition,metric,value,unit\n"
        "Table 2,A,B,AT,rho=none,clean,0.5,fraction\n"
        "Table 2,A,B,AT,rho=none;eps=eps1,FGSM,0.25,fraction\n"
        "Table 2,A,B,AT,rho=none;eps=eps2,FGSM,12.5,percent\n"
    )
    rules = [
        {"metric": "FGSM", "condition": f"eps=eps{place}", "here": f"FGSM {epsilon}"}
        for place, epsilon in ((1, 0.03), (2, 0.06))
    ]
    rows = read_printed(path, {"metrics": rules})
    assert rows["metric"].tolist() == ["clean", "FGSM 0.03", "FGSM 0.06"]
    assert rows["value"].tolist() == [50, 25, 12.5]
    assert rows["printed"].tolist() == ["0.5", "0.25", "12.5"]
