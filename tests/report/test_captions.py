"""The captions of Snakemake's own report are sound reStructuredText."""

import html
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from invented_results import ROOT
from jinja2 import Environment, StrictUndefined

from passband.text import restructured

CAPTIONS = ROOT / "workflow" / "report"
TARGETS = "\n\n" + "\n".join(
    f".. _{name}: https://example.org"
    for name in ("Workflow", "Statistics", "Findings", "Figures", "Tables", "Report")
)
MODELS = [
    {"model": "fashion-mnist-sample_resnet8_sar-natural", "seed": 0},
    {"model": "fashion-mnist-sample_resnet8_sar-natural", "seed": 1},
]


def rendered(name: str, mark: str, title: str = "Average spectra") -> str:
    snakemake = SimpleNamespace(
        config={"scale": "demo"},
        wildcards=SimpleNamespace(artifact="sar.fig4"),
        params=SimpleNamespace(
            title=restructured(title),
            saw=restructured("Low frequencies."),
            mark=restructured(mark),
            models=MODELS,
            parameters={"models": MODELS},
        ),
    )
    template = Environment(undefined=StrictUndefined).from_string(
        (CAPTIONS / name).read_text(encoding="utf-8") + TARGETS
    )
    settings = {"halt_level": 2, "report_level": 5}
    text = template.render(snakemake=snakemake)
    return publish_parts(text, writer="html", settings_overrides=settings)["body"]


@pytest.mark.parametrize("mark", ["", "demo scale · ResNet-8"])
@pytest.mark.parametrize("name", sorted(path.name for path in CAPTIONS.glob("*.rst")))
def test_captions_render(name, mark):
    text = rendered(name, mark)
    assert (f"Scale: {mark}." in text) == (bool(mark) and name != "workflow.rst")


@pytest.mark.parametrize("name", ["figure.rst", "table.rst"])
def test_captions_name_artifact_models_and_seeds(name):
    text = rendered(name, "")
    assert "sar.fig4: Average spectra." in text
    assert text.count("fashion-mnist-sample_resnet8_sar-natural") == 1
    assert "seeds: 0, 1." in text


@pytest.mark.parametrize("name", ["figure.rst", "table.rst"])
@pytest.mark.parametrize(
    "title", ["costs $5 or *6", "a_b_ `c` |d|", ":math:`x` <b>", r"\alpha [1]_ **", "{{ x }} & y"]
)
def test_names_are_text_in_captions(name, title):
    assert html.escape(f"sar.fig4: {title}.", quote=False) in rendered(name, title, title)
