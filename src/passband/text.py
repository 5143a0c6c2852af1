"""Building blocks of sentences."""

from collections.abc import Iterable


def listed(names: Iterable[str], joint: str = "and") -> str:
    """Names joined as in a sentence.

    >>> listed(["CIFAR-10", "CIFAR-100", "SVHN"]), listed(["a", "b"], "or"), listed(["a"])
    ('CIFAR-10, CIFAR-100 and SVHN', 'a or b', 'a')
    >>> listed([])
    ''
    """
    *first, last = [*names] or [""]
    return f"{', '.join(first)} {joint} {last}" if first else last
