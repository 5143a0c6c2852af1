"""The comparison of two runs: what differs, by how much, and the exit status."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/compare_runs.py"
MEASUREMENTS = pd.DataFrame(
    [
        ["F", "resnet8", "AT", "f_r_at", 0, probe, "accuracy", condition, value, 100]
        for probe, condition, value in (
            ("pgd-20", "attack=none", 80.0),
            ("pgd-20", "attack=pgd-20;steps=20", 41.5),
            ("lowpass", "filter=low-1-2;bandwidth=16", 60.0),
        )
    ],
    columns=[
        "dataset",
        "architecture",
        "method",
        "model",
        "seed",
        "probe",
        "metric",
        "condition",
        "value",
        "n_images",
    ],
)
FINDINGS = pd.DataFrame(
    {
        "finding": ["a.fig1a", "a.fig1b"],
        "verdict": ["holds", "open"],
        "effect": [3.25, None],
        "ci_low": [1.0, None],
        "ci_high": [5.5, None],
    }
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Run the script: (exit status, lines of its output)."""

    def run(*arguments: object) -> tuple[object, list[str]]:
        monkeypatch.setattr("sys.argv", [str(SCRIPT), *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return ended.value.code, capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def compare(tmp_path: Path, run):
    """Write both runs and compare them: (exit status, lines of the output)."""

    def compared(measurements=MEASUREMENTS, findings=FINDINGS, *options: str):
        runs = {"old": (MEASUREMENTS, FINDINGS), "new": (measurements, findings)}
        for name, tables in runs.items():
            (tmp_path / name).mkdir(exist_ok=True)
            tables[0].to_csv(tmp_path / name / "measurements.csv", index=False)
            tables[1].to_csv(tmp_path / name / "findings.csv", index=False)
        return run(tmp_path / "old", tmp_path / "new", *options)

    return compared


def test_equal_runs_do_not_differ(compare):
    status, lines = compare()
    assert status == 0
    assert lines == ["3 and 3 measurements, 2 and 2 findings.", "Nothing differs."]


def test_a_changed_value_is_shown_with_its_difference(compare):
    changed = MEASUREMENTS.copy()
    changed.loc[1, "value"] = 43.0
    status, lines = compare(changed)
    line = "f_r_at, seed 0, pgd-20, accuracy, attack=pgd-20;steps=20: 41.5 -> 43 (+1.5)"
    assert status == 1 and lines[1:] == [line]
    assert compare(changed, FINDINGS, "--tolerance", "2")[0] == 0


def test_the_largest_difference_comes_first(compare):
    changed = MEASUREMENTS.assign(value=[80.5, 41.5, 50.0])
    _, lines = compare(changed)
    assert [line.rsplit(": ", 1)[1] for line in lines[1:]] == [
        "60 -> 50 (-10)",
        "80 -> 80.5 (+0.5)",
    ]


def test_other_images_are_a_difference(compare):
    changed = MEASUREMENTS.assign(n_images=[100, 100, 90])
    status, lines = compare(changed)
    assert status == 1 and lines[1].endswith("60 -> 60 (+0, n 100 and 90)")


def test_a_missing_measurement_is_named(compare):
    status, lines = compare(MEASUREMENTS.iloc[:2])
    assert status == 1 and lines[1:] == ["only in OLD: f_r_at, seed 0, lowpass, accuracy"]
    status, lines = compare(MEASUREMENTS.iloc[1:])
    assert status == 1 and lines[1:] == ["2 and 1 conditions: f_r_at, seed 0, pgd-20, accuracy"]


def test_renamed_conditions_meet_in_their_order(compare):
    renamed = MEASUREMENTS.copy()
    renamed.loc[1, "condition"] = "attack=pgd-20;steps=20;start=uniform"
    assert compare(renamed)[0] == 0
    renamed.loc[1, "value"] = 40.0
    status, lines = compare(renamed)
    assert status == 1
    assert lines[1].endswith("attack=pgd-20;steps=20;start=uniform: 41.5 -> 40 (-1.5)")


def test_changed_findings_are_shown(compare):
    changed = FINDINGS.assign(verdict=["does not hold", "open"], effect=[-2.0, 1.0])
    status, lines = compare(MEASUREMENTS, changed)
    assert status == 1
    assert lines[1:] == [
        "finding a.fig1a: holds -> does not hold",
        "finding a.fig1a: effect 3.25 -> -2",
        "finding a.fig1b: effect nan -> 1",
    ]
    status, lines = compare(MEASUREMENTS, FINDINGS.iloc[:1])
    assert status == 1 and lines[1:] == ["only in OLD: finding a.fig1b"]


def test_a_folder_without_a_run_ends_with_a_sentence(run, tmp_path):
    message, _ = run(tmp_path, tmp_path)
    assert "measurements.csv is missing: name the folder of a finished run" in message
