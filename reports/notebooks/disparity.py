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
# An image is the sum of its low- and its high-frequency component. People recognise it by the
# former and hardly see the latter; a network that is trained to predict labels may use both. In the
# high-frequency component, which is scaled to be visible, grey is 0.

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
