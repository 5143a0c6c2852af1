"""The pages of the report as text."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from invented_results import ARTIFACTS, FINDINGS, ROOT, make_results
from report_checks import check_pages

from passband.errors import UserError
from passband.origin import Checkout
from passband.report import build_report, collect_content
from passband.runs import write_run


def test_pages_are_sound(report_folder):
    assert sorted(path.name for path in report_folder.iterdir()) == [
        "index.html",
        "provenance.html",
        "sar.html",
    ]
    check_pages(report_folder)


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ('href="sar.html#sar.table1.a"', 'href="sar.html#sar.table1.z"'),
        ('href="../findings.csv"', 'href="../findngs.csv"'),
        ("</h1>", "</h2>"),
        (
            '<link rel="icon" href="data:,">',
            '<script src="https://example.org/a.js"></script>',
        ),
    ],
)
def test_checks_notice_damage(report_folder, tmp_path, sound, broken):
    copy = tmp_path / "report"
    copy.mkdir()
    for page in report_folder.iterdir():
        (copy / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("findings.csv", "measurements.csv"):
        (tmp_path / name).touch()
    for artifact in ARTIFACTS:
        for folder, ending in [("figures", e) for e in ("svg", "pdf", "png")] + [
            ("tables", "csv"),
            ("tables", "tex"),
            ("notebooks", "ipynb"),
        ]:
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{artifact}.{ending}").touch()
    check_pages(copy)
    text = (copy / "index.html").read_text(encoding="utf-8")
    assert sound in text
    (copy / "index.html").write_text(text.replace(sound, broken), encoding="utf-8")
    with pytest.raises(AssertionError):
        check_pages(copy)


def test_index_opens_with_the_verdicts(report_folder):
    index = (report_folder / "index.html").read_text(encoding="utf-8")
    assert "2 of 4 testable findings reproduced" in index
    assert index.index("findings reproduced") < index.index("Sample stands in for CIFAR-10")
    assert "Of 4 claims that could be tested, 2 are reproduced, 1 is contradicted" in index
    assert "what robust networks look at 1 of 1; where attacks live 1 of 3" in index
    assert "1 cannot be tested here, since a precondition fails and 2 were not run" in index
    assert "1 counted with another claim" in index
    assert "Training attack in place of pgd-10</dt><dd>one-step<" in index
    assert "In place of CIFAR-10 and CIFAR-100</dt><dd>Sample" in index
    assert "For every recipe</dt><dd>epochs 2; optimizer nesterov true" in index
    assert "trained once (seed 0)" in index
    assert index.count('<svg class="strip') == 3, "with an interval and evidence of its own"
    assert "one training run, no interval" in index
    assert "claim &gt; 10 (ours)" in index
    for name, artifact, *_ in FINDINGS:
        assert f'href="sar.html#{artifact}.{name}"' in index


def test_paper_page_shows_findings_with_evidence(report_folder):
    page = (report_folder / "sar.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/svg+xml;base64,') == 3
    assert "claim: more than 10 points (threshold: ours)" in page
    assert "The paper’s numbers support it; ours do, too." in page
    assert "ours cannot test it." in page
    assert "snakemake sar.table1.a --cores all --config scale=demo" in page
    assert "snakemake sar.fig10 --cores all --config scale=demo" in page
    assert 'href="https://arxiv.org/abs/2306.14262"' in page
    assert 'alt="Figure 4: Average spectra of perturbations. Contradicted: Claim a' in page
    assert page.index('<details class="repeat" id="sar.fig13">') > page.index('id="sar.fig5"')
    assert '<table class="measured">' in page
    assert "robust +8.52, natural +26.87" in page
    assert "[+10.1, +14.9]" in page
    assert "[−0.042, −0.020]" in page
    assert "Robust networks hardly need high frequencies &amp; natural ones do." in page
    assert "&lt;em&gt;a little&lt;/em&gt;" in page
    assert "Table 2" in page, "what the build leaves out is named"


def test_provenance_lists_models_and_config(report_folder):
    page = (report_folder / "provenance.html").read_text(encoding="utf-8")
    assert "scale: demo" in page
    assert "75,002" in page
    assert "About 40 minutes on 2 cores." in page
    assert page.count("<polyline") == 1
    assert "kept at 80.0 %" in page


@pytest.mark.parametrize(
    ("checkout", "said"),
    [
        (("0123456789abcdef", False, None), "0123456789"),
        (("0123456789abcdef", True, None), "with uncommitted or untracked sources"),
        ((None, None, "there is no git"), "unknown: there is no git"),
    ],
)
def test_the_commit_or_why_there_is_none(results, tmp_path, checkout, said):
    content = collect_content(**results)
    content["provenance"] |= Checkout(*checkout)._asdict()
    build_report(content, tmp_path / "report", ROOT / "reports/templates")
    for name in ("index.html", "provenance.html"):
        page = (tmp_path / "report" / name).read_text(encoding="utf-8")
        assert said in page
        assert ("uncommitted or untracked" in page) == bool(checkout[1])


def test_training_without_held_out_images_shows_its_training_accuracy(tmp_path):
    results = make_results(tmp_path)
    run, history = Path(results["runs"][0]), Path(results["histories"][0])
    rows = pd.read_csv(history, dtype=str).assign(val_accuracy="nan").to_dict("records")
    write_run(run, json.loads(run.read_text(encoding="utf-8")), {"history": (history, rows)})
    build_report(collect_content(**results), tmp_path / "report", ROOT / "reports/templates")
    page = (tmp_path / "report" / "provenance.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 1 and 'class="sparkline training"' in page
    assert "41.5 % of the training images" in page and "nan %" not in page


def test_a_detector_shows_its_training_loss(tmp_path):
    results = make_results(tmp_path)
    run, history = Path(results["runs"][0]), Path(results["histories"][0])
    rows = pd.read_csv(history, dtype=str).assign(val_accuracy="nan", train_accuracy="nan")
    rows["train_loss"] = [str(2 / (epoch + 1)) for epoch in range(len(rows))]
    kept = float(rows.loc[rows["selected"] == "1", "train_loss"].iloc[-1])
    rows = rows.assign(val_robust_accuracy="nan").to_dict("records")
    write_run(run, json.loads(run.read_text(encoding="utf-8")), {"history": (history, rows)})
    build_report(collect_content(**results), tmp_path / "report", ROOT / "reports/templates")
    page = (tmp_path / "report" / "provenance.html").read_text(encoding="utf-8")
    (points,) = re.findall(r'<polyline points="([^"]*)"', page)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) == len(rows) and min(heights) == 4, "the largest loss is at the top"
    assert f"training loss {kept:.3f}" in page and "nan" not in points


def test_a_shared_prefix_is_counted_once(results, tmp_path):
    content = collect_content(**results)
    (alone,) = content["models"]
    forks = [
        alone | {"shared_prefix": "common", "seconds": 100.0 + own, "shared_prefix_seconds": 100.0}
        for own in (10, 20)
    ]
    other_seed = forks[0] | {"seed": 1}
    content["models"] = [alone, *forks, other_seed]
    build_report(content, tmp_path / "report", ROOT / "reports/templates")
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "4 trained, in 5 min 23 s of training time" in index  # 83 + 100 + 10 + 20 + 100 + 10


def test_models_made_of_others_are_listed(tmp_path):
    results = make_results(tmp_path)
    run = json.loads(Path(results["runs"][0]).read_text(encoding="utf-8"))
    kept = ("dataset", "architecture", "method", "seed", "dataset_sha256")
    derived = {key: run[key] for key in kept} | {"model": "smoothed", "origin": "derived"}
    path = tmp_path / "models" / "smoothed" / "seed-0" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(derived), encoding="utf-8")
    content = collect_content(**{**results, "runs": [*results["runs"], path]})
    build_report(content, tmp_path / "report", ROOT / "reports/templates")
    check_pages(tmp_path / "report")
    page = (tmp_path / "report" / "provenance.html").read_text(encoding="utf-8")
    assert "<code>smoothed</code></th><td>derived</td>" in page
    assert "in common: data set fashion-mnist-sample; network resnet8; method natural" in page
    assert "<td>128</td>" in page
    assert page.count("<polyline") == 1 and "1 model, 1 min 23 s in all" in page
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "1 trained, in 1 min 23 s of training time; 1 made of other models" in index


def test_large_svg_gives_way_to_png(results, monkeypatch):
    monkeypatch.setattr("passband.report.collect.SVG_LIMIT", 10)
    figures = [row for row in collect_content(**results)["artifacts"] if row["kind"] == "figure"]
    assert all(row["image"]["uri"].startswith("data:image/png;base64,") for row in figures)


def test_coverage_counts_what_the_papers_hold(results):
    coverage = collect_content(**results)["coverage"]
    assert {paper: row["artifacts"] for paper, row in coverage.items()} == {
        "fourier_study": 0,
        "hfc": 0,
        "jafr": 0,
        "sar": 4,
    }
    assert (coverage["sar"]["artifacts_held"], coverage["sar"]["claims_held"]) == (21, 36)
    assert coverage["sar"]["tested"] == 5
    assert len(coverage["sar"]["missing"]) == 21 - 4 - 1


def test_paper_may_leave_out_what_it_holds(results, tmp_path):
    papers = {"sar": {"title": "A paper", "authors": "A, B", "year": 2022}}
    content = collect_content(**{**results, "papers": papers})
    assert content["coverage"] == {} and content["papers"]["sar"]["short"] == "A paper"
    build_report(content, tmp_path / "report", ROOT / "reports/templates")
    assert "How much of the paper" not in (tmp_path / "report" / "sar.html").read_text()


def test_papers_without_artifacts_are_named(report_folder):
    index = (report_folder / "index.html").read_text(encoding="utf-8")
    assert "Not in this build: 16 figures, tables and other results with 26 claims." in index


def test_stray_output_is_refused(results, tmp_path):
    stray = tmp_path / "sar.fig99.svg"
    with pytest.raises(UserError, match="fig99"):
        collect_content(**{**results, "outputs": [*results["outputs"], stray]})


def test_unknown_verdict_is_refused(tmp_path):
    results = make_results(tmp_path)
    path = Path(results["findings"])
    path.write_text(path.read_text(encoding="utf-8").replace("reproduced", "replicated"))
    with pytest.raises(UserError, match="replicated"):
        collect_content(**results)


def test_report_without_figures_or_models_still_says_so(tmp_path):
    results = make_results(tmp_path)
    findings = Path(results["findings"])
    findings.write_text(findings.read_text(encoding="utf-8").splitlines()[0] + "\n")
    empty = {**results, "claims": [], "left_out": {}, "outputs": [], "runs": [], "histories": []}
    build_report(collect_content(**empty), tmp_path / "report", ROOT / "reports/templates")
    assert "0 of 0 testable findings reproduced" in (tmp_path / "report/index.html").read_text()
    check_pages(tmp_path / "report")


def cut(path: Path) -> None:
    """Remove the last line of a file."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, empty], ids=["cut", "empty"])
@pytest.mark.parametrize(
    "name",
    [
        "findings.csv",
        "models/*/seed-0/run.json",
        "models/*/seed-0/history.csv",
        "figures/sar.fig4.svg",
        "figures/sar.fig4.pdf",
        "figures/sar.fig4.png",
        "tables/sar.table1.csv",
        "tables/sar.table1.html",
        "tables/sar.table1.tex",
        "notebooks/sar.fig4.ipynb",
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, damage):
    results = make_results(tmp_path)
    (path,) = tmp_path.glob(name)
    damage(path)
    with pytest.raises(UserError, match=rf"^{path} is damaged \(.*\): remove it and run again"):
        collect_content(**results)


def test_a_changed_byte_is_noticed(tmp_path):
    results = make_results(tmp_path)
    (path,) = tmp_path.glob("models/*/seed-0/history.csv")
    flip(path)
    with pytest.raises(UserError, match=rf"^{path} is damaged"):
        collect_content(**results)
