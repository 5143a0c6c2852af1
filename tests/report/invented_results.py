"""A small results root, invented."""

import csv
from pathlib import Path

import yaml

from passband.measurements import collected
from passband.report import describe_build
from passband.runs import write_run

ROOT = Path(__file__).resolve().parents[2]
MODEL = "fashion-mnist-sample_resnet8_sar-natural"

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="480pt" height="180pt" viewBox="0 0 640 240">'
    '<rect width="640" height="240" fill="#eee"/><path d="M20 220L620 20" stroke="#000"/></svg>'
)

TABLE = """<table class="measured"><thead><tr><th scope="col">Model</th>{head}</tr></thead>
<tbody><tr><th scope="row">Natural</th>{cells}</tr></tbody></table>"""

PNG_END = b"IEND\xaeB`\x82"

CELL = (
    '<td><span class="value">81.9</span> <span class="interval">[80.2, 83.5]</span> '
    '<span class="paper">94.43</span> <span class="difference">−12.5</span></td>'
)

ARTIFACTS = {
    "sar.table1": {
        "paper": "sar",
        "kind": "table",
        "title": "Accuracy of natural, L- and robust networks on low-pass images",
        "saw": "Robust networks hardly need high frequencies & natural ones do.",
        "notes": ["Calls a loss of 8.5 points <em>a little</em>."],
    },
    "sar.fig4": {
        "paper": "sar",
        "kind": "figure",
        "title": "Average spectra of perturbations",
        "saw": "Robust networks push the perturbation to low frequencies.",
    },
    "sar.fig5": {
        "paper": "sar",
        "kind": "figure",
        "title": "Attacked images",
        "notebook": "examples",
        "models": ["one"],
    },
    "sar.fig13": {
        "paper": "sar",
        "kind": "figure",
        "title": "Attacked images of another data set",
        "notebook": "examples",
        "models": ["other"],
    },
}

THEMES = {"robust": "What robust networks look at", "attacks": "Where attacks live"}

ABOVE = ("10", "above", "ours")
SIGN = ("0", "above", "")
NOTHING = ("", "", "")
GAIN, FALL, OPEN = ("12.5", "10.1", "14.9"), ("-0.031", "-0.042", "-0.020"), ("0.4", "-1.2", "2.0")
IMAGES, NONE = ("2000", "points"), ("0", "")
YES, NO, UNTESTED = "consistent", "no_numbers", "not testable here"
FINDINGS = [  # letter, artifact, theme, verdict, numbers, threshold, printed, (n, unit), shares
    ("a", "sar.table1", "robust", "reproduced", GAIN, ABOVE, YES, IMAGES, ""),
    ("b", "sar.table1", "robust", "not run", NOTHING, NOTHING, "partly", NONE, ""),
    ("a", "sar.fig4", "attacks", "contradicted", FALL, SIGN, NO, ("2000", ""), ""),
    ("b", "sar.fig4", "attacks", "inconclusive", OPEN, SIGN, NO, IMAGES, ""),
    ("c", "sar.fig4", "attacks", UNTESTED, NOTHING, NOTHING, NO, NONE, ""),
    ("d", "sar.fig4", "attacks", "reproduced", ("12.5", "", ""), ABOVE, YES, ("1", "points"), ""),
    ("e", "sar.fig4", "robust", "reproduced", GAIN, ABOVE, YES, IMAGES, "sar.table1.a"),
    ("a", "sar.fig10", "attacks", "not run", NOTHING, NOTHING, YES, NONE, ""),
]

LEFT_OUT = {
    "sar.fig10": {
        "paper": "sar",
        "title": "Ablation of the coefficient",
        "command": "snakemake sar.fig10 --cores all --config scale=demo",
        "scale": "laptop",
    }
}

NOTES = {("sar.table1", "b"): {"printed_note": "robust +8.52, natural +26.87"}}


def write_csv(path: Path, header: list[str], rows: list[tuple]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def make_results(root: Path) -> dict:
    """Write the files of a scale under `root`; return the arguments of `collect_content`."""
    texts = {"svg": SVG, "csv": "a,b\n" + "1,2\n" * 9, "ipynb": "{}", "pdf": "%%EOF\n"}
    texts["tex"] = "\\begin{tabular}{ll}\n\\end{tabular}\n"
    texts["html"] = TABLE.format(head="<th>k = 4</th>" * 9, cells=CELL * 9)
    contents = {"png": PNG_END} | {ending: text.encode() for ending, text in texts.items()}
    kept = {
        "figure": ("svg", "pdf", "png", "ipynb"),
        "table": ("csv", "html", "tex", "ipynb"),
    }
    outputs = []
    for artifact, row in ARTIFACTS.items():
        for ending in kept[row["kind"]]:
            folder = "notebooks" if ending == "ipynb" else row["kind"] + "s"
            path = root / folder / f"{artifact}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[ending])
            outputs.append(path)
    model = root / "models" / MODEL / "seed-0"
    columns = ["epoch", "train_accuracy", "val_accuracy", "val_robust_accuracy", "selected"]
    epochs = [(epoch, 41.5, 40 + 10 * epoch, "", int(epoch == 4)) for epoch in range(1, 6)]
    history = model / "history.csv"
    run = {
        "model": MODEL,
        "dataset": "fashion-mnist-sample",
        "architecture": "resnet8",
        "method": "natural",
        "seed": 0,
        "recipe": {"batch_size": 128},
        "parameters": 75002,
        "dataset_sha256": "ab" * 32,
        "device": "cpu",
        "precision": "bf16",
        "threads": 1,
        "seconds": 83.2,
        "origin": "trained",
        "shared_prefix": None,
        "shared_prefix_seconds": 0.0,
        "images_per_second": 2484.0,
        "epochs": 5,
        "selected_epoch": 4,
        "resumed": 0,
        "started": "2026-11-21T08:00:00Z",
        "finished": "2026-11-21T08:01:23Z",
    }
    rows = [dict(zip(columns, epoch, strict=True)) for epoch in epochs]
    write_run(model / "run.json", run, {"history": (history, rows)})
    header = ["finding", "artifact", "claim", "theme", "verdict", "effect", "ci_low", "ci_high"]
    header += ["threshold", "direction", "threshold_from", "printed", "n", "unit", "shares"]
    header += ["sample", "reason"]
    findings = write_csv(
        root / "findings.csv",
        header,
        [
            (
                *(f"{artifact}.{name}", artifact, f"Claim {name}, < & >.", theme, verdict),
                *(*numbers, *threshold, printed, *counted, shares, "images", "Because."),
            )
            for name, artifact, theme, verdict, numbers, threshold, printed, counted, shares in (
                FINDINGS
            )
        ],
    )
    (root / "measurements.csv").write_text(collected([]), encoding="utf-8")
    return {
        "scale": {
            "name": "demo",
            "title": "Demo scale",
            "mark": "demo scale: Fashion-MNIST sample, ResNet-8",
            "datasets": {"cifar10": "sample", "cifar100": "sample"},
            "training_attacks": {"pgd-10": "one-step"},
            "recipes": {"*": {"epochs": 2, "optimizer": {"nesterov": True}}},
        },
        "papers": {
            path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8"))
            for path in sorted((ROOT / "config" / "papers").glob("*/paper.yaml"))
        },
        "artifacts": ARTIFACTS,
        "claims": [
            {"id": f"{artifact}.{name}"} | NOTES.get((artifact, name), {})
            for name, artifact, *_ in FINDINGS
        ],
        "themes": THEMES,
        "left_out": LEFT_OUT,
        "models": {"one": MODEL, "other": MODEL},
        "titles": {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "sample": "Sample"},
        "findings": findings,
        "measurements": root / "measurements.csv",
        "outputs": outputs,
        "runs": [model / "run.json"],
        "histories": [history],
        "provenance": describe_build(ROOT, {"scale": "demo"}, "About 40 minutes on 2 cores."),
    }
