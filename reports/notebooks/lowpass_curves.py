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
# # Accuracy on low-pass filtered images against bandwidth
# A panel per data set, a curve per method: mean over seeds with its 95 % interval. The markers on
# the right are accuracies under attack, dotted curves are the paper's numbers, the dashed line is
# the bandwidth of the filter that a model was trained behind.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig2.json"

# %%
from passband.figures.curves import lowpass_curves
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = lowpass_curves(artifact, **artifact.options)
artifact.save(figure)
