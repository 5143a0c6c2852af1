"""Tests of claims: the few shapes that a claim of a paper can take, one file each.

    test(groups, **parameters) -> list[Clause]

`groups` are the data sets that the claim is judged on, `parameters` come from
config/findings.yaml. A test reads its parameters before it looks at a group, so that a call with
no groups checks them. It raises UserError for a parameter that makes no sense and NotMeasured
for a measurement that it misses.
"""

from passband.registry import Registry

CLAIMS = Registry("test", __name__)
