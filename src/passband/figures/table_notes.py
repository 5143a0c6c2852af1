"""The sentences below a table: marks, attacks, gradient-masking checks, contradictions."""

from collections.abc import Mapping, Sequence

import pandas as pd

from passband.errors import UserError
from passband.figures.attack_constants import constants, described
from passband.figures.load import in_order, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.tables import DAGGER, FEW, FLAG, RUNNER_UP, few
from passband.text import listed

NO_ATTACK = "none"


def mark_notes(cells: pd.DataFrame, ranks: Sequence[str]) -> list[str]:
    """What bold and underlined values, rows of filters, counts and second lines mean.

    Args:
        cells: of the table.
        ranks: the ranks that are marked; none in a table whose rows are filters.
    """
    if not ranks:
        notes = [
            "The attacks do not see the filter. k is the side of the square of frequencies that it "
            "keeps; rows meet the paper's by the fraction of the image side."
        ]
    else:
        note = (
            "Bold: best of its column and group, where the 95 % interval of its difference to the "
            "next best, taken image by image, excludes zero."
        )
        note += " Underlined: second best, by the same rule." * (RUNNER_UP in ranks)
        notes = [note + " No value here is." * bool((cells["rank"] == "").all())]
    seeds = int(cells["seeds"].max())
    notes[0] += f" Values are means over {seeds} training runs." * (seeds > 1)
    if few(cells).any():
        notes.append(f"Of fewer than {FEW} images, right answers are counted.")
    if (cells["beside"] != "").any():
        notes.append(
            "On the same images: the strongest of the attacks to the left that were run on more "
            "images, on the images of the cell."
        )
    return notes


def training_notes(rows: Mapping[Sequence[str], Sequence[str]]) -> list[str]:
    """What rows were trained with in the place of the paper's training.

    Args:
        rows: the names of rows, by the substitutions of their models.
    """
    texts = []
    for changes, names in rows.items():
        if changes:
            texts.append(f"{listed(names)}: " * (len(rows) > 1) + ", ".join(changes))
    joint = ". " if len(rows) > 1 else ": "
    return [f"Substitutions in training{joint}{'; '.join(texts)}."] if texts else []


def attack_notes(artifact: Artifact, columns: Sequence[Mapping[str, str]]) -> list[str]:
    """What the attacks of the columns are, every constant named."""
    attacks: dict[str, list[str]] = {}
    for column in columns:
        name = column.get("attack")
        if name is None:
            names = probe_metadata(artifact.models[0], column["measured"]).get("attacks", [])
            text = described([_attack(artifact, one) for one in names])
        elif name != NO_ATTACK:
            text = constants(_attack(artifact, name))
        else:
            continue
        if text:
            attacks.setdefault(text, []).append(column["name"])
    texts = [f"{listed(names)}: {text}" for text, names in attacks.items()]
    return ["Attacks. " + "; ".join(texts) + "."] if texts else []


def _attack(artifact: Artifact, name: str) -> Mapping[str, object]:
    if name not in artifact.attacks:
        raise UserError(
            f"{artifact.id} shows attack '{name}', but its parameters lack the attack's constants: "
            "make the artifact again."
        )
    return {"name": name, **artifact.attacks[name]}


def masking_notes(cells: pd.DataFrame, passed: str) -> list[str]:
    """Which rows fail a gradient-masking check and why, or that all pass."""
    flagged = cells[cells["masking"] != ""]
    names = ["dataset_title", "network", "row"]
    notes = []
    for row in flagged.drop_duplicates(names).itertuples():
        place = row.row
        place += f" on {row.dataset_title}" * (cells["dataset_title"].nunique() > 1)
        place += f" with {row.network}" * (
            cells["network"].nunique() > 1 and row.network != row.row
        )
        notes.append(f"{FLAG} {place}: robustness may be false. {_sentences(row.masking)}")
    return notes or [passed]


def contradiction_notes(cells: pd.DataFrame) -> list[str]:
    """What the paper prints elsewhere for its cells: row by row where it does for a whole row."""
    notes = []
    names = ["dataset_title", "network", "method", "row"]
    for (*_, name), row in cells.groupby(names, sort=False):
        if all(isinstance(cell, dict) and cell for cell in row["paper_elsewhere"]):
            notes.append(
                f"{DAGGER} {name}: the paper's other tables print other numbers for this network, "
                f"in the order of the columns: {_elsewhere(row)}."
            )
            continue
        for cell in row[(row["paper_note"] != "") & row["paper_value"].notna()].itertuples():
            notes.append(
                f"{DAGGER} {name}, {cell.column}, {cell.paper_dataset_title}: this table of the "
                f"paper prints {cell.paper_printed}, {cell.paper_note}."
            )
    return notes


def _elsewhere(row: pd.DataFrame) -> str:
    """The numbers that other tables print for the cells of a row; tables that agree together."""
    tables: dict[str, list[str]] = {}
    for table in in_order([name for cell in row["paper_elsewhere"] for name in cell]):
        pairs = zip(row["paper_elsewhere"], row["paper_printed"], strict=True)
        numbers = ", ".join(cell.get(table, printed) for cell, printed in pairs)
        tables.setdefault(numbers, []).append(table.removeprefix("Table "))
    return "; ".join(
        f"{numbers} in {'Tables' if len(same) > 1 else 'Table'} {listed(same)}"
        for numbers, same in tables.items()
    )


def _sentences(reasons: str) -> str:
    """Reasons that are joined by "; ", as sentences."""
    return " ".join(f"{reason[0].upper()}{reason[1:]}." for reason in reasons.split("; "))
