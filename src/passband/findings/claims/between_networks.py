"""The claim that inequalities hold between networks."""

from collections.abc import Sequence

from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.claims.contrasts import contrasts, read_clauses
from passband.findings.clause import Clause
from passband.findings.contrast import Language
from passband.findings.measured import Group


@CLAIMS.register("contrasts_between_networks")
def contrasts_between_networks(
    groups: Sequence[Group], language: Language, *, clauses: list[dict[str, object]]
) -> list[Clause]:
    """Every clause holds on every data set, and each of its models names its network.

    The networks see the same images.

    Args:
        clauses: as those of `contrasts`, with models such as 'My method with ResNet-18': a method
            and the title of a network.
    """
    for line in read_clauses(clauses, language):
        for term in line.contrast.terms:
            if not term.network:
                raise UserError(
                    f"clauses: '{term.method}' names no network; write it as 'METHOD with NETWORK'."
                )
    return contrasts(by_dataset(groups), language, clauses=clauses)


def by_dataset(groups: Sequence[Group]) -> list[Group]:
    """The networks on each data set as one group, whose models are each "METHOD with NETWORK"."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.dataset, []).append(group)
    return [first.joined(others) for first, *others in found.values()]
