"""From the config files to a plan: what a scale trains, measures, draws and judges.

The workflow plans before anything runs, so this package needs neither torch nor Snakemake. Every
mistake in the config is reported as one sentence that names the file or row, the key, what was
found and what was expected.
"""

from passband.plan.plan import Plan, plan
from passband.plan.reading import read_yaml, scale_config

__all__ = ["Plan", "plan", "read_yaml", "scale_config"]
