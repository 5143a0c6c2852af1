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
# # Accuracy during training, on images and on their frequency components
# One panel per model, with common axes. The dotted line is accuracy on training images as the model
# saw them, the solid black one that on test images, and the shaded area between them the
# generalisation gap. Each radius has its own colour; solid lines are low-frequency, dashed ones
# high-frequency components. Above each panel are the values after the last epoch.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.fig5.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.training_curves import training_curves

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = training_curves(artifact, **artifact.options)
artifact.save(figure)
