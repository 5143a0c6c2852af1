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
# # Jacobians, their spectra and their low-frequency bias
# A row per model, and the images themselves below. Pictures: the mean spectrum, low frequencies at the
# top left, and the Jacobians of a few images. Numbers: the natural logarithm of the low-frequency bias
# beside the paper's value, and the alignment of Jacobians with images, with 95 % intervals.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.table2.json"

# %%
from passband.figures.jacobian_table import jacobian_table
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = jacobian_table(artifact, **artifact.options)
artifact.save(table)
