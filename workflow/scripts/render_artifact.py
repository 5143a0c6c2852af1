"""Draw a figure or make a table by running its notebook."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.figures.render import render
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input, lower="test_images"):
    written = ("notebook", "parameters")
    outputs = {name: str(path) for name, path in snakemake.output.items() if name not in written}
    render(
        Path(snakemake.input.template),
        snakemake.params.parameters | {"outputs": outputs},
        executed=Path(snakemake.output.notebook),
        parameters_file=Path(snakemake.output.parameters),
    )
