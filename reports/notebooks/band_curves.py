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
# # Accuracy when the perturbation is band limited
# A panel per data set and model: accuracy when only the low or the high frequencies of the
# perturbation reach the image, against the bandwidth that is kept, and accuracy on low-pass filtered
# images without an attack. Mean over seeds with its 95 % interval.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig6.json"

# %%
from passband.figures.curves import band_curves
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = band_curves(artifact, **artifact.options)
artifact.save(figure)
