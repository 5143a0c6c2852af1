"""Invented measurements of defences, in the shapes that training and the probes write."""

from pathlib import Path

import numpy as np
import pandas as pd
from invented_artifacts import attacked, entry

from passband.files import write_arrays, write_text
from passband.measurements import CHECKSUM
from passband.runs import write_run

TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet": "Tiny ImageNet"}
ALL_METHODS = [
    base if not module else (module if base == "PGD-AT" else f"{base}+{module}")
    for base in ("PGD-AT", "TRADES", "MART", "AWP")
    for module in ("", "SAR", "SARWA")
]
ARCHITECTURES = {
    "resnet8": "ResNet-8", "resnet18": "ResNet-18", "resnet152": "ResNet-152",
    "wrn_34_15": "WRN-34-15",
}  # fmt: skip
ATTACKS = ["pgd-20", "pgd-50", "cw-30", "apgd-ce", "apgd-t", "fab-t", "square"]
RECIPE = {
    "epochs": 100,
    "schedule": {"kind": "steps", "milestones": [75, 90], "factors": [0.1, 0.1]},
    "validation": {"fraction": 0.1, "images": 300},
}
LOSSES = np.array([0, 0.4, 2, 2.4, 3.6, 3.6, 3.6])  # points of accuracy that each costs


def invented_defence(
    root: Path,
    method: str,
    *,
    seed: int = 0,
    paper_dataset: str = "cifar10",
    title: str | None = None,
    architecture: str = "resnet8",
    paper_architecture: str = "resnet18",
    parameters: int = 75002,
    clean: float = 84.0,
    robust: float = 55.0,
    alignment: dict | None = None,
    fewer: int = 500,
    n: int = 2000,
    broken: tuple[str, ...] = (),
) -> dict:
    """Write the probes' files and the training's of a defence; return its entry.

    broken: which signs of false robustness it shows: steps, square, missed, half, gradient.
    """
    title = title or TITLES[paper_dataset]
    folder = root / title / architecture / method / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, len(method), int(10 * robust), n])
    margin = random.uniform(0, 100, n)  # an image falls to every attack that costs more
    correct_clean = margin < clean
    right = {attack: margin < robust - loss for attack, loss in zip(ATTACKS, LOSSES, strict=True)}
    half = np.zeros(fewer, bool)
    no_gradient = np.zeros(fewer, bool)
    if "steps" in broken:
        right["pgd-20"] = margin < robust - 6
    if "square" in broken:
        right["square"] = margin < robust - 7
    if "missed" in broken:
        right["cw-30"] = margin < robust - 11
    if "half" in broken:
        half[: fewer // 20] = correct_clean[: fewer // 20]
    if "gradient" in broken:
        no_gradient[: fewer // 10] = True
    stronger = [right["pgd-50"][:fewer], right["cw-30"][:fewer], half]
    standing = [right[attack][:fewer] for attack in ATTACKS[3:]]
    bits = {
        name: np.asarray(array, np.uint8)
        for name, array in {
            "clean": correct_clean,
            "pgd-20": right["pgd-20"],
            "stronger": stronger,
            "standing": standing,
            "gradient": no_gradient,
        }.items()
    }
    few_clean = bits["clean"][:fewer]
    stronger = {
        "correct_clean": few_clean,
        "correct": bits["stronger"],
        "zero_gradient": bits["gradient"],
    }
    standing = {"correct_clean": few_clean, "survived": bits["standing"]}
    arrays = {
        "pgd-20": ({"correct": bits["pgd-20"], "correct_clean": bits["clean"]}, {}),
        "stronger-attacks": (stronger, {"attacks": ["pgd-50", "cw-30", "pgd-10-half"]}),
        "autoattack": (standing, {"attacks": ATTACKS[3:]}),
    }
    rows = {
        "pgd-20": [("none", bits["clean"]), ("pgd-20", bits["pgd-20"])],
        "stronger-attacks": [
            ("none", few_clean),
            *zip(("pgd-50", "cw-30", "pgd-10-half"), bits["stronger"], strict=True),
        ],
        "autoattack": [
            ("none", few_clean),
            *(("+".join(ATTACKS[3 : 4 + i]), row) for i, row in enumerate(bits["standing"])),
        ],
    }
    model = f"{title}_{architecture}_{method}"
    name = (title, architecture, method, model, seed)
    for probe, measured in rows.items():
        lines = [
            (*name, probe, attacked(attack), "accuracy", 100 * row.mean(), len(row), "percent")
            for attack, row in measured
        ]
        if probe == "stronger-attacks":
            share = 100 * no_gradient.mean()
            lines.append((*name, probe, "", "zero_gradient_share", share, fewer, "percent"))
        columns = ["dataset", "architecture", "method", "model", "seed", "probe", "condition"]
        frame = pd.DataFrame(lines, columns=[*columns, "metric", "value", "n_images", "unit"])
        checksum = write_text(folder / f"{probe}.csv", frame.to_csv(index=False))
        kept, told = arrays[probe]
        write_arrays(folder / f"{probe}.safetensors", kept, {**told, CHECKSUM: checksum})
    run = {"parameters": parameters, "recipe": RECIPE, "train_images": 2000}
    history = folder / "history.csv", _history(random, clean, robust)
    write_run(folder / "run.json", run, {"history": history})
    part = {} if alignment is None else {"spectral_alignment": alignment}
    return entry(
        model,
        {"history": str(folder / "history.csv"), "run": str(folder / "run.json")},
        {
            probe: {
                "csv": str(folder / f"{probe}.csv"),
                "arrays": str(folder / f"{probe}.safetensors"),
            }
            for probe in rows
        },
        method=method,
        seed=seed,
        dataset=title,
        dataset_title=title,
        paper_dataset=paper_dataset,
        paper_dataset_title=TITLES[paper_dataset],
        architecture=architecture,
        architecture_title=ARCHITECTURES[architecture],
        paper_architecture=paper_architecture,
        paper_architecture_title=ARCHITECTURES[paper_architecture],
        recipe=RECIPE | {"parts": part, "recorders": {}},
    )


def _history(random, clean, robust):
    """Accuracies that jump where the learning rate drops, as adversarial training's do."""
    epochs, drops = RECIPE["epochs"], RECIPE["schedule"]["milestones"]
    shared = np.random.default_rng(1)
    epoch = np.arange(epochs)
    noise = np.where(epoch < drops[0], shared.normal(size=epochs), random.normal(size=epochs) / 3)
    after = np.clip((epoch - drops[0] + 1) / 3, 0, 1) * (epoch >= drops[0])
    overfit = 0.06 * np.clip(epoch - drops[0] - 3, 0, None)
    val = 76 + (clean - 76) * after + noise
    val_robust = 46 + (robust - 46) * after + noise - overfit
    frame = pd.DataFrame(
        {
            "epoch": epoch + 1,
            "lr": 0.1 * 0.1 ** np.searchsorted(drops, epoch, side="right"),
            "train_loss": 1.0,
            "train_accuracy": 60.0,
            "val_accuracy": val,
            "val_robust_accuracy": val_robust,
            "seconds": 1.0,
            "images_per_second": 1000.0,
            "selected": (epoch == val_robust.argmax()).astype(int),
        }
    )
    return frame.to_dict("records")
