"""Names in config: validation, substitution, and changes by pattern."""

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce

from passband.errors import UserError, unknown
from passband.plan.reading import merged
from passband.text import shortened

LONGEST = 60  # signs of a name; a model's folder joins up to four of them
REPEATED = re.compile(r"(.+?)\1{19}")  # which Snakemake takes for the work of an endless loop

# Joints between the words of a name. Model ids put "_" between data set, architecture and recipe;
# the names of papers begin the names of artifacts and are targets.
JOINTS = dict.fromkeys(("dataset", "recipe", "transform", "model", "recorder"), "-")
JOINTS |= dict.fromkeys(("architecture", "paper", "artifact"), "_")

# Names that already mean something: what is measured without an attack, behind no filter or in
# training; pages of the report and targets of the workflow.
RESERVED = {
    "attack": ("none", "training"),
    "probe": ("none", "training"),
    "filter": ("none",),
    "paper": (
        *("index", "provenance", "all", "everything", "findings"),
        *("prepare_dataset", "train_shared_prefix", "train_model", "train_recorded_model"),
        *("prepare_test_set", "import_model", "corrupt_images"),
        *("derive_model", "attack_model", "attack_and_store", "probe_model", "draw_figure"),
        *("make_table", "collect_measurements", "judge_findings", "build_report"),
        *("unknown_artifact", "other_spelling"),
    ),
}


def check_names(kind: str, names: Iterable[str], source: str = "") -> None:
    """Raise UserError for the first name that could not be a file's name and part of a pattern.

    Args:
        kind: what is named, as the message has it.
        names: the names to check; those of artifacts are a paper's name, a dot and another name.
        source: the file that gives the names, as the message has it.
    """
    joints = JOINTS.get(kind, "-_")
    rule = re.compile(f"[a-z0-9]+([{joints}][a-z0-9]+)*")
    where = f"{source}: " if source else ""
    for name in names:
        parts = name.split(".", 1) if kind == "artifact" else [name]
        if not all(map(rule.fullmatch, parts)) or len(name) > LONGEST or REPEATED.search(name):
            raise UserError(
                f"{where}{shortened(repr(name))} cannot be the name of {_article(kind)}, expected "
                f"at most {LONGEST} lower-case letters and digits with single "
                f"{' or '.join(joints)} between them; rename it."
            )
        if name in RESERVED.get(kind, ()):
            raise UserError(
                f"{where}{name!r} cannot be the name of {_article(kind)}, since the name has "
                "another meaning; rename it."
            )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for the first unknown name, with the nearest known one.

    Args:
        kind: what is named, as the message has it.
        names: the names to check.
        known: the known names.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)


def substitute(name: str, substitutes: Mapping[str, str]) -> str:
    """The substitute of a name, or the name itself."""
    return substitutes.get(name, name)


def patched(row: Mapping, patches: Mapping, name: str) -> dict:
    """A row with the patches applied, in order, whose pattern matches its name."""
    fitting = [patch for pattern, patch in patches.items() if fnmatch.fnmatchcase(name, pattern)]
    return reduce(merged, fitting, dict(row))


def check_distinct(owner: str, values: Iterable[object]) -> None:
    """Raise UserError for a value that is listed more than once."""
    for value, count in Counter(values).items():
        if count > 1:
            raise UserError(f"{owner} lists {value} {count} times; list it once.")


def check_patterns(kind: str, patterns: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for a pattern that matches none of the known names."""
    known = list(known)
    check_known(kind, [one for one in patterns if not fnmatch.filter(known, one)], known)
