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
# # Detection by component
# Rows are images and their components. Below each value: its 95 % interval over the test images (and
# seeds) if it has one, the paper's value and the difference.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/hfc.sec7.json"

# %%
from passband.figures.detections import detection_table
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
table = detection_table(artifact, **artifact.options)
artifact.save(table)
