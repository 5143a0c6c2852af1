"""Write the HTML report of a scale."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "src"))

from passband.jobs import job
from passband.measurements import check_collected
from passband.report import describe_build, render, write_sources

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


with job(snakemake.log[0], snakemake.input):
    params, made = snakemake.params, snakemake.input
    check_collected(made.measurements, zip(made.csv, made.arrays, strict=True))
    sources = {
        "scale": params.config | params.scale,
        "papers": params.papers,
        "artifacts": params.artifacts,
        "claims": params.claims,
        "themes": params.themes,
        "left_out": params.left_out,
        "models": params.models,
        "titles": params.titles,
        "provenance": describe_build(PROJECT, params.config, params.scale["expected"]),
        "findings": made.findings,
        "measurements": made.measurements,
        "outputs": [*made.artifacts, *params.notebooks],
        "runs": list(made.runs),
        "histories": list(made.histories),
    }
    folder = Path(snakemake.output[0]).parent
    write_sources(folder, sources)
    render(folder, Path(made.templates[0]).parent)
