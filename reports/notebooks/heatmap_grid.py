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
# # Fourier heat maps
# Error rate of each model (first seed) on images with noise along one Fourier basis direction, for
# every direction: low frequencies in the centre, one colour scale for all panels.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig7",
    "title": "Fourier heat maps",
    "saw": "L- and robust models are sensitive to low frequencies; the robust model is less sensitive than the natural one almost everywhere.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig7.svg",
        "pdf": "results/demo/figures/sar.fig7.pdf",
        "png": "results/demo/figures/sar.fig7.png",
    }
}

# %%
from passband.figures.load import first_seeds, probe_arrays, read_measurements
from passband.figures.notebook import introduce, show_figure
from passband.figures.planes import heatmap_grid
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
maps = {key: probe_arrays(entry, "fourier-heatmap") for key, entry in first_seeds(models).items()}
errors = {key: arrays["error"] for key, arrays in maps.items()}
clean = {key: arrays["wrong_clean"].mean() for key, arrays in maps.items()}
norms = read_measurements(models, "fourier-heatmap")["norm"].unique()

# %%
figure = heatmap_grid(errors, clean, norm=" / ".join(norms))
save_figure(figure, outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
