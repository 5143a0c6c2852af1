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
# # Accuracy along training, on images and on their frequency components
# One panel per model, with common axes. Grey is the accuracy on training images as the model saw
# them, black that on test images, and the shaded area between them the generalisation gap. A colour
# stands for one radius of the low- or high-frequency component everywhere; low frequencies are
# drawn as solid lines, high ones as dashed lines. Above each panel are the values after the last
# epoch.

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
