"""How the report writes ids, numbers and times."""

import re
from datetime import datetime

MINUS = "\N{MINUS SIGN}"

PRINTED = {
    "consistent": "They agree with the claim.",
    "partly": "They support the claim only in part.",
    "contradicted": "They contradict the claim.",
    "no_numbers": "It prints none for this claim.",
}


KINDS = {
    "fig": "Figure",
    "table": "Table",
    "sec": "Section",
    "alg": "Algorithm",
    "appendix": "Appendix",
}
ARTIFACT = re.compile(rf"({'|'.join(KINDS)})(\d[a-z0-9]*)?(?:_(.*))?")


def label(artifact: str) -> str:
    """What the paper calls an artifact.

    >>> label("sar.fig7"), label("sar.table1"), label("jafr.alg1")
    ('Figure 7', 'Table 1', 'Algorithm 1')
    >>> label("hfc.sec5_other"), label("hfc.appendix_datasets"), label("hfc.appendix_5x5")
    ('Section 5, other', 'Appendix, datasets', 'Appendix, 5x5')
    """
    name = artifact.partition(".")[2] or artifact
    found = ARTIFACT.fullmatch(name)
    if not found:
        return (name[:1].upper() + name[1:]).replace("_", " ")
    kind, number, rest = found.groups("")
    words = [f"{KINDS[kind]} {number}".strip(), rest.replace("_", " ")]
    return ", ".join(filter(None, words))


def number(value: float, decimals: int, sign: bool = False) -> str:
    """
    >>> number(-1234.5, 1), number(3.21, 1, sign=True), number(-0.001, 1, sign=True)
    ('−1,234.5', '+3.2', '0.0')
    """
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        return text
    return f"{MINUS if value < 0 else '+' if sign else ''}{text}"


def duration(seconds: float) -> str:
    """
    >>> duration(42.4), duration(754), duration(9000)
    ('42 s', '12 min 34 s', '2 h 30 min')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def moment(timestamp: str) -> str:
    """
    >>> moment("2026-11-21T07:35:10Z")
    '21 November 2026, 07:35 UTC'
    """
    time = datetime.fromisoformat(timestamp)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"
