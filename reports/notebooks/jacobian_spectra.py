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
# # Spectra of images and of Jacobians
# Mean magnitude of the one-sided Fourier transform over images and channels (first seed), the DC
# component at the top left: above of the images, below of the Jacobians of a model trained on them,
# that is, of the gradients of its loss with respect to the images. Below each panel: the natural
# logarithm of the low-frequency bias, with its 95 % interval over the images.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/jafr.fig1.json"

# %%
from passband.figures.jacobian_spectra import jacobian_spectra
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = jacobian_spectra(artifact, **artifact.options)
artifact.save(figure)
