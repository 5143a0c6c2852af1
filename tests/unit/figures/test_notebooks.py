"""Templates, what opens an artifact, and the running of notebooks."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from invented_artifacts import MARK, ROOT, TEMPLATES, artifact_of, parameters_of
from matplotlib.text import Text
from PIL import Image

from passband.dependencies import declared
from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.notebook import open_artifact
from passband.figures.render import render
from passband.figures.save import PNG_DPI, save_figure
from passband.figures.style import PAGE, SMALLEST

ARTIFACTS = {  # an artifact of each kind, and the fixture with its models
    "algorithm": ("jafr.alg1", "regularised"),
    "band_curves": ("sar.fig6", "substituted"),
    "coefficient_ablation": ("sar.fig10", "coefficients"),
    "coefficient_curves": ("jafr.sec4_lambda", "regularised"),
    "component_counts": ("hfc.sec8", "split"),
    "component_examples": ("hfc.fig2", "split"),
    "corruption_table": ("jafr.table1", "corrupted"),
    "detection_table": ("hfc.sec7", "detected"),
    "detections": ("hfc.fig8", "detected"),
    "disparity": ("hfc.fig1", None),
    "distance_ablation": ("sar.fig9", "distances"),
    "filters": ("sar.fig1", None),
    "fourier_overview": ("fourier_study.fig1", None),
    "heatmap_grid": ("sar.fig7", "substituted"),
    "image_rows": ("sar.fig3", "substituted"),
    "input_spectra": ("fourier_study.fig2", "inspected"),
    "jacobian_schematic": ("jafr.fig2", None),
    "jacobian_spectra": ("jafr.fig1", "regularised"),
    "jacobian_table": ("jafr.table2", "regularised"),
    "kernel_frequencies": ("fourier_study.fig4", "inspected"),
    "kernel_grid": ("fourier_study.fig8", "inspected"),
    "layer_similarity": ("fourier_study.fig6", "inspected"),
    "lowpass_curves": ("sar.fig2", "papers"),
    "lowpass_table": ("sar.table1", "substituted"),
    "perturbation_examples": ("sar.fig5", "substituted"),
    "ratio_curves": ("fourier_study.fig5", "inspected"),
    "robustness_table": ("sar.table4", "twelve"),
    "schematic": ("sar.fig8", None),
    "search_table": ("hfc.table2", "smoothed"),
    "security_curves": ("hfc.table2_curves", "smoothed"),
    "spectrum_grid": ("sar.fig4", "papers"),
    "training_curves": ("hfc.fig5", "recorded"),
}
TABLES = {
    "corruption_table", "detection_table", "jacobian_table", "lowpass_table", "robustness_table",
    "search_table",
}  # fmt: skip
UNITS = {
    "corruption_table": {"percent", "natural logarithm", "percent of the reference's error"},
    "detection_table": {"percent", "%", "0 to 1"},
    "jacobian_table": {"natural logarithm", "0 to 1"},
}
SMALL = {"image_rows": [0, 4], "perturbation_examples": [0, 4]}


def models_of(template: str, request) -> list[dict]:
    fixture = ARTIFACTS[template][1]
    return request.getfixturevalue(fixture) if fixture else []


def changes(template: str) -> dict:
    return {"images": SMALL[template]} if template in SMALL else {}


def test_every_kind_has_a_template_and_is_tried_here():
    templates = {path.stem for path in TEMPLATES.glob("*.py")}
    assert templates == set(declared("figures")) == set(FIGURES.names()) == set(ARTIFACTS)


@pytest.mark.parametrize("template", sorted(set(ARTIFACTS) - TABLES))
def test_no_text_is_below_seven_points_in_print(template, request, tmp_path):
    id = ARTIFACTS[template][0]
    models = models_of(template, request)
    artifact = artifact_of(tmp_path, id, models, **changes(template))
    figure = FIGURES[template](artifact, **artifact.options)
    save_figure(figure, {"png": tmp_path / "figure.png"}, MARK)
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(text.get_fontsize() for text in texts) >= SMALLEST
    with Image.open(tmp_path / "figure.png", formats=["PNG"]) as saved:
        assert saved.width <= 1.03 * PAGE * PNG_DPI


@pytest.mark.parametrize("template", ARTIFACTS)
def test_default_of_a_template_is_an_artifact_that_uses_it(template):
    cells = jupytext.read(TEMPLATES / f"{template}.py").cells
    (default,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    path = Path(re.fullmatch(r'parameters = "(.*)"', default.source)[1])
    assert path.parent == Path("results/demo/notebooks") and path.suffix == ".json"
    paper = path.stem.partition(".")[0]
    rows = yaml.safe_load((ROOT / f"config/papers/{paper}/artifacts.yaml").read_text())
    assert rows["artifacts"][path.stem]["notebook"] == template


@pytest.mark.parametrize("template", ARTIFACTS)
def test_every_option_is_documented(template):
    options = declared("figures")[template].keywords
    assert all(option.meaning and option.kind is not object for option in options.values())


@pytest.mark.parametrize("template", ARTIFACTS)
def test_template_draws_with_its_parameters(template, request, tmp_path, monkeypatch):
    parameters = parameters_of(
        tmp_path, ARTIFACTS[template][0], models_of(template, request), **changes(template)
    )
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(parameters))
    names = {"__name__": template}
    for cell in jupytext.read(TEMPLATES / f"{template}.py").cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
        if "parameters" in cell.metadata.get("tags", []):
            names["parameters"] = str(path)
    outputs = parameters["outputs"]
    if "svg" in outputs:
        svg = Path(outputs["svg"]).read_text()
        assert MARK in svg and len(svg) < 1e6
        assert Path(outputs["pdf"]).read_bytes().startswith(b"%PDF")
        assert Path(outputs["png"]).read_bytes().startswith(b"\x89PNG")
    else:
        cells = pd.read_csv(outputs["csv"], keep_default_na=False)
        assert set(cells["unit"]) == UNITS.get(template, {"percent"})
        assert not {"format", "picture"} & set(cells)
        cells = cells[cells["paper_value"] != ""].astype(
            {"paper_value": float, "difference": float}
        )
        assert np.allclose(cells["difference"], cells["value"] - cells["paper_value"], atol=2e-4)
        assert MARK in Path(outputs["html"]).read_text()
        assert r"\bottomrule" in Path(outputs["tex"]).read_text()


@pytest.mark.parametrize("template", ["kernel_grid", "lowpass_table"])
def test_notebook_runs_with_one_parameter(template, request, tmp_path):
    parameters = parameters_of(tmp_path, ARTIFACTS[template][0], models_of(template, request))
    parameters["artifact"]["notes"] = ["Two numbers differ."]
    executed, path = tmp_path / "out.ipynb", tmp_path / "out.json"
    render(TEMPLATES / f"{template}.py", parameters, executed, path)
    assert json.loads(path.read_text()) == json.loads(json.dumps(parameters))
    notebook = json.loads(executed.read_text())
    (injected,) = [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if "injected-parameters" in cell["metadata"].get("tags", [])
    ]
    defined: dict[str, object] = {}
    exec(injected, defined)
    assert defined.pop("__builtins__") and defined == {"parameters": str(path)}
    text = executed.read_text()
    assert "Two numbers differ." in text
    assert ('"image/png"' in text) == (template == "kernel_grid")
    assert all(Path(output).exists() for output in parameters["outputs"].values())


def test_introduction_says_what_the_paper_saw_and_the_scale(tmp_path):
    artifact = artifact_of(tmp_path, "sar.table2", [])
    text = artifact.introduction.data
    assert text.startswith(f"## {artifact.title}\n`sar.table2`")
    assert f"**What the paper saw.** {artifact.saw}" in text
    assert text.count("**The paper's own inconsistency.**") == len(artifact.notes) == 1
    assert text.endswith(f"*{MARK}*")


def test_missing_parameters_are_explained(tmp_path):
    with pytest.raises(UserError, match=r"make the artifact once with `snakemake sar\.fig1`"):
        open_artifact(tmp_path / "sar.fig1.json")


def test_failing_template_leaves_a_failed_notebook_only(tmp_path):
    template = tmp_path / "template.py"
    template.write_text("# %%\nfirst = 1\n\n# %%\nfirst / 0\n\n# %%\nprint('never')\n")
    executed = tmp_path / "executed.ipynb"
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero") as error:
        render(template, {}, executed, tmp_path / "parameters.json")
    assert "first / 0" in str(error.value) and "\x1b" not in str(error.value)
    assert not executed.exists()
    failed = tmp_path / "executed.failed.ipynb"
    assert "ZeroDivisionError" in failed.read_text()


@pytest.mark.parametrize("error", ['UserError("a.csv lacks x.")', 'Damaged("a.csv", "no rows")'])
def test_a_mistake_of_the_user_is_one_sentence(tmp_path, error):
    template = tmp_path / "template.py"
    template.write_text(f"# %%\nfrom passband.errors import Damaged, UserError\n\nraise {error}\n")
    with pytest.raises(UserError) as raised:
        render(template, {}, tmp_path / "out.ipynb", tmp_path / "out.json")
    assert str(raised.value) in (
        "a.csv lacks x.",
        "a.csv is damaged (no rows): remove it and run again.",
    )
    assert {path.name for path in tmp_path.iterdir()} == {"template.py", "out.json"}


def test_dying_kernel_is_explained_and_leaves_nothing(tmp_path):
    template = tmp_path / "template.py"
    template.write_text("# %%\nimport os\n\nos._exit(9)\n")
    with pytest.raises(RuntimeError, match=r"kernel of .*template\.py died, perhaps for want of"):
        render(template, {}, tmp_path / "executed.ipynb", tmp_path / "parameters.json")
    assert not list(tmp_path.glob("*.ipynb"))


def test_kernel_that_talks_while_it_ends_is_not_heard(tmp_path, capfd):
    template = tmp_path / "template.py"
    noise = "import atexit\nimport os\n\natexit.register(os.write, 2, b'Traceback of its end')"
    template.write_text(f"# %%\n{noise}\n")
    render(template, {}, tmp_path / "executed.ipynb", tmp_path / "parameters.json")
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
    render(template, {}, tmp_path / "executed.ipynb", tmp_path / "parameters.json")
    assert sys.executable in (tmp_path / "executed.ipynb").read_text()
    assert not failed.exists()


SOCKETS = """# %%
import json
from pathlib import Path

from ipykernel.connect import get_connection_file

print(json.loads(Path(get_connection_file()).read_text())["transport"])
"""


@pytest.mark.parametrize("length", [20, 150])
def test_notebooks_take_no_ports_wherever_temporary_files_are(length, tmp_path, monkeypatch):
    """Kernels that start together may choose the same port, and then one of them never starts."""
    temporary = tmp_path / ("t" * length)
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    template = tmp_path / "template.py"
    template.write_text(SOCKETS)
    render(template, {}, tmp_path / "executed.ipynb", tmp_path / "parameters.json")
    (printed,) = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells[-1].outputs
    assert printed.text == "ipc\n"
    assert not list(temporary.iterdir())


def test_missing_template_is_explained(tmp_path):
    with pytest.raises(UserError, match="no notebook template"):
        render(
            tmp_path / "absent.py", {}, tmp_path / "executed.ipynb", tmp_path / "parameters.json"
        )


def test_figures_never_import_torch():
    imports = "from passband.figures import FIGURES; FIGURES.names(); import passband.report"
    check = f"{imports}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
