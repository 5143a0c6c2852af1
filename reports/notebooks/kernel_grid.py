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
# # Kernels of a convolution
# The weights of one convolution of each model (first seed): a row per input channel, a column per
# kernel, each model on its own scale. Total variation is the mean difference of neighbouring weights
# over the root mean square of the weights, mean over all kernels; the smoother, the lower.

# %% tags=["parameters"]
artifact = {
    "id": "fourier_study.fig3",
    "title": "First convolution kernels of the natural and the adversarially trained model",
    "saw": "The robust model's kernels are smoother, and more alike in the three channels.",
    "options": {"probe": "first-kernels"},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig3.svg",
        "pdf": "results/demo/figures/fourier_study.fig3.pdf",
        "png": "results/demo/figures/fourier_study.fig3.png",
    }
}

# %%
from passband.figures.kernels import kernel_grid
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
probe = artifact.get("options", {}).get("probe", "first-kernels")
kernels = {entry["method"]: probe_arrays(entry, probe) for entry in first_seeds(models).values()}

# %%
save_figure(kernel_grid(kernels), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
