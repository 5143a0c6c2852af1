"""Measure a trained model with one probe."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.compute import choose
from passband.jobs import job
from passband.probes.run import run_probe

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

limit = "train_images" if snakemake.params.probe.get("split") == "train" else "test_images"

with job(snakemake.log[0], snakemake.input, lower=limit):
    run_probe(
        probe=snakemake.params.probe,
        name=snakemake.wildcards.probe,
        model_name=snakemake.wildcards.model,
        network=snakemake.params.network,
        recipe=snakemake.params.recipe,
        seed=int(snakemake.wildcards.seed),
        weights=Path(snakemake.input.weights),
        data_file=Path(snakemake.input.images),
        perturbation=next(map(Path, snakemake.input.get("perturbation", [])), None),
        corrupted=next(map(Path, snakemake.input.get("corrupted", [])), None),
        limit=snakemake.params.limit,
        csv=Path(snakemake.output.csv),
        arrays=Path(snakemake.output.arrays),
        compute=choose(snakemake.threads, snakemake.resources.get("gpu", 0)),
    )
