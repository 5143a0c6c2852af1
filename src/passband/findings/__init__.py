"""Findings: every claim of a paper as a test on measurements, with a verdict.

A claim is a conjunction of clauses (verdict.py), a clause an inequality between means of scores,
mostly per image (scores/, contrast.py), and its interval comes from the test images and the seeds
(passband.intervals). The claims are in config/papers/<paper>/findings.yaml; docs/findings.md
explains the verdicts.
"""
