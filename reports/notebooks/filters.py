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
# # What the filters keep
# One image of the data set, its spectrum (frequencies in cycles per image), the part that each filter
# keeps, and the filtered image. Planes of high-pass filters that keep the highest frequency are shown
# as the FFT gives them, with the highest frequency in the centre, the others with the DC component
# there.

# %% tags=["parameters"]
parameters = "results/demo/notebooks/sar.fig1.json"

# %%
from passband.figures.filters import filters
from passband.figures.notebook import open_artifact

artifact = open_artifact(parameters)
artifact.introduction

# %%
figure = filters(artifact, **artifact.options)
artifact.save(figure)
