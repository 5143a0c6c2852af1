"""Confidence intervals, for figures and findings alike.

`accuracies` holds the interval of an accuracy, `estimates` that of everything else.
"""

LEVEL = 0.95
