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
# # Which variant of a method
# Variants that are trained from the same state on. Curves: accuracy on the validation images by
# epoch, mean over seeds, with a marker at the selected epoch. Points: accuracy on the test images of
# the selected network, with its 95 % interval over images (and seeds). All methods see the same
# images: these intervals overlap sooner than those of the differences.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig9.json"

# %%
from passband.figures.ablations import distance_ablation
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = distance_ablation(artifact, **artifact.options)
artifact.save(figure)
