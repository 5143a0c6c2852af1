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
# # What people and networks see in an image
# An image is the sum of its low- and its high-frequency component. People recognise what it shows by
# the first and hardly see the second; a network that is trained to predict labels may use both. The
# high-frequency component is drawn on grey, which stands for 0, and scaled to be visible.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.fig1.json"

# %%
from passband.figures.disparity import disparity
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = disparity(artifact, **artifact.options)
artifact.save(figure)
