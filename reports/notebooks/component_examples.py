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
# # Images that follow their high component
# Test images that the model classifies correctly, as well as their high component, but not their low
# one, although it looks much like the image to us. Below each is the prediction (✗ if it is wrong).
# High components are signed: grey is zero, white the stated value, black its negative.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.fig2.json"

# %%
from passband.figures.component_examples import component_examples
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = component_examples(artifact, **artifact.options)
artifact.save(figure)
