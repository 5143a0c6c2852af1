"""Run a scale from nothing in a temporary folder and print where its time went.

    python scripts/time_scale.py [demo] [--cores 2]
    python scripts/time_scale.py --results results/demo

The second form runs nothing: it adds up what the jobs of a finished run have used. CPU seconds do
not depend on what else the machine does, so their sum over the cores estimates the time on an idle
machine.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from passband.files import read_json

PROJECT = Path(__file__).resolve().parents[1]
USED = ("seconds", "cpu_seconds", "memory_mb", "gpu_memory_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scale", nargs="?", default="demo")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, help="the folder of a finished run")
    arguments = parser.parse_args()
    if arguments.results:
        print_used(arguments.results)
        return
    with TemporaryDirectory(prefix="passband-time-") as folder:
        overlay = Path(folder) / "overlay.yaml"
        roots = {"results_root": f"{folder}/results", "data_root": f"{folder}/data"}
        overlay.write_text(yaml.safe_dump({"scale": arguments.scale} | roots))
        command = [
            *(sys.executable, "-m", "snakemake", "--cores", str(arguments.cores)),
            *("--configfile", str(overlay)),
        ]
        started = time.monotonic()
        subprocess.run(command, cwd=PROJECT, check=True)
        wall = time.monotonic() - started
        print(f"{arguments.scale} on {arguments.cores} cores: {wall:.0f} s = {wall / 60:.1f} min")
        print_used(Path(folder) / "results" / arguments.scale)


def print_used(results: Path) -> None:
    """Print what the jobs of a run have used, by the folder of their logs and, of measurements, by
    what was measured."""
    groups: dict[str, list[dict]] = {}
    for file in sorted(results.glob("logs/**/*.json")):
        parts = file.relative_to(results / "logs").with_suffix("").parts
        stage, name = parts[0], parts[-1]  # the same where the file lies in no folder
        group = f"{stage} {name}" if stage in ("attack", "probe") else stage
        groups.setdefault(group, []).append(read_json(file, USED))
    print(f"{'':28}  jobs  CPU s  each  wall s  most MB  GPU MB")
    groups["all"] = [job for jobs in groups.values() for job in jobs]
    for group, jobs in groups.items():
        cpu, wall = (sum(job[key] for job in jobs) for key in ("cpu_seconds", "seconds"))
        most, on_gpu = (max(job[key] for job in jobs) for key in ("memory_mb", "gpu_memory_mb"))
        each = cpu / len(jobs)
        print(f"{group:28} {len(jobs):5} {cpu:6.0f} {each:5.1f} {wall:7.0f} {most:8,} {on_gpu:7,}")


if __name__ == "__main__":
    main()
