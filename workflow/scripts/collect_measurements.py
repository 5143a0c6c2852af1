"""Put all measurements of a scale into one table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import pandas as pd

from passband.files import write_text
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    tables = [pd.read_csv(path, keep_default_na=False) for path in snakemake.input.csv]
    write_text(snakemake.output[0], pd.concat(tables).to_csv(index=False))
