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
# # Natural, perturbed and low-pass images
# Test images as they are (with their class), attacked with PGD-20 (with the class that the model
# predicts, ✗ where it is wrong), and low-pass filtered.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig3",
    "title": "Natural, perturbed and low-pass CIFAR-10 images",
    "saw": "The low-pass filter keeps outlines and blurs texture; the perturbation disturbs texture and leaves shape.",
    "options": {"images": [0, 8]},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig3.svg",
        "pdf": "results/demo/figures/sar.fig3.pdf",
        "png": "results/demo/figures/sar.fig3.png",
    }
}

# %%
from passband.figures.images import image_rows
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
entries = first_seeds(models)
examples = {key: probe_arrays(entry, "examples") for key, entry in entries.items()}
metadata = {key[0]: probe_metadata(entry, "examples") for key, entry in entries.items()}
shown = slice(*artifact["options"]["images"])

# %%
save_figure(image_rows(examples, metadata, shown), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
