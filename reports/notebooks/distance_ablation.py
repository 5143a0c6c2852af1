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
# # Which distance between spectra
# Adversarial training alone (AT) and with spectral alignment by three distances, all from the same
# state at the first drop of the learning rate. Curves: accuracy on the validation images by epoch,
# mean over seeds, with a marker at the selected epoch. Points: accuracy on the test images of the
# selected network, with its 95 % interval over images (and seeds). All methods see the same images:
# these intervals overlap sooner than those of the differences.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig9",
    "title": "Ablation of the distance between spectra",
    "saw": "L1 is the most effective distance, at the expense of slightly less clean accuracy.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig9.svg",
        "pdf": "results/demo/figures/sar.fig9.pdf",
        "png": "results/demo/figures/sar.fig9.png",
    }
}

# %%
from passband.figures.ablations import distance_figure
from passband.figures.intervals import over_seeds
from passband.figures.load import read_histories, read_measurements, read_run
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure
from passband.training.schedule import first_drop

introduce(artifact, scale)

# %%
tested = read_measurements(models, "pgd-20").query("metric == 'accuracy'")
tested = over_seeds(tested, ["dataset_title", "method", "attack"])
recipe = read_run(models[0])["recipe"]
fork = first_drop(recipe["schedule"], recipe["epochs"])

# %%
figure = distance_figure(read_histories(models), tested, fork)
save_figure(figure, outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
