"""Turn the papers' claims into verdicts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from passband.files import write_text
from passband.findings.judging import judge
from passband.jobs import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0], snakemake.input, lower="test_images"):
    params = snakemake.params
    verdicts = judge(
        params.findings,
        params.models,
        papers=params.papers,
        preconditions=params.preconditions,
        scores=params.scores,
        networks=params.architectures,
        artifacts=params.artifacts.values(),
        scale=params.scale,
        left_out=params.left_out,
    )
    write_text(snakemake.output[0], verdicts.to_csv(index=False))
    print(verdicts.verdict.value_counts().to_string())
