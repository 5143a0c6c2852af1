"""Train the shared prefix of several models, or go on where an earlier attempt stopped."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.compute import choose
from passband.jobs import job
from passband.training.run import run_shared_prefix

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

lower = "batch_size of its recipe or train_images"
with job(snakemake.log[0], snakemake.input, lower):
    prefix = snakemake.params.prefix
    run_shared_prefix(
        name=snakemake.wildcards.model,
        architecture=prefix["architecture"],
        recipe=prefix["recipe"],
        until=prefix["until"],
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.train),
        test_file=next(map(Path, snakemake.input.get("test", [])), None),
        limit=snakemake.params.limit,
        checkpoint=Path(snakemake.params.checkpoint),
        output=Path(snakemake.output[0]),
        compute=choose(snakemake.threads, snakemake.resources.get("gpu", 0)),
    )
