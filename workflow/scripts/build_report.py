"""Write the HTML report of a scale."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "src"))

import yaml

from passband.jobs import job
from passband.report import build_report, collect_content, describe_build

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def read(path: str) -> dict:
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


with job(snakemake.log[0]):
    config, scale = snakemake.params.config, snakemake.params.scale
    rows = read(snakemake.input.artifact_rows)
    content = collect_content(
        scale=config | scale,
        papers=rows["papers"],
        artifacts=rows["artifacts"],
        claims=read(snakemake.input.claims)["findings"],
        inventory=read(snakemake.input.inventory)["papers"],
        titles=snakemake.params.titles,
        findings=snakemake.input.findings,
        measurements=snakemake.input.measurements,
        outputs=[*snakemake.input.artifacts, *snakemake.params.notebooks],
        runs=snakemake.input.runs,
        histories=snakemake.input.histories,
        provenance=describe_build(PROJECT, config, scale["expected"]),
    )
    folder = Path(snakemake.output[0]).parent
    build_report(content, folder, Path(snakemake.input.templates[0]).parent)
