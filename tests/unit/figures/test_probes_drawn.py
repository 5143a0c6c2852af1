"""What the probes write is what figures and tables read."""

import pytest
import torch
from invented_artifacts import artifact_of, content
from invented_networks import Invented

from passband.attacks import ATTACKS
from passband.compute import Compute
from passband.evaluation import frozen
from passband.figures import FIGURES
from passband.figures.ratio_curves import DEFINITIONS
from passband.models import build
from passband.options import Known
from passband.plan.rows import ELSEWHERE, known_rows, resolve_row
from passband.probes import PROBES, Subject
from passband.quantities import number
from passband.spectra.activations import RATIOS

SIDE, N = 16, 8
FEWER = {"images": N, "examples": N, "batch": N}


def cheap(name: str) -> dict:
    """A cheap attack under the name of another one: a short search, one step, or noise."""
    row = content("attacks.yaml")[name]
    if ATTACKS.settings(row["attack"]).get("search"):
        return {"name": name, "attack": "fgsm_search", "largest": 1, "sizes": 10, "finer": 2}
    if "epsilon" in row:
        return {"name": name, "attack": "fgsm", "epsilon": number(row["epsilon"])}
    return {"name": name, "attack": "gaussian_noise", "std": 0.1}


@pytest.fixture(scope="module")
def entry(tmp_path_factory) -> dict:
    """A network of random weights, measured by every probe of the config."""
    trained = build("resnet8_hardtanh", 3, 10, SIDE, seed=0).eval().requires_grad_(False)
    images = torch.randint(0, 256, (N, 3, SIDE, SIDE), generator=torch.manual_seed(0)).byte()
    perturbation = torch.full(images.shape, 8 / 255)
    compute = Compute(torch.device("cpu"), torch.float32)
    classes = tuple(map(str, range(10)))
    labels = torch.arange(N)
    subject = Subject(frozen(trained), images, labels, classes, 0, compute, perturbation, trained)
    network = Invented(tmp_path_factory.mktemp("probed"), side=SIDE, n=N).clean()
    filters = {
        name: resolve_row("filter", name, row, {}) for name, row in content("filters.yaml").items()
    }
    names = {
        "attack": {name: Known(cheap(name)) for name in content("attacks.yaml")},
        "filter": known_rows("filter", filters),
    }
    for name, row in content("probes.yaml").items():
        if {"task", "recipe"} & set(PROBES.settings(row["probe"])):
            continue  # of another task than classification, or of how the network was trained
        smaller = row | {key: value for key, value in FEWER.items() if key in row}
        smaller = {key: value for key, value in smaller.items() if key not in ELSEWHERE}
        constants = resolve_row("probe", name, smaller, names)
        constants = {key: value for key, value in constants.items() if key not in ("name", "probe")}
        measured = PROBES[row["probe"]](subject, **constants)
        network.write(name, measured.rows, measured.arrays, measured.metadata)
    return network.entry()


@pytest.mark.parametrize(
    "id",
    [
        *("sar.table1", "sar.table2", "sar.fig2", "sar.fig3", "sar.fig4", "sar.fig5", "sar.fig6"),
        *("sar.fig7", "fourier_study.table1", "fourier_study.fig2", "fourier_study.fig3"),
        *("fourier_study.fig4", "fourier_study.fig7", "fourier_study.fig8", "hfc.fig7"),
        *("hfc.table2", "hfc.table2_curves"),
    ],
)
def test_measurements_of_the_probes_are_drawn(id, entry, tmp_path):
    changes = {"images": [0, 4]} if id in ("sar.fig3", "sar.fig5") else {}
    artifact = artifact_of(tmp_path, id, [entry], **changes)
    drawn = FIGURES[artifact.notebook](artifact, **artifact.options)
    if artifact.kind == "table":
        assert len(drawn.cells) == {"sar.table1": 9, "sar.table2": 5, "hfc.table2": 7}.get(id, 35)
        assert set(drawn.cells["n_images"]) == {N}
    else:
        assert all(axes.has_data() for axes in drawn.axes)


def test_every_definition_of_the_ratio_is_drawn():
    assert set(DEFINITIONS) == set(RATIOS)
