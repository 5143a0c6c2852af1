"""What the workflow hands to a notebook, for the tests that render one."""

from pathlib import Path

import numpy as np

from passband.files import write_arrays

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "reports" / "notebooks"
REFERENCE = ROOT / "config" / "reference"
MARK = "demo scale · Fashion-MNIST sample · ResNet-8"


def notebook_parameters(folder, models, kind="figure", mark=MARK, **options):
    endings = {"figure": ("svg", "pdf", "png"), "table": ("csv", "html", "tex")}[kind]
    image = np.random.default_rng(0).integers(0, 255, (3, 1, 32, 32)).astype(np.uint8)
    write_arrays(folder / "data" / "test.safetensors", {"images": image}, {})
    return {
        "artifact": {
            "id": "sar.test",
            "paper": "sar",
            "kind": kind,
            "title": "A test",
            "saw": "Something",
            "notes": ["Two numbers differ."],
            "options": {"images": [0, 4]} | options,
        },
        "models": models,
        "scale": {"name": "demo", "title": "Demo", "mark": mark},
        "dataset_file": str(folder / "data" / "test.safetensors"),
        "reference": str(REFERENCE),
        "outputs": {kind: {e: str(folder / f"out.{e}") for e in endings}},
    }
