"""The shipped papers and scores, and what planning would tell of their models."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pandas as pd
import yaml

from passband.findings.check import check_findings
from passband.findings.contrast import language_of
from passband.findings.judging import judge
from passband.findings.measured import paper_of
from passband.findings.printed import printed_check
from passband.findings.scores import read_scores
from passband.printed import read_printed

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(path.parent for path in (ROOT / "config/papers").glob("*/findings.yaml"))


def read(path: Path) -> dict:
    """The content of a file of config."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


PAPERS = {folder.name: read(folder / "paper.yaml") for folder in FOLDERS}
FINDINGS = [row for folder in FOLDERS for row in read(folder / "findings.yaml")["findings"]]
PRECONDITIONS = {folder.name: read(folder / "findings.yaml")["preconditions"] for folder in FOLDERS}
THEMES = read(ROOT / "config/themes.yaml")
BY_ID = {finding["id"]: finding for finding in FINDINGS}
SCORES = read(ROOT / "config/scores.yaml")
LANGUAGES = {name: language_of(paper, read_scores(SCORES)) for name, paper in PAPERS.items()}
PROBES = read(ROOT / "config/probes.yaml")
MODELS = {folder.name: read(folder / "models.yaml") for folder in FOLDERS}
NETWORKS = {
    "resnet18": "ResNet-18",
    "resnet152": "ResNet-152",
    "wrn_34_10": "WRN-34-10",
    "wrn_34_15": "WRN-34-15",
    "resnet20_hardtanh": "ResNet-20 (hardtanh)",
    "mobilenet_v2": "MobileNet-V2",
    "efficientnet_b0": "EfficientNet-B0",
    "resnet8": "ResNet-8",
    "resnet32_plain": "ResNet-18 (hfc)",
    "resnet32_batch_moments": "ResNet-18 (hfc, batch moments)",
    "resnet32_dropout": "ResNet-18 (hfc, dropout)",
    "resnet32_plain_5x5": "ResNet-18 (hfc, 5×5 kernels)",
    "lenet": "LeNet-5",
    "alexnet_small": "AlexNet (small images)",
    "vgg11_small": "VGG-11 (small images)",
    "retinanet_resnet50_fpn": "RetinaNet (ResNet-50-FPN)",
    "preact_resnet18_plain_end": "PreActResNet-18",
}
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "tiny-imagenet": "Tiny ImageNet",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "coco-val2017": "COCO",
    "svhn": "SVHN",
}


def verdicts(
    findings: Sequence[Mapping | str],
    models: Sequence[Mapping],
    preconditions: Mapping[str, Mapping] | None = None,
    artifacts: Sequence[Mapping] = (),
    left_out: Mapping[str, Mapping] | None = None,
) -> pd.DataFrame:
    """Verdicts on findings, given as rows or by id; without preconditions, they need none."""
    rows = [BY_ID[one] if isinstance(one, str) else one for one in findings]
    if preconditions is None:
        rows = [row | {"needs": []} for row in rows]
    return judge(
        rows,
        models,
        papers=PAPERS,
        preconditions=dict.fromkeys(PAPERS, preconditions),
        scores=SCORES,
        networks=NETWORKS,
        artifacts=artifacts,
        scale="tiny",
        left_out=left_out or {},
    )


def verdict(finding: Mapping | str, models: Sequence[Mapping]) -> pd.Series:
    """The verdict on one finding."""
    return verdicts([finding], models).iloc[0]


def printed_verdict(finding: Mapping, *tables: str) -> str:
    """What follows from tables of the finding's paper: those named, else its own and the text."""
    paper = paper_of(finding)
    folder = ROOT / "config/papers" / paper / "printed"
    names = tables or (finding["id"].split(".")[1], "text")
    rows = [
        read_printed(folder / f"{name}.csv", PAPERS[paper].get("printed", {}))
        for name in names
        if (folder / f"{name}.csv").exists()
    ]
    table = pd.concat(rows)
    return printed_check(finding, table, PAPERS[paper], SCORES, NETWORKS, DATASETS)


def checked(findings: Sequence[Mapping], **change: object) -> None:
    """Check findings of one paper; every model is measured with everything, but for `change`."""
    paper = paper_of(findings[0])
    attacks = read(ROOT / "config/attacks.yaml")
    probes = {name: row["probe"] for name, row in PROBES.items()}
    probes |= dict.fromkeys(attacks, "attack") | {"training": "training"}
    filters = ["none", *read(ROOT / "config/filters.yaml")]
    recorded = [f"training:{name}" for name in ("first-activation", "training", "test")]
    everything = {
        *probes,
        *recorded,
        *(f"{one}:{behind}" for one in recorded for behind in filters),
    }
    named = [MODELS[name].get(kind, {}) for name in MODELS for kind in ("recipes", "transforms")]
    methods = [row["method"] for rows in named for row in rows.values()]
    known = {
        "paper": PAPERS[paper],
        "preconditions": {
            name: row
            for name, row in PRECONDITIONS[paper].items()
            if any(name in finding["needs"] for finding in findings)
        },
        "themes": THEMES,
        "scores": SCORES,
        "probes": probes,
        "attacks": {
            name: [*row.get("attacks", []), *([row["attack"]] if "attack" in row else [])]
            for name, row in PROBES.items()
        },
        "filters": {name: row.get("low", row.get("filters", [])) for name, row in PROBES.items()}
        | {"training": filters},
        "measured": dict.fromkeys(methods, everything),
        "places": {name: list(product(DATASETS, NETWORKS)) for name in methods},
        "networks": NETWORKS,
        "datasets": DATASETS,
    }
    check_findings(findings, **known | change)
