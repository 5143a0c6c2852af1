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
# # Kernels of a convolution
# The weights of one convolution of each model (first seed): a row per input channel, a column per
# kernel. Total variation is the mean difference of neighbouring weights over the root mean square of
# the weights, mean over all kernels; the smoother, the lower. Neighbours of the same sign
# are counted among all pairs of neighbouring weights; the smoother, the more.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig3.json"

# %%
from passband.figures.kernels import kernel_grid
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = kernel_grid(artifact, **artifact.options)
artifact.save(figure)
