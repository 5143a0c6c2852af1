"""Write the HTML report of a scale."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "src"))

from passband.jobs import job
from passband.report import build_report, collect_content, describe_build

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


with job(snakemake.log[0], snakemake.input):
    config, scale = snakemake.params.config, snakemake.params.scale
    content = collect_content(
        scale=config | scale,
        papers=snakemake.params.papers,
        artifacts=snakemake.params.artifacts,
        claims=snakemake.params.claims,
        themes=snakemake.params.themes,
        left_out=snakemake.params.left_out,
        models=snakemake.params.models,
        titles=snakemake.params.titles,
        findings=snakemake.input.findings,
        measurements=snakemake.input.measurements,
        measured=zip(snakemake.input.csv, snakemake.input.arrays, strict=True),
        outputs=[*snakemake.input.artifacts, *snakemake.params.notebooks],
        runs=snakemake.input.runs,
        histories=snakemake.input.histories,
        provenance=describe_build(PROJECT, config, scale["expected"]),
    )
    folder = Path(snakemake.output[0]).parent
    build_report(content, folder, Path(snakemake.input.templates[0]).parent)
