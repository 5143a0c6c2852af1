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
# # Adversarial training, SAR and SARWA
# A drawing of what is trained: the inputs below, the loss above. δ is the perturbation that the
# attack finds, FFT the Fourier transform of the network's output, λ the weight of the distance
# between the two spectra.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig8",
    "title": "Overview of standard adversarial training, SAR and SARWA",
    "saw": "SAR aligns the spectra of the outputs for natural and adversarial inputs; SARWA takes the natural output from the averaged model.",
    "options": {},
}
models = []  # nothing is measured
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig8.svg",
        "pdf": "results/demo/figures/sar.fig8.pdf",
        "png": "results/demo/figures/sar.fig8.png",
    }
}

# %%
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure
from passband.figures.schematic import overview

introduce(artifact, scale)

# %%
save_figure(overview(), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
