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
# # Accuracy on low-pass filtered images, and under attack
# A row per model, a column per bandwidth k of the low-pass filter (the largest is no filter), and
# the accuracy under PGD-20. Below each value: its 95 % interval over the test images (and seeds),
# the paper's value for the same share of the image side, and the difference.

# %% tags=["parameters"]
artifact = {
    "id": "sar.table1",
    "title": "Accuracy of natural, L- and robust models on low-pass images, and under PGD-20",
    "saw": "Natural models need high frequencies, robust models hardly lose without them, and low frequencies alone (L-model) give no robustness.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "table": {
        "csv": "results/demo/tables/sar.table1.csv",
        "html": "results/demo/tables/sar.table1.html",
        "tex": "results/demo/tables/sar.table1.tex",
    }
}

# %%
from passband.figures.intervals import over_seeds
from passband.figures.load import read_measurements
from passband.figures.notebook import introduce, show_table
from passband.figures.reference import read_lowpass_reference
from passband.figures.tables import lowpass_cells, write_table

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
cells = lowpass_cells(lowpass, attacked, paper)
write_table(cells, outputs["table"], scale["mark"])
show_table(outputs["table"])
