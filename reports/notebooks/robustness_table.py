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
# # Accuracy under attacks of growing strength
# A row per method, grouped by data set or network: accuracy on clean images, under PGD with 20 and
# with 50 steps, under C&W (PGD on the margin of the logits, 30 steps) and under AutoAttack (AA).
# Below each value: its 95 % interval over the test images (and seeds), the paper's value and the
# difference. Methods whose robustness may be false are flagged, with the reason below the table.

# %% tags=["parameters"]
artifact = {
    "id": "sar.table2",
    "title": "Adversarial training with SAR and SARWA on three data sets",
    "saw": "SAR and SARWA gain robust accuracy on every data set and under every attack; SARWA keeps the clean accuracy.",
    "options": {"reference": "sar_table2"},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "table": {
        "csv": "results/demo/tables/sar.table2.csv",
        "html": "results/demo/tables/sar.table2.html",
        "tex": "results/demo/tables/sar.table2.tex",
    }
}

# %%
from passband.figures.notebook import introduce, show_table
from passband.figures.reference import read_robustness_reference
from passband.figures.robustness import robustness_cells, robustness_layout, robustness_notes
from passband.figures.tables import write_table

introduce(artifact, scale)

# %%
table = artifact.get("options", {}).get("reference", "sar_table2")
paper = read_robustness_reference(f"{reference}/{table}.csv")
cells = robustness_cells(models, paper)

# %%
layout, notes = robustness_layout(cells), robustness_notes(cells)
write_table(cells, outputs["table"], scale["mark"], layout, notes)
show_table(outputs["table"])
