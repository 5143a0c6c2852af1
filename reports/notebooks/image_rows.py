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
# # Natural, perturbed and low-pass images
# Test images as they are (with their class), attacked (with the class that the model predicts, ✗
# where it is wrong), and low-pass filtered.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig3.json"

# %%
from passband.figures.images import image_rows
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = image_rows(artifact, **artifact.options)
artifact.save(figure)
