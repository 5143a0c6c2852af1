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
    Of 4 claims that could be tested, 3 are reproduced, 1 is contradicted and 0 are inconclusive.
    By theme, claims reproduced of those tested: where attacks live 3 of 4.
    """
    tested, counts = tally["tested"], tally["verdicts"]
    if not tested:
        return "None of the claims could be tested here."
    total = (
        f"Of {tested} {'claim' if tested == 1 else 'claims'} that could be tested, "
        f"{_are(counts['reproduced'])} reproduced, {_are(counts['contradicted'])} contradicted and "
        f"{_are(counts['inconclusive'])} inconclusive"
    )
    shares = [
        f"{theme['title'][:1].lower()}{theme['title'][1:]} "
        f"{theme['tally']['verdicts']['reproduced']} of {theme['tally']['tested']}"
        for theme in themes
        if theme["tally"]["tested"]
    ]
    by_theme = f".\nBy theme, claims reproduced of those tested: {'; '.join(shares)}."
    return total + (by_theme if shares else ".")


def what_this_scale_says(content: Mapping, tally: Mapping, seeds: Sequence[int]) -> str:
    """What a verdict at this scale can mean, what it cannot, and how many claims have none.

    Args:
        content: what `collect_content` returns.
        tally: of all findings.
        seeds: those of the models.
    """
    counts = tally["verdicts"]
    untested = [
        f"{counts[verdict]} {words}"
        for verdict, words in (
            ("not testable here", "cannot be tested here, since a precondition fails"),
            ("not run", "were not run"),
        )
        if counts[verdict]
    ]
    others = f" Of the other claims, {listed(untested)}." if untested else ""
    return f"{_scope(content)}{others} {_spread(seeds)}".strip()


def _scope(content: Mapping) -> str:
    if not content["scale"]["mark"]:
        return "Data sets, networks and budgets are those that the papers name."
    data = [
        f"{one['here']} stands in for {listed(one['paper'])}"
        for one in content["substitutions"]
        if one["kind"] == "datasets"
    ]
    kinds = {one["kind"] for one in content["substitutions"]}
    changes = [
        *(["other attacks are used in training"] if "training_attacks" in kinds else []),
        *data,
        *(["other networks replace the papers’"] if "architectures" in kinds else []),
        *(["trainings and measurements are shortened"] if content["changes"] else []),
    ]
    changed = listed(changes) or "Something differs from the papers"
    return (
        f"{changed[:1].upper()}{changed[1:]}: a verdict says whether a pattern shows here, not "
        "whether a printed number is right."
    )


def _spread(seeds: Sequence[int]) -> str:
    if not seeds:
        return ""
    if len(seeds) == 1:
        return (
            f"Every network was trained once (seed {seeds[0]}): intervals cover the choice of test "
            "images, not how much one training differs from the next."
        )
    return (
        f"Every network was trained with {len(seeds)} seeds: intervals cover the choice of test "
        "images and the spread between trainings."
    )


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"
