"""Confidence intervals: one place for the figures and the findings.

`accuracies` holds the interval of an accuracy, `estimates` that of everything else.
"""

LEVEL = 0.95
