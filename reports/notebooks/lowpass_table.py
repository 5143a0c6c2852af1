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
# # Accuracy on low-pass filtered images, and under attack
# A row per model, a column per bandwidth k of the low-pass filter (the largest is no filter), and
# the accuracy under attack. Below each value: its 95 % interval over the test images (and seeds),
# the paper's value for the same fraction of the image side, and the difference.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.table1.json"

# %%
from passband.figures.accuracy_tables import lowpass_table
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = lowpass_table(artifact, **artifact.options)
artifact.save(table)
