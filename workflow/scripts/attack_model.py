"""Attack a trained model on the test images; keep the perturbations and what they broke."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.compute import choose
from passband.jobs import job
from passband.probes.run import run_attack

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input, lower="test_images"):
    run_attack(
        attack=snakemake.params.attack,
        model_name=snakemake.wildcards.model,
        network=snakemake.params.network,
        seed=int(snakemake.wildcards.seed),
        weights=Path(snakemake.input.weights),
        data_file=Path(snakemake.input.test),
        limit=snakemake.params.limit,
        perturbation=snakemake.output.get("perturbation"),
        csv=Path(snakemake.output.csv),
        arrays=Path(snakemake.output.arrays),
        compute=choose(snakemake.threads, snakemake.resources.get("gpu", 0)),
    )
