"""The script that adds up what the jobs of a run have used."""

import runpy
from pathlib import Path

from passband.files import write_json

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts/time_scale.py"))


def test_jobs_are_added_up_by_what_they_do(tmp_path, capsys):
    seconds = {
        "findings": 3,
        "data/sample": 2,
        "train/one/seed-0": 40,
        "train/two/seed-0": 60,
        "probe/one/seed-0/lowpass": 5,
        "attack/one/seed-0/pgd-20": 7,
    }
    for name, cpu in seconds.items():
        used = {"seconds": 2.0 * cpu, "cpu_seconds": cpu, "memory_mb": 100, "gpu_memory_mb": 0}
        write_json(tmp_path / f"logs/{name}.json", used)
    SCRIPT["print_used"](tmp_path)
    rows = (line.rsplit(maxsplit=6) for line in capsys.readouterr().out.splitlines()[1:])
    assert {
        name.strip(): [float(one) for one in (jobs, cpu, wall)]
        for name, jobs, cpu, _, wall, *_ in rows
    } == {
        "findings": [1, 3, 6],
        "data": [1, 2, 4],
        "train": [2, 100, 200],
        "probe lowpass": [1, 5, 10],
        "attack pgd-20": [1, 7, 14],
        "all": [6, 117, 234],
    }
