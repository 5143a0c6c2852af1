"""What models are called, and what was trained in the place of the paper's training.

A model's row has under `trained_with` what was trained with and what the paper trains with, as
pairs by name: {"training_attack": ["one step", "PGD-10"], "batch_size": [64, 256]}.
"""

from collections.abc import Mapping, Sequence

from passband import text

Pairs = Mapping[str, Sequence]


def both(pair: Sequence) -> str:
    """What was trained with, and in parentheses what the paper trains with where it differs.

    >>> both([64, 256]), both([256, 256])
    ('64 (paper: 256)', '256')
    """
    here, paper = pair
    return str(here) if here == paper else f"{here} (paper: {paper})"


def filled(words: str, trained_with: Pairs) -> str:
    """A text with what was trained with in the place of names in braces.

    >>> filled("batch size {batch_size}", {"batch_size": [64, 256]})
    'batch size 64 (paper: 256)'
    """
    return text.filled(words, {name: both(pair) for name, pair in trained_with.items()})


def attack_note(trained_with: Pairs) -> str:
    """The attack of a model's training where it is not the paper's; else empty."""
    pair = trained_with.get("training_attack", ("", ""))
    return "" if pair[0] == pair[1] else both(pair)


def label(name: str, trained_with: Pairs) -> str:
    """What figures and tables call a model: its name, and its training attack if substituted.

    >>> label("AT", {"training_attack": ["one step", "PGD-10"]}), label("Natural", {})
    ('AT, one step (paper: PGD-10)', 'Natural')
    """
    parts = [filled(name, trained_with), attack_note(trained_with)]
    return ", ".join(filter(None, parts))
