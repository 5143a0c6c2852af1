"""Draw a figure or make a table by running its notebook."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.figures.render import render
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    parameters = snakemake.params.parameters
    kind = parameters["artifact"]["kind"]
    outputs = {name: str(path) for name, path in snakemake.output.items() if name != "notebook"}
    files = {
        "dataset_file": next(iter(snakemake.input.get("dataset", [])), ""),
        "reference": snakemake.params.reference,
        "outputs": {kind: outputs},
    }
    render(Path(snakemake.input.template), parameters | files, Path(snakemake.output.notebook))
