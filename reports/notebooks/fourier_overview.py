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
# # Three strands of the analysis
# A drawing of what is looked at in the frequency domain: (a) the inputs, kernels and activations of a
# naturally and an adversarially trained network, (b) augmentation of the images before (C-) or after
# (A-) the attack, (c) networks of full precision and of few bits.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig1.json"

# %%
from passband.figures.fourier_overview import fourier_overview
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = fourier_overview(artifact, **artifact.options)
artifact.save(figure)
