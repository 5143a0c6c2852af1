"""How the report writes ids, numbers and times."""

import re
from collections.abc import Mapping
from datetime import datetime

from passband.findings.reasons import DIRECTIONS

MINUS = "\N{MINUS SIGN}"

PAPER = {
    "consistent": "The paper’s numbers support it",
    "partly": "The paper’s numbers support it in part",
    "contradicted": "The paper’s numbers contradict it",
    "no_numbers": "The paper prints no numbers for it",
}
OURS = {
    "reproduced": "ours do, too",
    "contradicted": "ours contradict it",
    "inconclusive": "ours leave it open",
    "not testable here": "ours cannot test it",
    "not run": "none were measured here",
}
SIGNS = {"above": "> ", "below": "< ", "within": "within ±", "beyond": "beyond ±"}

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


def support(row: Mapping) -> str:
    """Whose numbers support a finding, in one line.

    >>> support({"printed": "consistent", "verdict": "reproduced"})
    'The paper’s numbers support it; ours do, too.'
    >>> support({"printed": "no_numbers", "verdict": "reproduced"})
    'The paper prints no numbers for it; ours support it.'
    """
    ours = OURS[row["verdict"]]
    if row["verdict"] == "reproduced" and row["printed"] != "consistent":
        ours = "ours support it"
    return f"{PAPER[row['printed']]}; {ours}."


def claimed(row: Mapping) -> str:
    """The threshold of a finding and which side of it is claimed; "" without a threshold.

    >>> row = {"direction": "above", "threshold": 2.5, "unit": "points", "threshold_from": "ours"}
    >>> claimed(row)
    'claim: more than 2.5 points (threshold: ours)'
    >>> claimed({"direction": "below", "threshold": 0.0, "unit": "", "threshold_from": ""})
    'claim: less than 0'
    """
    if row["threshold"] is None or not row["direction"]:
        return ""
    value = f"{row['threshold']:g}".replace("-", MINUS)
    unit = f" {row['unit']}" if row["unit"] and row["threshold"] else ""
    words = DIRECTIONS[row["direction"]].format(f"{value}{unit}")
    of = {"ours": " (threshold: ours)", "paper": " (the paper’s threshold)"}
    return f"claim: {words}{of.get(row['threshold_from'], '')}"


def threshold(row: Mapping) -> str:
    """What `claimed` says, in signs.

    >>> row = {"direction": "above", "threshold": 2.5, "threshold_from": "ours"}
    >>> threshold(row), threshold(row | {"direction": "within", "threshold_from": "paper"})
    ('> 2.5 (ours)', 'within ±2.5')
    """
    if row["threshold"] is None or not row["direction"]:
        return ""
    value = f"{row['threshold']:g}".replace("-", MINUS)
    ours = " (ours)" if row["threshold_from"] == "ours" else ""
    return f"{SIGNS[row['direction']]}{value}{ours}"


def effect(row: Mapping) -> str:
    """A finding's effect with its unit and interval; "" without an effect.

    >>> row = {"effect": 12.5, "ci_low": 10.1, "ci_high": 14.9, "unit": "points"}
    >>> effect(row)
    '+12.5 points [+10.1, +14.9]'
    >>> effect(row | {"ci_low": None, "unit": ""})
    '12.500, no interval'
    """
    if row["effect"] is None:
        return ""
    signed = row["unit"] == "points"

    def written(value: float) -> str:
        return number(value, 1 if row["unit"] else 3, signed)

    ends = [row["ci_low"], row["ci_high"]]
    interval = ", no interval" if None in ends else f" [{', '.join(map(written, ends))}]"
    return f"{written(row['effect'])}{' ' + row['unit'] if row['unit'] else ''}{interval}"


def sample(row: Mapping) -> str:
    """
    >>> sample({"n": 1000.0, "sample": "images"}), sample({"n": 0.0, "sample": ""})
    ('1,000 images', '')
    """
    return f"{number(row['n'], 0)} {row['sample']}".strip() if row["n"] else ""


def number(value: float, decimals: int, sign: bool = False) -> str:
    """
    >>> number(-1234.5, 1), number(3.21, 1, sign=True), number(-0.001, 1, sign=True)
    ('−1,234.5', '+3.2', '0.0')
    """
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        return text
    return f"{MINUS if value < 0 else '+' if sign else ''}{text}"


def first_sentence(text: str) -> str:
    """
    >>> first_sentence("It is 14.2 percent (needed: more than 50 percent). On it, more.")
    'It is 14.2 percent (needed: more than 50 percent).'
    >>> first_sentence("Only one.")
    'Only one.'
    """
    return re.split(r"(?<=[\w)])\. (?=[A-Z])", text)[0].rstrip(".") + "."


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
