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
# # Accuracy read from the smallest adversarial perturbations
# For every image an attack searched for the smallest perturbation that fools the model; an image counts
# as correct at ε if no perturbation up to ε was found. A row per model, a column per attack and ε.
# Below each value: accuracy under the same attack at this ε only, the 95 % interval over the test
# images (and seeds), the paper's value and the difference. Below the table: the constants of the
# attacks, and whether search and fixed ε agree within noise.

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
