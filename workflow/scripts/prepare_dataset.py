"""Prepare a data set: published archives to one file per split."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.data.preparation import prepare
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input):
    prepare(snakemake.wildcards.dataset, Path(snakemake.output.about).parent)
