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
# # Spectra of clean and attacked images and of their difference
# Mean magnitude of the Fourier transform over images and channels (first seed), the DC component in
# the centre; log(1 + magnitude), each panel from its smallest value (0) to its largest (1). Above
# each panel: the share of the energy inside the dashed square, a quarter of the plane. On the right,
# the same magnitudes by distance from the DC component, the larger of the two frequencies.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/fourier_study.fig2.json"

# %%
from passband.figures.input_spectra import input_spectra
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = input_spectra(artifact, **artifact.options)
artifact.save(figure)
