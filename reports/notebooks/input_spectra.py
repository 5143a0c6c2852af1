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
# # Spectra of clean and attacked images and of their difference
# Mean magnitude of the Fourier transform over images and channels (first seed), zero frequency in the
# centre; log(1 + magnitude), each panel from its smallest value (0) to its largest (1). Above each
# panel: the share of the energy inside the dashed square, a quarter of the plane. On the right, the
# same magnitudes by distance from frequency zero, the larger of the two frequencies.

# %% tags=["parameters"]
artifact = {
    "id": "fourier_study.fig2",
    "title": "Spectra of clean data, of PGD-20 adversarial examples and of their difference",
    "saw": "The difference between clean and adversarial examples lies mainly in the low frequencies.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = ""
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/fourier_study.fig2.svg",
        "pdf": "results/demo/figures/fourier_study.fig2.pdf",
        "png": "results/demo/figures/fourier_study.fig2.png",
    }
}

# %%
from passband.figures.input_spectra import input_spectra
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
entry = next(iter(first_seeds(models).values()))
arrays = probe_arrays(entry, "input-spectra")
bandwidth = probe_metadata(entry, "input-spectra")["bandwidth"]

# %%
save_figure(input_spectra(arrays, bandwidth), outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
