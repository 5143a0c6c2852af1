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
# For every image an attack searched for the smallest perturbation that fools the model. Curves are the
# share of images for which none was found up to ε, mean over seeds with its 95 % interval; a panel per
# attack. Points are the same attacks at a fixed ε, which may miss smaller perturbations.

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
