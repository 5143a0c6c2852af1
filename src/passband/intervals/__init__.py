"""Confidence intervals, for figures and findings alike.

`accuracies` holds the interval of an accuracy, `estimates` that of everything else.
"""

LEVEL = 0.95


def simultaneous(comparisons: int) -> float:
    """The level at which several intervals hold together at LEVEL (Bonferroni)."""
    return 1 - (1 - LEVEL) / comparisons
