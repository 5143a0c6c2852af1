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
# # What the filters keep
# One image of the data set, its spectrum in the order in which each filter cuts its square
# (frequencies in cycles per image), the part that is kept, and the filtered image. The low-pass
# filter cuts the plane with zero frequency in the centre, the high-pass filter the plane as the
# FFT gives it, with the highest frequency in the centre.

# %% tags=["parameters"]
artifact = {
    "id": "sar.fig1",
    "title": "The high- and the low-pass filter, shown on one image",
    "saw": "The low-pass filter keeps contours and blurs texture; the high-pass filter keeps fine structure only.",
    "options": {},
}
models = []  # one entry per model and seed, with the paths of its measurements
scale = {"mark": ""}
dataset_file = "data/fashion-mnist-sample/test.safetensors"
reference = "config/reference"
outputs = {
    "figure": {
        "svg": "results/demo/figures/sar.fig1.svg",
        "pdf": "results/demo/figures/sar.fig1.pdf",
        "png": "results/demo/figures/sar.fig1.png",
    }
}

# %%
from passband.figures.filters import filters_figure, prepared_image
from passband.figures.notebook import introduce, show_figure
from passband.figures.save import save_figure

introduce(artifact, scale)

# %%
image = prepared_image(dataset_file, index=artifact.get("options", {}).get("image", 0))
figure = filters_figure(image, bandwidth=image.shape[-1] // 2)

# %%
save_figure(figure, outputs["figure"], scale["mark"])
show_figure(outputs["figure"])
