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
# # Low against high frequencies in the first activation
# R after each epoch: the norm of the low-frequency part of the first activation, its mean, over that
# of the rest. The paper leaves open along which axis the mean is taken and which norm is meant: the
# large panel has the reading that counts here, the small ones three others, which are not
# interchangeable with it. Hollow markers are what the paper prints for its first and last epoch.

# %% tags=["parameters"]
artifact = {
    "id": "fourier_study.fig5",
    "title": "The ratio of low- to high-frequency information in the first activation",
    "saw": "The ratio grows during training, far more under adversarial training (1.00 to 6.36) than under natural training (1.01 to 2.03).",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig5.svg",
        "pdf": "results/demo/figures/fourier_study.fig5.pdf",
        "png": "results/demo/figures/fourier_study.fig5.png",
    }
}

# %%
from passband.figures.load import read_histories
from passband.figures.notebook import introduce, show_figure
from passband.figures.ratio_curves import ratio_curves
from passband.figures.reference import read_ratio_reference
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
histories = read_histories(models)
printed = read_ratio_reference(f"{reference}/fourier_study_text.csv")

# %%
save_figure(ratio_curves(histories, printed), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
