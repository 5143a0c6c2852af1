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
# # A training algorithm
# The steps of a training as they are implemented. A black line says what is done, in the words of the
# registered part that does it; the grey line below has the part's name and its arguments.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.alg1.json"

# %%
from passband.figures.algorithm import algorithm
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = algorithm(artifact, **artifact.options)
artifact.save(figure)
