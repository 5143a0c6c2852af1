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
artifact = {
    "id": "fourier_study.fig4",
    "title": "Frequency maps of the first convolution kernels",
    "saw": "The robust model has more bright spots at low and fewer at high frequencies.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig4.svg",
        "pdf": "results/demo/figures/fourier_study.fig4.pdf",
        "png": "results/demo/figures/fourier_study.fig4.png",
    }
}

# %%
from passband.figures.kernels import kernel_frequencies
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
kernels = {
    entry["method"]: probe_arrays(entry, "first-kernels") for entry in first_seeds(models).values()
}

# %%
save_figure(kernel_frequencies(kernels), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
