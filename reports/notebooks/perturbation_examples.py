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
# # Perturbations and their spectra
# A row per test image; for each model the attacked image (with the class that it predicts, ✗ where
# it is wrong), the perturbation about mid-grey, amplified as stated, and the magnitude of its
# Fourier transform with zero frequency in the centre.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig5",
    "title": "Attacked CIFAR-10 images and the spectra of their perturbations",
    "saw": "Perturbations against natural, L- and robust models differ in space and in frequency.",
    "options": {"images": [8, 12]},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig5.svg",
        "pdf": "results/demo/figures/sar.fig5.pdf",
        "png": "results/demo/figures/sar.fig5.png",
    }
}

# %%
from passband.figures.images import perturbation_examples
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
save_figure(perturbation_examples(examples, metadata, shown), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
