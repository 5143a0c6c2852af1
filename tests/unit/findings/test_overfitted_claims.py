"""Claims about FGSM adversarial training, on accuracies like those that jafr prints."""

import numpy as np
import pytest
from shipped import BY_ID, PRECONDITIONS, ROOT, read, verdicts

from passband.files import write_arrays
from passband.findings.flags import flags

N = 2000
ACCURACIES = {  # clean, FGSM, PGD-50-10 and C&W, in percent: table 4, and C&W made up
    "FGSM-AT": (84.80, 85.14, 0.01, 0),
    "FGSM+JaFR": (79.94, 53.12, 46.32, 45),
    "PGD-AT": (79.31, 53.61, 49.63, 48),
}
TABLE = read(ROOT / "config/papers/jafr/artifacts.yaml")["artifacts"]["jafr.table4"]


def models(folder, change):
    """The three models, each with as many right answers as the table has."""
    entries = []
    for method, percent in (ACCURACIES | change).items():
        clean, fgsm, pgd, cw = (
            (np.arange(N) < share * N / 100).astype(np.uint8) for share in percent
        )
        none, no_gradient = np.zeros(N, np.uint8), {"zero_gradient": np.zeros(N, np.uint8)}
        arrays = {
            "fgsm": {"correct": fgsm, "correct_clean": clean, **no_gradient},
            "stronger-restarts": {
                "correct": np.stack([pgd, none]),
                "correct_clean": clean,
                "attacks": np.array(["pgd-50-10", "pgd-10-half"]),
            },
            "margin-restarts": {
                "correct": cw[None], "correct_clean": clean, "attacks": np.array(["cw-50-10"]),
            },
            "autoattack": {
                "survived": cw[None], "correct_clean": clean, "attacks": np.array(["square"]),
            },
        }  # fmt: skip
        probes = {}
        for probe, content in arrays.items():
            path = folder / f"{method}-{probe}.safetensors"
            lists = {key: value.tolist() for key, value in content.items() if key == "attacks"}
            write_arrays(path, {k: v for k, v in content.items() if k not in lists}, lists)
            probes[probe] = {"csv": str(path), "arrays": str(path)}
        entries.append(
            {
                "slug": f"jafr-c10-{method}", "model": method, "method": method, "seed": 0,
                "dataset": "cifar10", "dataset_title": "CIFAR-10", "paper_dataset": "cifar10",
                "paper_dataset_title": "CIFAR-10", "architecture": "preact_resnet18_plain_end",
                "architecture_title": "PreActResNet-18", "paper": "jafr",
                "paper_architecture": "preact_resnet18_plain_end", "probes": probes, "files": {},
            }
        )  # fmt: skip
    return entries


@pytest.mark.parametrize(
    "claim, change, expected",
    [
        ("jafr.table4.a", {}, "reproduced"),
        ("jafr.table4.a", {"FGSM+JaFR": (80, 53, 40, 39)}, "contradicted"),
        ("jafr.table4.b", {}, "contradicted"),  # clean accuracy falls
        ("jafr.table4.b", {"FGSM+JaFR": (90, 53, 46, 45)}, "reproduced"),
        ("jafr.table7.a", {}, "reproduced"),
        ("jafr.table4.a", {"FGSM-AT": (84, 55, 44, 43)}, "not testable here"),  # no overfitting
    ],
)
def test_the_papers_own_accuracies_can_be_judged(claim, change, expected, tmp_path):
    entries = models(tmp_path, change)
    table = TABLE | {"models": [one["slug"] for one in entries], "paper": "jafr"}
    row = verdicts([BY_ID[claim]], entries, PRECONDITIONS["jafr"], [table]).iloc[0]
    assert row.verdict == expected, row.reason


def test_overfitting_is_flagged(tmp_path):
    entries = models(tmp_path, {})
    table = TABLE | {"models": [one["slug"] for one in entries], "paper": "jafr"}
    (signs,) = flags(entries, [table]).values()
    assert list(signs) == ["fgsm"] and "100.0 % withstand FGSM" in signs["fgsm"]
