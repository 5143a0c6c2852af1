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
# # Frequencies of convolution kernels
# Above, the magnitude of the one-dimensional Fourier transform along each flattened kernel of the
# first convolution (first seed), each model on its own scale: both ends are low frequencies, the
# middle, between the dashed lines, high ones. Below, the share of the energy in that middle half for
# every convolution, and that of a flat spectrum.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig4.json"

# %%
from passband.figures.kernels import kernel_frequencies
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = kernel_frequencies(artifact, **artifact.options)
artifact.save(figure)
