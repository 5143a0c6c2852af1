"""Passband: four papers on the spectral view of adversarial robustness, regenerated."""

__version__ = "0.1.0"
