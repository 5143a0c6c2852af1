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
# # Three strands of the analysis
# A drawing of what is looked at in the frequency domain: (a) the inputs, kernels and activations of a
# naturally and an adversarially trained network, (b) augmentation of the images before (C-) or after
# (A-) the attack, (c) networks of full precision and of few bits.

# %% tags=["parameters"]
artifact = {
    "id": "fourier_study.fig1",
    "title": "An overview of the analysis in the Fourier domain",
    "saw": "Robust models, data augmentation, and full-precision and quantised networks are looked at in the frequency domain.",
    "options": {},
}
models = []  # nothing is measured
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig1.svg",
        "pdf": "results/demo/figures/fourier_study.fig1.pdf",
        "png": "results/demo/figures/fourier_study.fig1.png",
    }
}

# %%
from passband.figures.fourier_overview import fourier_overview
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
save_figure(fourier_overview(), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
