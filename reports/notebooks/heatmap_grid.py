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
# # Fourier heat maps
# Error rate of each model (first seed) on images with noise along one Fourier basis direction, for
# every direction: low frequencies in the centre, one colour scale for all panels.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig7.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.planes import heatmap_grid

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = heatmap_grid(artifact, **artifact.options)
artifact.save(figure)
