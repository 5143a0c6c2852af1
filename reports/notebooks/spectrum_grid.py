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
# Mean magnitude of the Fourier transform of the PGD-20 perturbations of each model (first seed),
# zero frequency in the centre, on a log scale. The dashed square is what the L-model was trained
# on.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig4",
    "title": "Average spectra of PGD-20 perturbations",
    "saw": "The spectrum of an attack depends on data and model; robust and L-models draw it to low frequencies, the L-model with a visible square.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig4.svg",
        "pdf": "results/demo/figures/sar.fig4.pdf",
        "png": "results/demo/figures/sar.fig4.png",
    }
}

# %%
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import introduce, show_figure
from passband.figures.planes import spectrum_grid
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
spectra = {
    key: probe_arrays(entry, "pgd-20-spectrum")["spectrum"]
    for key, entry in first_seeds(models).items()
}

# %%
save_figure(spectrum_grid(spectra), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
