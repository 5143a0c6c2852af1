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
# # Detection on images and on their low-frequency components
# Above, the images; below, their low-frequency components. Blue: the objects; orange: the
# detections, with class and score. Below each pair: the change in the image's score, which is the mean
# over its objects of the highest score of a detection of the right class with an intersection over
# union of at least 0.5, or 0 without one.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.fig8.json"

# %%
from passband.figures.detections import detections
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = detections(artifact, **artifact.options)
artifact.save(figure)
