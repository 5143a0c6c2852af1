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
# # Accuracy on low-pass filtered images against bandwidth
# A panel per data set, a curve per method: mean over seeds with its 95 % interval. The markers on
# the right are accuracies under PGD-20, dotted curves are the paper's numbers, the dashed line is
# the bandwidth that the L-model was trained with.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig2",
    "title": "Accuracy on low-pass images against bandwidth",
    "saw": "Natural accuracy rises steadily with bandwidth, the L-model saturates at its training bandwidth, the robust model saturates early.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig2.svg",
        "pdf": "results/demo/figures/sar.fig2.pdf",
        "png": "results/demo/figures/sar.fig2.png",
    }
}

# %%
from passband.figures.curves import lowpass_curves
from passband.figures.intervals import over_seeds
from passband.figures.load import read_measurements
from passband.figures.notebook import introduce, show_figure
from passband.figures.reference import read_lowpass_reference
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
lowpass = read_measurements(models, "lowpass").query("metric == 'accuracy'")
attacked = read_measurements(models, "pgd-20").query("attack == 'pgd-20' and metric == 'accuracy'")
name = ["dataset_title", "paper_dataset_title", "method"]
lowpass = over_seeds(lowpass, [*name, "bandwidth"])
attacked = over_seeds(attacked, name)
table = artifact.get("options", {}).get("reference", "sar_table1")
paper = read_lowpass_reference(f"{reference}/{table}.csv")

# %%
save_figure(lowpass_curves(lowpass, attacked, paper), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
