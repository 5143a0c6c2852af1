"""Make a derived model: a transform of a trained model's weights."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.jobs import job
from passband.models.derivation import run_derivation

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input):
    run_derivation(
        name=snakemake.wildcards.model,
        network=snakemake.params.network,
        derived=snakemake.params.derived,
        seed=int(snakemake.wildcards.seed),
        source=Path(snakemake.input.weights),
        data_file=Path(snakemake.input.test),
        weights=Path(snakemake.output.weights),
        run=Path(snakemake.output.run),
    )
