# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Perturbations and their spectra
# A row per test image; for each model the attacked image (with the class that it predicts, ✗ where
# it is wrong), the perturbation about mid-grey, amplified as stated, and the magnitude of its
# Fourier transform with the DC component in the centre.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig5.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.perturbation_images import perturbation_examples

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = perturbation_examples(artifact, **artifact.options)
artifact.save(figure)
