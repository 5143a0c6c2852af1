"""Figures and tables drawn from tidy measurements and arrays; never from a model."""
