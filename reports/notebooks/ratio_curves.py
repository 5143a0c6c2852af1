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
# # Low against high frequencies in the first activation
# R after each epoch: the norm of the low-frequency part of the first activation, its mean, over that
# of the rest. The paper leaves open along which axis the mean is taken and which norm is meant: the
# large panel has the reading that counts here, the small ones three others, which are not
# interchangeable with it. Hollow markers are what the paper prints for its first and last epoch.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig5.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.ratio_curves import ratio_curves

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = ratio_curves(artifact, **artifact.options)
artifact.save(figure)
