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
# # Accuracy at bounds read from the smallest perturbations
# For every image the smallest perturbation that fools the model was searched for; an image is right
# at ε if no perturbation up to ε was found. A row per model, a column per attack and ε. Below each
# value: accuracy under the same attack with this ε alone, the 95 % interval over the test images
# (and seeds), the paper's value and the difference. Below the table: the constants of the attacks,
# and whether search and fixed ε agree within noise.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.table2.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.search_table import search_table

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = search_table(artifact, **artifact.options)
artifact.save(table)
