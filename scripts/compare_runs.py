"""Compare two runs of a scale: which measurements and verdicts differ, and by how much.

    python scripts/compare_runs.py OLD NEW

OLD and NEW are folders such as results/demo, each with measurements.csv and findings.csv. Exits
with 1 if anything differs.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from passband.errors import UserError
from passband.files import read_csv
from passband.jobs import speak_to_any_terminal

MEASURED = ["dataset", "architecture", "method", "model", "seed", "probe", "metric"]
NUMBERS = ["effect", "ci_low", "ci_high"]


def main() -> int:
    """Print the comparison; 0 if the runs agree."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path, help="folder of the first run, such as results/demo")
    parser.add_argument("new", type=Path, help="folder of the second run")
    parser.add_argument(
        "--tolerance", type=float, default=0.0, help="largest difference that counts as none"
    )
    arguments = parser.parse_args()
    speak_to_any_terminal()
    tables = {
        name: [read(folder / f"{name}.csv") for folder in (arguments.old, arguments.new)]
        for name in ("measurements", "findings")
    }
    lines = [
        *compare_measurements(*tables["measurements"], arguments.tolerance),
        *compare_findings(*tables["findings"], arguments.tolerance),
    ]
    counts = [len(table) for pair in tables.values() for table in pair]
    print(f"{counts[0]} and {counts[1]} measurements, {counts[2]} and {counts[3]} findings.")
    print("\n".join(lines) if lines else "Nothing differs.")
    return int(bool(lines))


def read(path: Path) -> pd.DataFrame:
    """A table of a run; ends the program with a sentence if it is missing or damaged."""
    if not path.is_file():
        sys.exit(f"{path} is missing: name the folder of a finished run, such as results/demo.")
    try:
        read_csv(path)
    except UserError as error:
        sys.exit(str(error))
    return pd.read_csv(path, keep_default_na=False, na_values={name: [""] for name in NUMBERS})


def compare_measurements(old: pd.DataFrame, new: pd.DataFrame, tolerance: float) -> list[str]:
    """A line for each measurement that is new, gone or different, the largest difference first.

    Rows meet by their condition. Where the conditions of a model, probe and metric are named
    differently in the two runs and there are as many, the rows meet in their order.
    """
    groups = [dict(list(table.groupby(MEASURED, sort=False))) for table in (old, new)]
    lines, found = [], []
    for key in dict.fromkeys([*groups[0], *groups[1]]):
        name = f"{key[3]}, seed {key[4]}, {key[5]}, {key[6]}"
        if key not in groups[0] or key not in groups[1]:
            lines.append(f"only in {'NEW' if key not in groups[0] else 'OLD'}: {name}")
            continue
        before, after = (group[key].set_index("condition") for group in groups)
        if set(before.index) != set(after.index):
            if len(before) != len(after):
                lines.append(f"{len(before)} and {len(after)} conditions: {name}")
                continue
            before = before.set_axis(after.index)
        columns = ["value", "n_images"]
        together = before[columns].join(after[columns].add_suffix("_new"))
        for condition, row in together.iterrows():
            difference = row["value_new"] - row["value"]
            if abs(difference) > tolerance or row["n_images"] != row["n_images_new"]:
                found.append((abs(difference), f"{name}, {condition}: {_change(row, difference)}"))
    ordered = sorted(found, key=lambda one: one[0], reverse=True)
    return lines + [line for _, line in ordered]


def _change(row: pd.Series, difference: float) -> str:
    images = f", n {row['n_images']:.0f} and {row['n_images_new']:.0f}"
    more = images if row["n_images"] != row["n_images_new"] else ""
    return f"{row['value']:g} -> {row['value_new']:g} ({difference:+g}{more})"


def compare_findings(old: pd.DataFrame, new: pd.DataFrame, tolerance: float) -> list[str]:
    """A line for each finding whose verdict or numbers differ."""
    before, after = (table.set_index("finding") for table in (old, new))
    lines = [f"only in OLD: finding {name}" for name in before.index.difference(after.index)]
    lines += [f"only in NEW: finding {name}" for name in after.index.difference(before.index)]
    for name in before.index.intersection(after.index):
        one, other = before.loc[name], after.loc[name]
        if one["verdict"] != other["verdict"]:
            lines.append(f"finding {name}: {one['verdict']} -> {other['verdict']}")
        changed = [
            f"{number} {one[number]:g} -> {other[number]:g}"
            for number in NUMBERS
            if abs(other[number] - one[number]) > tolerance
            or pd.isna(one[number]) != pd.isna(other[number])
        ]
        if changed:
            lines.append(f"finding {name}: {', '.join(changed)}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
