"""Put all measurements of a scale into one table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.files import write_text
from passband.jobs import job
from passband.measurements import collected

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input):
    measured = zip(snakemake.input.csv, snakemake.input.arrays, strict=True)
    write_text(snakemake.output[0], collected(measured))
