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
# # How strong the regulariser should be
# Accuracy on clean test images and under attack against the coefficient of the regulariser, mean
# over seeds with its 95 % interval over images (and seeds). Coefficient 0 is training without it,
# and the dotted line its accuracy. All networks see the same images: these intervals overlap sooner
# than those of the differences.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig10.json"

# %%
from passband.figures.coefficient_ablation import coefficient_ablation
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = coefficient_ablation(artifact, **artifact.options)
artifact.save(figure)
