"""Train one model with one seed, or go on where an earlier attempt stopped."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.compute import choose
from passband.jobs import job
from passband.training.run import run_training

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

lower = "batch_size of its recipe or train_images"
with job(snakemake.log[0], snakemake.input, lower):
    training = snakemake.params.training
    run_training(
        name=snakemake.wildcards.model,
        architecture=training["architecture"],
        recipe=training["recipe"],
        seed=int(snakemake.wildcards.seed),
        data_file=Path(snakemake.input.train),
        test_file=next(map(Path, snakemake.input.get("test", [])), None),
        limit=snakemake.params.limit,
        shared_prefix=next(map(Path, snakemake.input.get("shared_prefix", [])), None),
        checkpoint=Path(snakemake.params.checkpoint),
        weights=Path(snakemake.output.weights),
        history=Path(snakemake.output.history),
        curves=Path(curves) if (curves := snakemake.output.get("curves")) else None,
        run=Path(snakemake.output.run),
        compute=choose(snakemake.threads, snakemake.resources.get("gpu", 0)),
    )
