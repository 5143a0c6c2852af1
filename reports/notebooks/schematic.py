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
# # Adversarial training and spectral alignment
# A drawing of what is trained: the inputs below, the loss above. δ is the perturbation that the
# attack finds, FFT the Fourier transform of the network's output, λ the weight of the distance
# between the two spectra.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig8.json"

# %%
from passband.figures.notebook import open_artifact
from passband.figures.schematic import schematic

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = schematic(artifact, **artifact.options)
artifact.save(figure)
