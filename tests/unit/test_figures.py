"""Figures and tables from synthetic measurements in the shapes that the probes write."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from notebook_inputs import MARK, REFERENCE, TEMPLATES, notebook_parameters
from passband.figures.intervals import accuracy_interval, over_seeds, wilson
from passband.figures.reference import read_lowpass_reference
from scipy.stats import binomtest, t

from passband.errors import UserError
from passband.figures.curves import lowpass_curves
from passband.figures.filters import filter_image
from passband.figures.load import first_seeds, read_measurements
from passband.figures.render import render
from passband.figures.save import save_figure
from passband.figures.tables import lowpass_cells, to_html, to_latex
from passband.files import write_arrays

PAPER_DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet": "Tiny ImageNet"}
FIGURES = [
    *("filters", "lowpass_curves", "image_rows", "spectrum_grid"),
    *("perturbation_examples", "band_curves", "heatmap_grid"),
]
METHODS = ("natural", "L-model", "PGD-AT")
DEFENCES = [  # see test_figures_defences.py
    *("robustness_table", "schematic", "distance_ablation", "coefficient_ablation"),
]
FOURIER_STUDY = [  # see test_figures_fourier_study.py
    *("fourier_overview", "input_spectra", "attack_table", "kernel_grid", "kernel_frequencies"),
    *("ratio_curves", "layer_similarity"),
]
CLASSES = [
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
]


def synthetic_models(
    root: Path, datasets: dict[str, tuple[str, int]], methods=METHODS, seeds=(0,)
) -> list[dict]:
    """Write the measurements of every data set (paper's id -> (title, side)), method and seed."""
    models = []
    for place, (paper_dataset, (title, side)) in enumerate(datasets.items()):
        dataset = title.lower().replace(" ", "-")
        for method in methods:
            for seed in seeds:
                model = f"{dataset}_resnet8_sar-{method}"
                maker = _Maker(root / model / f"seed-{seed}", model, dataset, method, seed, side)
                models.append(
                    {
                        "slug": f"sar-{paper_dataset}-{method}",
                        "model": model,
                        "dataset": dataset,
                        "dataset_title": title,
                        "paper_dataset": paper_dataset,
                        "paper_dataset_title": PAPER_DATASETS[paper_dataset],
                        "architecture": "resnet8",
                        "paper_architecture": "resnet18",
                        "method": method,
                        "seed": seed,
                        "probes": maker.probes(channels=1 if place == 0 else 3),
                    }
                )
    return models


class _Maker:
    """Writes the probes' files of one model and seed."""

    def __init__(self, folder, model, dataset, method, seed, side):
        self.folder, self.side, self.n = folder, side, 200
        self.name = (dataset, "resnet8", method, model, seed)
        self.place = METHODS.index(method)
        self.random = np.random.default_rng([seed, self.place, side])
        self.top = (91, 88, 80)[self.place]
        self.half = (0.55, 0.25, 0.15)[self.place]  # share of the side with half the accuracy
        self.robust = (0.5, 1.5, 58)[self.place]

    def probes(self, channels):
        folder = self.folder
        folder.mkdir(parents=True)
        self.lowpass()
        self.pgd()
        self.bands()
        self.spectrum()
        self.heatmap()
        self.examples(channels)
        names = sorted({path.stem for path in folder.iterdir()})
        kinds = {"csv": "csv", "arrays": "safetensors"}
        return {
            name: {kind: str(folder / f"{name}.{ending}") for kind, ending in kinds.items()}
            for name in names
        }

    def table(self, probe, rows):
        columns = ["dataset", "architecture", "method", "model", "seed"]
        frame = pd.DataFrame(
            [(*self.name, probe, *row) for row in rows],
            columns=[*columns, "probe", "condition", "metric", "value", "n_images", "unit"],
        )
        frame.to_csv(self.folder / f"{probe}.csv", index=False)

    def accuracy(self, condition, percent):
        correct = self.random.random(self.n) < percent / 100
        return condition, "accuracy", 100 * correct.mean(), self.n, "percent"

    def curve(self, share):
        def rise(x):
            return 1 / (1 + np.exp(-12 * (x - self.half)))

        return 10 + (self.top - 10) * (rise(share) - rise(0)) / (rise(1) - rise(0))

    def lowpass(self):
        shares = np.arange(1, 9) / 8
        rows = [
            self.accuracy(f"filter=lowpass;bandwidth={int(s * self.side)}", self.curve(s))
            for s in shares
        ]
        self.table("lowpass", rows)
        sizes = (shares * self.side).astype(int)
        correct = np.ones((8, self.n), np.uint8)
        self.store("lowpass", bandwidths=sizes, correct=correct)

    def pgd(self):
        rows = [self.accuracy("attack=none", self.top), self.accuracy("attack=pgd-20", self.robust)]
        self.table("pgd-20", rows)
        self.store("pgd-20", correct=np.ones(self.n, np.uint8))

    def bands(self):
        rows = []
        for name, power in (("lowpass", 0.6), ("highpass", 2.5)):
            for share in np.arange(9) / 8:
                value = self.top - (self.top - self.robust) * share**power
                size = int(share * self.side)
                condition = f"attack=pgd-20;perturbation_filter={name};bandwidth={size}"
                rows.append(self.accuracy(condition, value))
        self.table("pgd-20-bands", rows)
        self.store("pgd-20-bands", bandwidths=np.arange(9) * self.side // 8)

    def radius(self):
        frequency = np.arange(self.side) - self.side // 2
        return np.abs(np.stack(np.meshgrid(frequency, frequency))).max(0) / (self.side / 2)

    def spectrum(self):
        falloff = (0.6, 2.5, 4.0)[self.place]
        spectrum = np.exp(-falloff * self.radius()) * self.random.uniform(
            0.8, 1.2, (self.side,) * 2
        )
        if self.place == 1:
            spectrum *= np.where(self.radius() < 0.5, 2, 1)
        self.store("pgd-20-spectrum", spectrum=spectrum.astype(np.float32))
        self.table("pgd-20-spectrum", [])

    def heatmap(self):
        radius = self.radius()
        error = (0.15 + 0.5 * radius, 0.5 - 0.4 * radius, 0.35 - 0.2 * radius)[self.place]
        error = error + self.random.normal(0, 0.02, error.shape)
        wrong_clean = np.zeros(self.n, np.uint8)
        wrong_clean[: int(self.n * (100 - self.top) / 100)] = 1
        wrong = np.zeros((514, self.n), np.uint8)
        self.store("fourier-heatmap", error=error.clip(0, 1), wrong_clean=wrong_clean, wrong=wrong)
        row = ("basis=mean;norm=4", "error_rate", 100 * error.mean(), self.n, "percent")
        self.table("fourier-heatmap", [row])

    def examples(self, channels):
        count, side = 12, self.side
        rows, columns = np.mgrid[:side, :side] / side
        centres = self.random.uniform(0.3, 0.7, (count, channels, 2, 1, 1))
        images = np.exp(-12 * ((rows - centres[:, :, 0]) ** 2 + (columns - centres[:, :, 1]) ** 2))
        noise = self.random.normal(size=images.shape)
        keep = np.fft.ifftshift(np.exp(-2 * self.place * self.radius()))
        noise = np.sign(np.fft.ifft2(np.fft.fft2(noise) * keep).real) * 8 / 255
        spectrum = np.abs(np.fft.fftshift(np.fft.fft2(noise), axes=(-2, -1))).mean(1)
        labels = self.random.integers(0, 10, count)
        single = {"images": images, "perturbation": noise, "filtered": images, "spectrum": spectrum}
        self.store(
            "examples",
            {"classes": CLASSES, "bandwidth": side // 4},
            labels=labels,
            predicted=labels,
            predicted_adversarial=labels if self.place == 2 else (labels + 1) % 10,
            **{name: array.astype(np.float32) for name, array in single.items()},
        )
        self.table("examples", [])

    def store(self, probe, metadata=None, **arrays):
        write_arrays(self.folder / f"{probe}.safetensors", arrays, metadata or {})


@pytest.fixture(scope="module")
def substituted(tmp_path_factory):
    """One data set in the place of CIFAR-10, three methods, two seeds."""
    root = tmp_path_factory.mktemp("substituted")
    return synthetic_models(root, {"cifar10": ("Fashion-MNIST sample", 32)}, seeds=(0, 1))


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """The paper's three data sets, two image sides, three methods, one seed."""
    sides = {name: (title, 32) for name, title in PAPER_DATASETS.items()}
    sides["tiny-imagenet"] = ("Tiny ImageNet", 64)
    return synthetic_models(tmp_path_factory.mktemp("papers"), sides)


def measured(models):
    """The two summaries that the low-pass templates make."""
    name = ["dataset_title", "paper_dataset_title", "method"]
    lowpass = over_seeds(read_measurements(models, "lowpass"), [*name, "bandwidth"])
    attacked = read_measurements(models, "pgd-20").query("attack == 'pgd-20'")
    return lowpass, over_seeds(attacked, name)


def paper_table():
    return read_lowpass_reference(REFERENCE / "sar_table1.csv")


@pytest.mark.parametrize(("correct", "n"), [(0, 50), (1, 200), (103, 200), (2000, 2000)])
def test_interval_over_images_is_wilsons(correct, n):
    expected = binomtest(correct, n).proportion_ci(method="wilson")
    assert wilson(100 * correct / n, n) == pytest.approx([100 * expected.low, 100 * expected.high])


def test_interval_over_seeds_adds_students_half_width():
    value, low, high = accuracy_interval([60.0, 62.0, 70.0], 500)
    centre, images = 64.0, wilson(64.0, 500)
    student = t.ppf(0.975, 2) * np.std([60, 62, 70], ddof=1) / np.sqrt(3)
    assert value == centre
    assert centre - low == pytest.approx(np.hypot(centre - images[0], student))
    assert high - centre == pytest.approx(np.hypot(images[1] - centre, student))


def test_interval_stays_within_percent():
    _, low, high = accuracy_interval([0.0, 40.0, 100.0], 20)
    assert (low, high) == (0.0, 100.0)


def test_reference_compares_bandwidths_by_bandwidth_of_the_side():
    paper = paper_table().set_index(["paper_dataset_title", "method", "fraction"])["paper_value"]
    assert paper["CIFAR-10", "natural", 0.5] == 46.71
    assert paper["Tiny ImageNet", "natural", 0.5] == 18.42
    assert len(paper) == 81


def test_table_has_the_papers_value_and_the_difference(substituted):
    cells = lowpass_cells(*measured(substituted), paper_table())
    assert len(cells) == 27
    cell = cells.query("method == 'L-model' and bandwidth == 12").iloc[0]
    values = [
        float(re.search(r"bandwidth=12,accuracy,([\d.]+),", Path(path).read_text())[1])
        for entry in substituted
        if entry["method"] == "L-model"
        for path in [entry["probes"]["lowpass"]["csv"]]
    ]
    assert len(values) == cell["seeds"] == 2
    assert cell["value"] == pytest.approx(np.mean(values))
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval(values, 200)
    assert cell["paper_value"] == 84.87
    assert cell["difference"] == pytest.approx(cell["value"] - 84.87)
    robust = cells.query("method == 'PGD-AT' and column == 'PGD-20'").iloc[0]
    assert robust["paper_value"] == 51.69


def test_table_without_such_a_cell_in_the_paper(substituted):
    paper = paper_table().query("method != 'L-model'")
    cells = lowpass_cells(*measured(substituted), paper)
    alone = cells[cells["method"] == "L-model"]
    assert alone["paper_value"].isna().all() and alone["difference"].isna().all()
    assert "nan" not in to_html(cells) + to_latex(cells)


def test_html_table_repeats_its_head_where_the_side_changes(papers):
    html = to_html(lowpass_cells(*measured(papers), paper_table()))
    assert html.count(">k = 4<") == html.count(">k = 64<") == 1
    assert html.count('scope="rowgroup"') == 3
    assert html.count('scope="row"') == 9
    assert "<caption" not in html and "<script" not in html


def test_latex_table_has_as_many_fields_in_every_row(papers):
    rows = to_latex(lowpass_cells(*measured(papers), paper_table())).splitlines()
    assert {row.count("&") for row in rows if "&" in row} == {10}


def test_first_seed_of_each_model(substituted):
    entries = first_seeds(list(reversed(substituted)))
    assert len(entries) == 3
    assert {entry["seed"] for entry in entries.values()} == {0}


def test_missing_probe_is_explained(substituted):
    with pytest.raises(UserError, match="no csv of probe 'autoattack'"):
        read_measurements(substituted, "autoattack")


def test_filters_keep_their_own_frequencies():
    row = np.arange(32)
    slow = np.cos(2 * np.pi * 3 * row / 32)[None, :] * np.ones((32, 1))
    fast = np.where((row[:, None] + row[None, :]) % 2, -1.0, 1.0)
    image = (slow + fast)[None]
    assert filter_image(image, 16, "lowpass")[0][0] == pytest.approx(slow)
    assert filter_image(image, 16, "highpass")[0][0] == pytest.approx(fast)
    assert filter_image(image, 32, "lowpass")[0] == pytest.approx(image)


def test_figures_are_the_same_bytes_on_every_run_and_carry_the_mark(substituted, tmp_path):
    for run in ("first", "second"):
        outputs = {kind: tmp_path / run / f"figure.{kind}" for kind in ("svg", "pdf", "png")}
        save_figure(lowpass_curves(*measured(substituted), paper_table()), outputs, MARK)
    for path in outputs.values():
        assert path.read_bytes() == (tmp_path / "first" / path.name).read_bytes()
    svg = outputs["svg"].read_text()
    assert MARK in svg and "<dc:date>" not in svg
    assert ">Natural</text>" in svg


def test_paper_scale_carries_no_mark(papers, tmp_path):
    outputs = {"svg": tmp_path / "figure.svg"}
    save_figure(lowpass_curves(*measured(papers)), outputs, mark="")
    assert "scale" not in re.sub("<[^>]*>", "", outputs["svg"].read_text())


def test_every_template_is_tried():
    tried = {*FIGURES, "lowpass_table", *DEFENCES, *FOURIER_STUDY}
    assert {path.stem for path in TEMPLATES.glob("*.py")} == tried


@pytest.mark.parametrize("template", FIGURES)
def test_figure_template_renders(template, substituted, papers, tmp_path):
    models = papers if template in ("lowpass_curves", "spectrum_grid") else substituted
    parameters = notebook_parameters(tmp_path, models)
    executed = tmp_path / "out.ipynb"
    render(TEMPLATES / f"{template}.py", parameters, executed)
    outputs = parameters["outputs"]["figure"]
    assert MARK in Path(outputs["svg"]).read_text()
    assert Path(outputs["svg"]).stat().st_size < 1e6
    assert Path(outputs["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(outputs["png"]).read_bytes().startswith(b"\x89PNG")
    notebook = executed.read_text()
    assert '"image/png"' in notebook and "Two numbers differ." in notebook


def test_table_template_renders(substituted, tmp_path):
    parameters = notebook_parameters(tmp_path, substituted, kind="table")
    render(TEMPLATES / "lowpass_table.py", parameters, tmp_path / "out.ipynb")
    outputs = parameters["outputs"]["table"]
    table = pd.read_csv(outputs["csv"])
    assert len(table) == 27
    assert np.allclose(table["difference"], table["value"] - table["paper_value"], atol=2e-4)
    assert '<table class="measured">' in Path(outputs["html"]).read_text()
    assert r"\bottomrule" in Path(outputs["tex"]).read_text()


def test_failing_template_leaves_a_failed_notebook_only(tmp_path):
    template = tmp_path / "template.py"
    template.write_text("# %%\nfirst = 1\n\n# %%\nfirst / 0\n\n# %%\nprint('never')\n")
    executed = tmp_path / "executed.ipynb"
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero") as error:
        render(template, {}, executed)
    assert "first / 0" in str(error.value) and "\x1b" not in str(error.value)
    assert not executed.exists()
    failed = tmp_path / "executed.failed.ipynb"
    assert "ZeroDivisionError" in failed.read_text()


def test_dying_kernel_is_explained_and_leaves_nothing(tmp_path):
    template = tmp_path / "template.py"
    template.write_text("# %%\nimport os\n\nos._exit(9)\n")
    with pytest.raises(RuntimeError, match=r"kernel of .*template\.py died, perhaps for want of"):
        render(template, {}, tmp_path / "executed.ipynb")
    assert not list(tmp_path.glob("*.ipynb"))


def test_kernel_that_talks_while_it_ends_is_not_heard(tmp_path, capfd):
    template = tmp_path / "template.py"
    noise = "import atexit\nimport os\n\natexit.register(os.write, 2, b'Traceback of its end')"
    template.write_text(f"# %%\n{noise}\n")
    render(template, {}, tmp_path / "executed.ipynb")
    assert "Traceback" not in capfd.readouterr().err


def test_notebooks_run_in_this_interpreter_and_forget_their_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    kernel = '{"argv": ["/nowhere/python", "{connection_file}"], "language": "python"}'
    (other / "kernel.json").write_text(kernel)
    template, failed = tmp_path / "template.py", tmp_path / "executed.failed.ipynb"
    template.write_text("# %%\nimport sys\n\nprint(sys.executable)\n")
    failed.write_text("an earlier failure")
    render(template, {}, tmp_path / "executed.ipynb")
    assert sys.executable in (tmp_path / "executed.ipynb").read_text()
    assert not failed.exists()


def test_missing_template_is_explained(tmp_path):
    with pytest.raises(UserError, match="no notebook template"):
        render(tmp_path / "absent.py", {}, tmp_path / "executed.ipynb")


def test_figures_never_import_torch():
    modules = ["ablations", "attack_table", "curves", "filters", "fourier_overview", "images"]
    modules += ["input_spectra", "kernels", "notebook", "planes", "ratio_curves", "render"]
    modules += ["robustness", "schematic", "similarity", "tables"]
    imports = "; ".join(f"import passband.figures.{module}" for module in modules)
    check = f"{imports}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
