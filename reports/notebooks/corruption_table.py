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
# # Accuracy under common corruptions
# A row per corruption, in the order of the low-frequency bias of what it changes in the images, a
# column per model. Below each value: the 95 % interval over the test images (and seeds), the
# paper's value and the difference.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.table1.json"

# %%
from passband.figures.corruption_table import corruption_table
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = corruption_table(artifact, **artifact.options)
artifact.save(table)
