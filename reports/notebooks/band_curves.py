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
# # Accuracy when the perturbation is band limited
# A panel per data set and model: accuracy when only the low or the high frequencies of the PGD-20
# perturbation reach the image, against the bandwidth that is kept, and accuracy on low-pass
# filtered images without an attack. Mean over seeds with its 95 % interval.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig6",
    "title": "Robust accuracy when the perturbation is band limited",
    "saw": "Attacks on natural models work in low and high bands; attacks on L- and robust models live in low frequencies.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig6.svg",
        "pdf": "results/demo/figures/sar.fig6.pdf",
        "png": "results/demo/figures/sar.fig6.png",
    }
}

# %%
from passband.figures.curves import band_curves
from passband.figures.intervals import over_seeds
from passband.figures.load import read_measurements
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
bands = read_measurements(models, "pgd-20-bands").query("metric == 'accuracy'")
standard = read_measurements(models, "lowpass").query("metric == 'accuracy'")
name = ["dataset_title", "method"]
bands = over_seeds(bands, [*name, "perturbation_filter", "bandwidth"])
standard = over_seeds(standard, [*name, "bandwidth"])

# %%
save_figure(band_curves(bands, standard), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
