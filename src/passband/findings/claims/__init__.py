"""Tests of claims: the few shapes that a claim of a paper can take, one file each.

    test(groups, language, **parameters) -> list[Clause]

`groups` are the data sets that the claim is judged on, `language` is what its paper's findings are
written in, `parameters` are those of the finding. A test asks a group for intervals only, so that
it can be judged on measurements, on printed numbers (passband.findings.printed), or while planning
on nothing at all (passband.findings.check). It raises UserError for a parameter that makes no
sense and NotMeasured for a measurement that it misses.
"""

from passband.registry import Registry

CLAIMS = Registry("test", __name__)
