"""Import the published weights of a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.jobs import job
from passband.models.importing import run_import

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input):
    run_import(
        name=snakemake.wildcards.model,
        network=snakemake.params.network,
        imported=snakemake.params.imported,
        seed=int(snakemake.wildcards.seed),
        folder=Path(snakemake.params.folder),
        weights=Path(snakemake.output.weights),
        run=Path(snakemake.output.run),
    )
