"""Run a scale from nothing in a temporary folder and print where its time went.

    python scripts/time_scale.py [demo] [--cores 2]

Prints the wall time, and the share of it that was neither training nor measuring: process starts,
imports, scheduling, notebooks, the report, and cores that waited.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from passband.files import read_json

PROJECT = Path(__file__).resolve().parents[1]
MEASURED = re.compile(r"measured in ([\d.]+) s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scale", nargs="?", default="demo")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
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
        print_shares(Path(folder) / "results" / arguments.scale, wall, arguments.cores)


def print_shares(results: Path, wall: float, cores: int) -> None:
    """Print how much of `wall` seconds on `cores` cores was training and measuring."""
    runs = [read_json(file) for file in results.glob("models/**/run.json")]
    prefixes = {  # every run that begins with one counts it
        (run["shared_prefix"], run["seed"]): run["shared_prefix_seconds"]
        for run in runs
        if run.get("shared_prefix")
    }
    alone = sum(run["seconds"] - run.get("shared_prefix_seconds", 0) for run in runs)
    training = alone + sum(prefixes.values())
    logs = (file.read_text() for file in results.glob("logs/**/*.log"))
    measuring = sum(float(seconds) for log in logs for seconds in MEASURED.findall(log))
    outside = 1 - (training + measuring) / cores / wall
    print(f"{results.name} on {cores} cores: {wall:.0f} s = {wall / 60:.1f} min")
    print(f"training  {training:6.0f} s on one core each")
    print(f"measuring {measuring:6.0f} s on one core each")
    print(f"outside of both: {100 * outside:.0f} % of the wall time of all cores")


if __name__ == "__main__":
    main()
