"""Corrupt the images that a probe measures models on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.data.corrupting import corrupt
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input, lower="test_images"):
    corrupt(
        data_file=Path(snakemake.input.images),
        dataset=snakemake.wildcards.dataset,
        corruptions=snakemake.params.corruptions,
        severities=snakemake.params.severities,
        images=snakemake.params.images,
        downloads=Path(snakemake.params.downloads),
        output=Path(snakemake.output[0]),
    )
