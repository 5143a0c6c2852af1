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
# # Security curves
# For every image the smallest perturbation that fools the model was searched for. The curves are the
# share of the images that no perturbation up to ε fools, mean over seeds with its 95 % interval; a
# panel per attack. Points are the same attacks with a fixed ε, which need not know a smaller one.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.table2_curves.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.security_curves import security_curves

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = security_curves(artifact, **artifact.options)
artifact.save(figure)
