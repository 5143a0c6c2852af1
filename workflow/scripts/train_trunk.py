"""Train what several models have in common, or go on where an earlier attempt stopped."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.compute import choose
from passband.jobs import job
from passband.training.run import run_trunk

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    trunk = snakemake.params.trunk
    run_trunk(
        name=snakemake.wildcards.model,
        architecture=trunk["architecture"],
        recipe=trunk["recipe"],
        until=trunk["until"],
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.train),
        limit=snakemake.params.limit,
        checkpoint=Path(snakemake.params.checkpoint),
        output=Path(snakemake.output[0]),
        compute=choose(snakemake.threads, snakemake.resources.get("gpu", 0)),
    )
