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
# # Accuracy under attacks
# A row per method, network or filter, a column per attack. Below each value: its 95 % interval over
# the test images (and seeds), the paper's value and the difference. Below the table: the constants
# of the attacks, and rows whose robustness may be false, with the reason.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.table1.json"

# %%
from passband.figures.accuracy_tables import robustness_table
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = robustness_table(artifact, **artifact.options)
artifact.save(table)
