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
# # How strong the alignment should be
# Accuracy on clean test images and under PGD-20 against the coefficient λ of the spectral alignment,
# mean over seeds with its 95 % interval over images (and seeds). λ = 0 is adversarial training
# alone, and the dotted line its accuracy. All networks see the same images: these intervals overlap
# sooner than those of the differences.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig10",
    "title": "Ablation of the coefficient of SAR and SARWA",
    "saw": "With SAR clean and robust accuracy trade off up to 0.1 and both fall beyond; SARWA improves both with a small coefficient and is most robust at 0.15.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig10.svg",
        "pdf": "results/demo/figures/sar.fig10.pdf",
        "png": "results/demo/figures/sar.fig10.png",
    }
}

# %%
from passband.figures.ablations import coefficient_figure
from passband.figures.intervals import over_seeds
from passband.figures.load import read_measurements
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
tested = read_measurements(models, "pgd-20").query("metric == 'accuracy'")
tested = over_seeds(tested, ["dataset_title", "method", "branch", "coefficient", "attack"])

# %%
figure = coefficient_figure(tested)
save_figure(figure, outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
