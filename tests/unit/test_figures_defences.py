"""Tables of defences, their sentinels, the ablations and the schematic, on invented numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from invented_defences import ALL_METHODS, TITLES, invented_defence
from notebook_inputs import MARK, REFERENCE, TEMPLATES, notebook_parameters
from passband.figures.intervals import accuracy_interval, over_seeds
from passband.figures.reference import architecture_title, read_robustness_reference
from passband.figures.robustness import robustness_cells, robustness_layout, robustness_notes
from passband.figures.sentinels import (
    PerImage,
    beaten_alone,
    broken_sentinels,
    has_no_gradient,
    left_standing,
    more_steps_help,
    survives_anything,
)
from scipy.stats import binom, norm

from passband.figures.ablations import coefficient_figure, distance_figure
from passband.figures.load import read_histories, read_measurements
from passband.figures.render import render
from passband.figures.save import save_figure
from passband.figures.schematic import overview
from passband.figures.tables import to_html, to_latex

SAMPLE = {"title": "Fashion-MNIST sample"}
THREE = ("PGD-AT", "SAR", "SARWA")


def bits(ones: int, n: int) -> np.ndarray:
    return (np.arange(n) < ones).astype(np.uint8)


def wilson_low(k: int, n: int) -> float:
    """The lower root of (p - k/n)^2 = z^2 p (1 - p) / n."""
    z = norm.ppf(0.975)
    return min(np.roots([1 + z * z / n, -2 * k / n - z * z / n, (k / n) ** 2]).real)


def healthy(n: int = 400, **changes) -> PerImage:
    """Half of the images stand everything; the changes replace single attacks."""
    half, none = bits(n // 2, n), bits(0, n)
    right = {"pgd-20": half, "pgd-50": half, "cw-30": half, "pgd-10-half": none}
    standing = dict.fromkeys(("none", "apgd-ce", "apgd-t", "fab-t", "square"), half)
    return PerImage(
        right={name: changes.get(name, array) for name, array in right.items()},
        zero_gradient=changes.get("zero", none),
        standing={name: changes.get(name, array) for name, array in standing.items()},
    )


def reference(table: int) -> pd.DataFrame:
    return read_robustness_reference(REFERENCE / f"sar_table{table}.csv")


def table(models, number):
    """The cells of a table, and its HTML and LaTeX as the notebook writes them."""
    cells = robustness_cells(models, reference(number))
    arguments = cells, MARK, robustness_layout(cells), robustness_notes(cells)
    return cells, to_html(*arguments), to_latex(*arguments)


# ---- sentinels


def test_sentinels_are_silent_about_a_sound_defence():
    assert broken_sentinels([healthy()]) == []


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (6, 0), (9, 2), (10, 2), (30, 30), (0, 9)])
def test_more_steps_help_by_the_sign_test(gained, lost):
    more, fewer = bits(gained, 100), bits(lost, 100)[::-1]
    tail = binom.sf(gained - 1, gained + lost, 0.5)
    assert bool(more_steps_help(fewer, more)) == (tail < 0.025)


def test_more_steps_help_states_both_accuracies():
    reason = more_steps_help(bits(40, 100), bits(50, 100))
    assert "50.0 % are right under PGD-50 and 40.0 % under PGD-20" in reason
    assert f"p = {2 * 0.5**10:.2g}" in reason


@pytest.mark.parametrize("n", [100, 500, 10_000])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 9, 29, 30, 31])
def test_few_images_may_fall_to_square_or_stand_by_chance(k, n):
    expected = wilson_low(k, n) > 0.002
    before, after = bits(90, n), bits(90, n) - bits(k, n)
    assert bool(beaten_alone(before, after)) == expected
    assert bool(left_standing(before, after, before)) == expected
    assert bool(left_standing(before, before, after)) == expected


@pytest.mark.parametrize("n", [100, 500, 10_000])
@pytest.mark.parametrize("k", [0, 1, 3, 4, 9, 10, 121, 122, 123])
def test_hardly_any_image_survives_half_the_range_or_has_no_gradient(k, n):
    k = min(k, n)
    expected = wilson_low(k, n) > 0.01
    assert bool(survives_anything(bits(k, n))) == expected
    assert bool(has_no_gradient(bits(k, n))) == expected


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"pgd-20": bits(180, 400)}, "more steps help"),
        ({"square": bits(190, 400)}, "black box"),
        ({"cw-30": bits(190, 400)}, "AutoAttack misses"),
        ({"pgd-50": bits(190, 400)}, "AutoAttack misses"),
        ({"pgd-10-half": bits(40, 400)}, "ε = 1/2"),
        ({"zero": bits(40, 400)}, "exactly zero"),
    ],
)
def test_each_sentinel_speaks_alone(changes, word):
    (reason,) = broken_sentinels([healthy(**changes)])
    assert word in reason


def test_images_of_all_seeds_count_as_one_sample():
    three_gained = healthy(**{"pgd-20": bits(197, 400)})
    assert broken_sentinels([three_gained]) == []
    assert len(broken_sentinels([three_gained, three_gained])) == 1


def test_only_common_first_images_are_compared():
    long = np.concatenate([bits(200, 400), bits(0, 1600)])  # later images fell to PGD-20
    assert broken_sentinels([healthy(**{"pgd-20": long})]) == []
    attacked = dict.fromkeys(("none", "apgd-ce", "apgd-t", "fab-t", "square"), bits(100, 100))
    later = healthy(**{"pgd-50": bits(100, 400), "pgd-20": bits(100, 400)})  # 100 to 199 fell
    assert broken_sentinels([later._replace(standing=attacked)]) == []
    assert broken_sentinels([later]) != []


# ---- the papers' numbers


def test_paper_contradicts_itself_in_three_cells():
    cells = pd.concat([reference(number).assign(table=number) for number in range(2, 8)])
    assert len(cells) == 45 + 30 + 60 + 30 + 60 + 60
    found = cells[cells["paper_note"] != ""]
    notes = dict(
        zip(
            found[["table", "method", "metric"]].apply(tuple, axis=1),
            found["paper_note"],
            strict=True,
        )
    )
    assert notes == {
        (2, "PGD-AT", "AA"): "Table VI prints 23.56",
        (2, "SAR", "C&W"): "Table VII prints 21.35",
        (4, "AWP+SARWA", "PGD-50"): "above PGD-20 (56.81), which should be easier",
        (6, "PGD-AT", "AA"): "Table II prints 23.77",
        (7, "SAR", "C&W"): "Table II prints 21.58",
    }


def test_paper_counts_parameters_in_table_five_only():
    counts = reference(5).groupby("paper_model")["paper_parameters"].first()
    assert counts.to_dict() == {"ResNet-152": 58156618, "WRN-34-15": 103819674}
    assert reference(3)["paper_parameters"].isna().all()


def test_networks_have_the_papers_titles():
    names = ["resnet18", "resnet152", "wrn_34_10", "wrn_34_15", "resnet8_w8", "vgg"]
    titles = ["ResNet-18", "ResNet-152", "WRN-34-10", "WRN-34-15", "ResNet-8 (width 8)", "vgg"]
    assert [architecture_title(name) for name in names] == titles


# ---- tables


@pytest.fixture(scope="module")
def twelve(tmp_path_factory):
    """All methods of Table IV on a data set in the place of CIFAR-10."""
    root = tmp_path_factory.mktemp("twelve")
    return [
        invented_defence(root, method, robust=50 + place, **SAMPLE)
        for place, method in enumerate(ALL_METHODS)
    ]


def test_cells_hold_our_value_its_images_and_the_papers(twelve):
    cells, _, _ = table(twelve, 4)
    assert len(cells) == 60
    assert list(cells["column"][:5]) == ["Clean", "PGD-20", "PGD-50", "C&W", "AA"]
    assert list(cells["method"].unique()) == ALL_METHODS
    assert set(cells.loc[cells["column"].isin(["Clean", "PGD-20"]), "n_images"]) == {2000}
    assert set(cells.loc[~cells["column"].isin(["Clean", "PGD-20"]), "n_images"]) == {500}
    cell = cells.query("method == 'MART+SAR' and column == 'AA'").iloc[0]
    entry = next(entry for entry in twelve if entry["method"] == "MART+SAR")
    last = Path(entry["probes"]["autoattack"]["csv"]).read_text().splitlines()[-1].split(",")
    value = float(last[8])
    assert last[6] == "attack=apgd-ce+apgd-t+fab-t+square"
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([value], 500)
    assert cell["paper_value"] == 49.22
    assert cell["difference"] == pytest.approx(value - 49.22)
    assert (cells["sentinels"] == "").all()


def test_html_states_images_marks_ranks_and_daggers(twelve):
    cells, html, _ = table(twelve, 4)
    assert html.count('<span class="n">n = 2,000</span>') == 2
    assert html.count('<span class="n">n = 500</span>') == 3
    assert html.count('class="best"') >= 5 and html.count('class="runner-up"') >= 5
    for column, group in cells.groupby("column"):
        first, second = sorted(group["value"].unique())[-2:][::-1]
        for rank, value in (("best", first), ("runner-up", second)):
            method = group.loc[group["value"] == value, "method"].iloc[0]
            row = re.search(rf'<th scope="row">{re.escape(method)}</th>.*', html)[0]
            place = list(cells["column"][:5]).index(column)
            assert row.split("<td")[1 + place].startswith(f' class="{rank}"')
    assert html.count("†</abbr>") == 1
    assert "prints 56.82, above PGD-20 (56.81)" in html
    assert "Sentinels against false robustness: all pass." in html
    assert "‡" not in html and "nan" not in html
    assert html.count("<li>") == html.count("</li>")


def test_flagged_method_is_explained(tmp_path):
    signs = ("steps", "square", "missed", "half", "gradient")
    models = [
        invented_defence(tmp_path, method, broken=signs if method == "SAR" else (), **SAMPLE)
        for method in THREE
    ]
    cells, html, latex = table(models, 2)
    flagged = cells[cells["sentinels"] != ""]
    assert set(flagged["method"]) == {"SAR"}
    assert flagged["sentinels"].iloc[0].count("; ") == 4
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
    cells, html, latex = table(models, 5)
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
    cells, html, latex = table(models, 2)
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
    cells, html, latex = table(models, 2)
    assert cells[cells["method"] == "SAR (L2)"]["paper_value"].isna().all()
    assert "nan" not in html + latex and "<NA>" not in html + latex
    assert 'class="runner-up"' not in html  # of two rows


# ---- ablations and schematic


@pytest.fixture(scope="module")
def distances(tmp_path_factory):
    root = tmp_path_factory.mktemp("distances")
    methods = ("PGD-AT", "SAR", "SAR (L2)", "SAR (cosine)")
    return [
        invented_defence(root, method, seed=seed, robust=53 + place, **SAMPLE)
        for place, method in enumerate(methods)
        for seed in (0, 1)
    ]


@pytest.fixture(scope="module")
def coefficients(tmp_path_factory):
    root = tmp_path_factory.mktemp("coefficients")
    models = [invented_defence(root, "PGD-AT", **SAMPLE)]
    for branch, name in (("average", "SARWA"), ("live", "SAR")):
        for value in (0.2, 0.05, 0.1, 0.15):
            alignment = {"coefficient": value, "natural_branch": branch}
            method = f"{name} (λ={value})"
            models.append(invented_defence(root, method, alignment=alignment, **SAMPLE))
    return models


def summary(models, *names):
    rows = read_measurements(models, "pgd-20").query("metric == 'accuracy'")
    return over_seeds(rows, ["dataset_title", "method", *names, "attack"])


def test_distance_curves_begin_two_epochs_before_the_fork(distances):
    histories = read_histories(distances)
    figure = distance_figure(histories, summary(distances), fork=75)
    curves, points, robust, _ = figure.axes
    line = next(line for line in curves.lines if line.get_label() == "L2")
    assert list(line.get_xdata()) == list(range(74, 101))
    mean = histories.query("method == 'SAR (L2)'").groupby("epoch")["val_accuracy"].mean()
    assert line.get_ydata() == pytest.approx(mean.loc[74:].to_numpy())
    assert [label.get_text() for label in points.get_xticklabels()] == ["AT", "L1", "L2", "cosine"]
    assert len(points.containers) == 4
    assert robust.get_title() == "(b) robust accuracy"


def test_distance_curves_without_a_drop_show_all_epochs(distances):
    figure = distance_figure(read_histories(distances), summary(distances), fork=None)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "AT")
    assert list(line.get_xdata()) == list(range(1, 101))


def test_coefficients_start_at_adversarial_training(coefficients):
    measured = summary(coefficients, "branch", "coefficient")
    figure = coefficient_figure(measured)
    alone = measured.query("method == 'PGD-AT' and attack == 'none'")["value"].iloc[0]
    assert [axes.get_title() for axes in figure.axes] == ["(a) SAR", "(b) SARWA", "", ""]
    for axes, branch in zip(figure.axes[:2], ("live", "average"), strict=True):
        line = axes.lines[0]
        assert list(line.get_xdata()) == [0, 0.05, 0.1, 0.15, 0.2]
        here = measured[(measured["branch"] == branch) & (measured["attack"] == "none")]
        values = here.sort_values("coefficient")["value"]
        assert list(line.get_ydata()) == [alone, *values]
        assert len(axes.containers) == 5
    assert {axes.lines[0].get_linestyle() for axes in figure.axes} == {"-", "--"}


def test_overview_is_the_same_vector_drawing_on_every_run(tmp_path):
    for run in ("first", "second"):
        save_figure(overview(), {"svg": tmp_path / f"{run}.svg"}, "")
    svg = (tmp_path / "first.svg").read_text()
    assert svg == (tmp_path / "second.svg").read_text()
    assert "<image" not in svg
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert words.count("FFT") == 4 and words.count("distance") == 2 and words.count("CE") == 3
    assert words.count("WA") == 1 and "network f, the same for both" in words


# ---- notebooks


def test_robustness_table_renders(twelve, tmp_path):
    parameters = notebook_parameters(tmp_path, twelve, kind="table", reference="sar_table4")
    render(TEMPLATES / "robustness_table.py", parameters, tmp_path / "out.ipynb")
    outputs = parameters["outputs"]["table"]
    cells = pd.read_csv(outputs["csv"], keep_default_na=False)
    assert len(cells) == 60
    assert {"n_images", "seeds", "paper_value", "difference", "sentinels"} <= set(cells)
    assert np.allclose(cells["difference"], cells["value"] - cells["paper_value"], atol=2e-4)
    assert MARK in Path(outputs["html"]).read_text()
    assert r"\bottomrule" in Path(outputs["tex"]).read_text()


@pytest.mark.parametrize("template", ["schematic", "distance_ablation", "coefficient_ablation"])
def test_figure_template_renders(template, distances, coefficients, tmp_path):
    models = {"distance_ablation": distances, "coefficient_ablation": coefficients}
    parameters = notebook_parameters(tmp_path, models.get(template, []))
    render(TEMPLATES / f"{template}.py", parameters, tmp_path / "out.ipynb")
    outputs = parameters["outputs"]["figure"]
    assert MARK in Path(outputs["svg"]).read_text()
    assert Path(outputs["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(outputs["png"]).read_bytes().startswith(b"\x89PNG")
