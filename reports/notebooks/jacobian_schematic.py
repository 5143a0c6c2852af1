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
# # Regularisation of Jacobians in the frequency domain
# A drawing of the training: the classification loss above, and below it the path from its gradient
# with respect to the image to the penalty on the frequencies of that gradient.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.fig2.json"

# %%
from passband.figures.jacobian_schematic import jacobian_schematic
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = jacobian_schematic(artifact, **artifact.options)
artifact.save(figure)
