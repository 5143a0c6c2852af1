"""What must hold before a claim can be tested."""

from collections.abc import Iterator, Mapping, Sequence

from passband.errors import UserError
from passband.findings.claims.between_networks import by_dataset
from passband.findings.clause import Clause, holds
from passband.findings.contrast import Contrast, Language, Term, parse
from passband.findings.masking import ALL
from passband.findings.measured import Group
from passband.findings.reasons import stated, wanted

IMAGES = 100  # the fewest behind a clause in images


def read_preconditions(
    rows: Mapping[str, Mapping], language: Language
) -> dict[str, tuple[Contrast, str]]:
    """The preconditions of a paper's findings.yaml by name: contrast, and the fact in words.

    Raises:
        UserError: an inequality makes no sense; names the precondition.
    """
    found = {}
    for name, row in rows.items():
        try:
            found[name] = parse(row["holds"], language), row["says"]
        except UserError as error:
            raise UserError(f"precondition '{name}': {error}") from None
    return found


def failures(
    preconditions: Mapping[str, tuple[Contrast, str]],
    groups: Sequence[Group],
    terms: Sequence[Term],
    clauses: Sequence[Clause],
) -> list[str]:
    """The preconditions of a claim that fail, each as a sentence with its measured value.

    Args:
        preconditions: those that the finding needs, as `read_preconditions` returns them.
        groups: what the claim is judged on.
        terms: the scores that feed the claim.
        clauses: the judged clauses.
    """
    return [
        *_named(preconditions, groups),
        *dict.fromkeys(_masked(groups, terms)),
        *dict.fromkeys(_few(clauses)),
    ]


def _named(
    preconditions: Mapping[str, tuple[Contrast, str]], groups: Sequence[Group]
) -> Iterator[str]:
    for name, (contrast, says) in preconditions.items():
        joint = any(term.network for term in contrast.terms)
        for group in by_dataset(groups) if joint else groups:
            clause = Clause(
                group.interval(contrast),
                contrast.direction,
                contrast.threshold,
                says,
                group.where,
                contrast.unit,
            )
            if not holds(clause):
                fact = stated(clause, f"needed: {wanted(clause)}")
                yield f"The precondition {name} fails on {group.where}: {fact}."


def _masked(groups: Sequence[Group], terms: Sequence[Term]) -> Iterator[str]:
    """A sentence for each model whose accuracy under attack feeds the claim and that is flagged."""
    for term in terms:
        for group in groups if term.attacked else ():
            if term.network not in ("", group.network):
                continue
            signs = group.masking.get(term.name, {})
            for sign in (signs[name] for name in (ALL, term.attack) if name in signs):
                model = group.language.model(term.name)
                yield f"The {model} on {group.where} may be falsely robust: {sign}."


def _few(clauses: Sequence[Clause]) -> Iterator[str]:
    for clause in clauses:
        n = clause.interval.n
        if clause.sample == "images" and n < IMAGES:
            yield f"Too few images on {clause.where}: {n} (needed: at least {IMAGES})."
