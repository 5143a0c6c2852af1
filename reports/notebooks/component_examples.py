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
# Test images that the model recognises as they are and by their high component alone, but not by their
# low component, which looks much the same to us; below each what the model predicts (✗ where it is
# wrong). High components are signed: grey is zero, white the value that is stated, black its opposite.

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
