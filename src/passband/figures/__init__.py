"""Figures and tables drawn from tidy measurements and arrays; never from a model.

Each kind of figure or table is one registered function with the name of its notebook template:

    kind(artifact, *, ...options) -> Figure or Table

Its keyword arguments are the `options` of the artifact's row in config/papers/*/artifacts.yaml. The
setting `listed` maps an option that names a filter to the argument of its probe that must list it.
"""

from passband.registry import Registry

FIGURES = Registry("figure or table", "passband.figures")
