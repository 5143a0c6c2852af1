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
# # Measurements against a coefficient
# Each point is a model that was trained with this coefficient of the regulariser, 0 without it;
# coefficients are evenly spaced. Bands are 95 % intervals over the test images (and seeds).

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.sec4_lambda.json"

# %%
from passband.figures.coefficient_curves import coefficient_curves
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = coefficient_curves(artifact, **artifact.options)
artifact.save(figure)
