"""The report's first sentences, made of the tally and of what the scale changes."""

from collections.abc import Iterable, Mapping, Sequence

from passband.text import listed


def what_holds(tally: Mapping, themes: Iterable[Mapping]) -> str:
    """What holds here, over all and by theme.

    Args:
        tally: of all findings, see `passband.report.verdicts.tally`.
        themes: as `passband.report.verdicts.by_theme` returns them.

    >>> def of(*numbers):
    ...     names = ("reproduced", "contradicted", "inconclusive")
    ...     return {"tested": sum(numbers), "verdicts": dict(zip(names, numbers))}
    >>> print(what_holds(of(3, 1, 0), [{"title": "Where attacks live", "tally": of(3, 1, 0)}]))
    Of 4 claims that could be tested here, 3 are reproduced, 1 is contradicted and 0 stay open.
    By theme, claims reproduced of those tested: where attacks live 3 of 4.
    """
    tested, counts = tally["tested"], tally["verdicts"]
    if not tested:
        return "None of the claims could be tested here."
    total = (
        f"Of {tested} {'claim' if tested == 1 else 'claims'} that could be tested here, "
        f"{_are(counts['reproduced'])} reproduced, {_are(counts['contradicted'])} contradicted and "
        f"{counts['inconclusive']} {'stays' if counts['inconclusive'] == 1 else 'stay'} open"
    )
    shares = [
        f"{theme['title'][:1].lower()}{theme['title'][1:]} "
        f"{theme['tally']['verdicts']['reproduced']} of {theme['tally']['tested']}"
        for theme in themes
        if theme["tally"]["tested"]
    ]
    by_theme = f".\nBy theme, claims reproduced of those tested: {'; '.join(shares)}."
    return total + (by_theme if shares else ".")


def what_this_scale_says(
    tally: Mapping,
    substitutions: Sequence[Mapping],
    changes: Sequence[object],
    seeds: Sequence[int],
    mark: str,
) -> str:
    """What a verdict at this scale can mean and what it cannot."""
    sentences = []
    if mark:
        shorter = " and trainings and measurements are shortened" if changes else ""
        stand_ins = "; ".join(f"{one['here']} for {listed(one['paper'])}" for one in substitutions)
        replaced = f"stand-ins take the place of the papers’ data or networks ({stand_ins})"
        sentences.append(
            f"{mark[:1].upper()}{mark[1:]}: "
            f"{replaced if stand_ins else 'budgets are not those of the papers'}{shorter}, so a "
            "verdict says whether a pattern shows here, not whether a printed number is right."
        )
    else:
        sentences.append("Data sets, networks and budgets are those that the papers name.")
    untested = [
        f"{count} {words}"
        for verdict, words in (
            ("not testable here", "cannot be tested, since a precondition fails"),
            ("not run", "were not run"),
        )
        if (count := tally["verdicts"][verdict])
    ]
    if untested:
        sentences.append(f"Of the other claims, {listed(untested)}.")
    if len(seeds) == 1:
        sentences.append(
            "Every network was trained once: intervals cover the choice of test images, not how "
            "much one training differs from the next."
        )
    elif seeds:
        sentences.append(
            f"Every network was trained with {len(seeds)} seeds: intervals cover the choice of test "
            "images and the spread between trainings."
        )
    return " ".join(sentences)


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"
