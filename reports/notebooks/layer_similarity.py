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
# # Similarity of layers
# Linear CKA of the outputs of every two convolutions and linear layers, in the order in which they
# run, on PGD-20 examples (first seed, unbiased estimator). The dashed squares hold the pairs of the
# first and the last third of the layers; above each panel stands their mean, and, where it was
# measured, the accuracy on clean test images.

# %% tags=["parameters"]
artifact = {
    "id": "fourier_study.fig6",
    "title": "Linear CKA between layers of the natural and the adversarially trained model",
    "saw": "Shallow and deep layers of the robust model are less alike than those of the natural model.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig6.svg",
        "pdf": "results/demo/figures/fourier_study.fig6.pdf",
        "png": "results/demo/figures/fourier_study.fig6.png",
    }
}

# %%
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure
from passband.figures.similarity import layer_similarity, read_similarity

introduce(artifact, scale)

# %%
save_figure(layer_similarity(read_similarity(models)), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
