"""Passband: four papers on the spectral view of adversarial robustness, regenerated."""
