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
# # Average spectra of perturbations
# Mean magnitude of the Fourier transform of the perturbations of each model (first seed), the DC
# component in the centre, on a log scale. The dashed square is what a model that was trained on
# low-pass filtered images has seen.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig4.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.perturbation_spectra import spectrum_grid

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = spectrum_grid(artifact, **artifact.options)
artifact.save(figure)
