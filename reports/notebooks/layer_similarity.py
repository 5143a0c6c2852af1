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
# # Similarity of layers
# Linear CKA of the outputs of every two convolutions and linear layers, in the order in which they
# run, on attacked images (first seed, unbiased estimator). The dashed squares hold the pairs of the
# first and the last third of the layers; above each panel stands their mean, and, where it was
# measured, the accuracy on clean test images.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig6.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.similarity import layer_similarity

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = layer_similarity(artifact, **artifact.options)
artifact.save(figure)
