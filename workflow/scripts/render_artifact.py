"""Draw a figure or make a table by running its notebook."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.figures.render import render
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

ENDINGS = {"figure": ("svg", "pdf", "png"), "table": ("csv", "html", "tex")}

with job(snakemake.log[0]):
    parameters = snakemake.params.parameters
    kind = parameters["artifact"]["kind"]
    outputs = {ending: str(snakemake.output[ending]) for ending in ENDINGS[kind]}
    files = {
        "dataset_file": next(iter(snakemake.input.get("dataset", [])), ""),
        "reference": snakemake.params.reference,
        "outputs": {kind: outputs},
    }
    render(Path(snakemake.input.template), parameters | files, Path(snakemake.output.notebook))
