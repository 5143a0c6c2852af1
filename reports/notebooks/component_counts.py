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
# # Frequencies and singular values
# The share of test images that the model classifies correctly, as well as their high component, but
# not their low one, when split by frequency and by singular values. In the latter case the low part
# has at least the same energy.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.sec8.json"

# %%
from passband.figures.component_counts import component_counts
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = component_counts(artifact, **artifact.options)
artifact.save(figure)
