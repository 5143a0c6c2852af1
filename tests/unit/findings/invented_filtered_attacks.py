"""Measurements made up so that claims about filtered attacks, kernels and training are true."""

import numpy as np
from shipped import NETWORKS as TITLES

from passband.files import write_arrays
from passband.runs import write_run

N = 4000
ATTACKS = ["pgd-20", "gn", "fgsm", "bim-20", "tpgd-20", "cw-20"]
COLUMNS = ["clean", "PGD-20", "GN", "FGSM", "BIM-20", "TPGD-20", "CW-20"]
FILTERS = [4, 5, 6, 7, 8]  # eighths of the side

# percent correct without an attack, the same behind a filter of half the side, and under PGD-20
ACCURACY = {
    "PGD-7-AT": (75.0, 73.4, 42.0),
    "PGD-7-AT (batch 256)": (76.5, 75.2, 43.5),
    "PGD-7-AT (batch 128)": (78.0, 77.0, 46.0),
    "PGD-7-AT (batch 64)": (76.5, 75.8, 44.5),
    "PGD-7-AT (batch 32)": (73.0, 72.8, 40.0),
    "PGD-7-AT+A-mixup": (74.0, 73.0, 39.0),
    "PGD-7-AT+C-mixup": (63.0, 62.0, 40.5),
    "PGD-7-AT+A-cutout": (70.0, 69.0, 30.0),
    "PGD-7-AT+C-cutout": (68.0, 67.0, 34.0),
    "PGD-7-AT+A-cutmix": (72.0, 71.0, 39.0),
    "PGD-7-AT+C-cutmix": (63.0, 62.0, 40.5),
    "PGD-7-AT+QM-32+FAT": (74.0, 73.0, 43.0),
    "PGD-7-AT+QM-4": (68.0, 67.0, 36.0),
    "PGD-7-AT+QM-4+FAT": (74.0, 73.0, 40.5),
    "PGD-7-AT+QM-2": (57.0, 56.0, 30.0),
    "PGD-7-AT+QM-2+FAT": (70.0, 69.0, 40.5),
}
OTHERS = {  # the same for the other networks
    "mobilenet_v2": (78.0, 77.0, 50.0),
    "efficientnet_b0": (74.0, 73.0, 45.0),
    "wrn_34_10": (80.0, 79.0, 52.0),
}
# what each filter adds to the accuracy under an attack; nothing without a filter
GAINS = dict(zip(FILTERS, (3.0, 2.5, 2.0, 1.5, 0.0), strict=True))
# mean and standard deviation over the kernels
TOTAL_VARIATION = {"natural": (1.1, 0.1), "PGD-7-AT": (0.6, 0.1)}
CHANNELS = {"natural": (0.1, 0.1), "PGD-7-AT": (0.6, 0.1)}
HIGH_SHARE = {"natural": (0.5, 0.1), "PGD-7-AT": (0.2, 0.1)}
SECOND = {"PGD-7-AT+QM-4": (1.1, 0.1), "PGD-7-AT+QM-4+FAT": (0.8, 0.1)}
# over batches of images, by network and method
SIMILARITY = {
    ("resnet20_hardtanh", "natural"): 0.6,
    ("resnet20_hardtanh", "PGD-7-AT"): 0.3,
    ("mobilenet_v2", "PGD-7-AT"): 0.5,
    ("efficientnet_b0", "PGD-7-AT"): 0.28,
    ("wrn_34_10", "PGD-7-AT"): 0.55,
}
RATIOS = {"natural": (1.01, 2.03), "PGD-7-AT": (1.0, 6.36)}  # in the first and the last epoch
LOW_ENERGY, FALL, DC = 0.7, -0.1, 0.05  # of the difference: in the central square, per ring, DC


def filtered(percents, side, images, change):
    """Arrays of the probe filtered-attacks; the same images are hard for all."""
    clean, halved, attacked = percents
    sizes = np.array([2 * round(eighths * side / 16) for eighths in FILTERS])
    rows = [np.interp(FILTERS, (4, 5, 8), (halved, clean - (clean - halved) / 5, clean))]
    gains = np.array([GAINS[one] for one in FILTERS])
    shifts = dict(zip(COLUMNS, (0, 0, 20, 5, 0, 15, -5), strict=True))
    rows += [attacked + shifts[name] + change.get(name, gains) for name in COLUMNS[1:]]
    hardness = np.random.default_rng(0).permutation(N)[:images]
    correct = (hardness < np.array(rows)[..., None] * N / 100).astype(np.uint8)
    return {"bandwidths": sizes, "correct": correct}, {"attacks": ATTACKS}


def probes_of(network, method, side, random, change, images, batches):
    """(arrays, metadata) of every probe that a model of the paper has."""

    def of(name, table, key):
        return change.get((name, key), table.get(key))

    found = {}
    percents = OTHERS.get(network) or ACCURACY.get(method)
    percents = change.get(("accuracy", method, network), percents)
    if percents:
        gains = change.get(("gains", method), {})
        found["filtered-attacks"] = filtered(percents, side, images, gains)
        hardness = np.random.default_rng(0).permutation(N)
        clean, attacked = (hardness < percents[one] * N / 100 for one in (0, 2))
        arrays = {"correct": attacked.astype(np.uint8), "correct_clean": clean.astype(np.uint8)}
        found["pgd-20"] = arrays, {}
    similarity = of("similarity", SIMILARITY, (network, method))
    if similarity is not None:
        noise = random.normal(0, 0.02, batches)
        found["layer-similarity"] = {"shallow_deep_by_batch": similarity + noise}, {}
    if network != "resnet20_hardtanh":
        return found
    tables = {
        "total_variation": TOTAL_VARIATION, "channel_correlation": CHANNELS,
        "high_share": HIGH_SHARE,
    }  # fmt: skip
    if method in TOTAL_VARIATION:
        first = {
            name: random.normal(*of(name, table, method), 16) for name, table in tables.items()
        }
        found["first-kernels"] = first, {}
    if method in SECOND:
        second = random.normal(*of("second", SECOND, method), 16)
        found["second-kernels"] = {"total_variation": second}, {}
    if method == "PGD-7-AT":
        share = change.get("low_energy", LOW_ENERGY) + random.normal(0, 0.02, 200)
        rings = np.exp(change.get("fall", FALL) * np.arange(side // 2 + 1))[:, None]
        arrays = {
            "energy_share_difference": share,
            "dc_share_difference": np.full(200, change.get("dc", DC)),
            "amplitude_by_radius_difference": rings * random.lognormal(0, 0.1, (len(rings), 200)),
        }
        found["input-spectra"] = arrays, {}
    return found


def filtered_models(
    folder, change=None, seeds=1, dataset="cifar10", side=32, networks=None, images=N, batches=10
):
    """Entries of a scale whose measurements follow the paper, but for `change`.

    networks: what stands in for the paper's architectures. Keys of change: (name of a table in
    lower case, method), ("accuracy", method, network), ("gains", method), low_energy, dc and fall.
    """
    change = change or {}
    models = [("resnet20_hardtanh", "natural")] + [
        ("resnet20_hardtanh", method) for method in ACCURACY
    ]
    models += [(network, "PGD-7-AT") for network in OTHERS]
    entries = []
    for number, (network, method) in enumerate(models):
        architecture = (networks or {}).get(network, network)
        model = f"{dataset}_{architecture}_{method}"
        for seed in range(seeds):
            random = np.random.default_rng([number, seed])
            place = folder / model / f"seed-{seed}"
            measured = probes_of(network, method, side, random, change, images, batches)
            probes = {}
            for probe, content in measured.items():
                path = place / f"{probe}.safetensors"
                write_arrays(path, *content)
                probes[probe] = {"csv": str(path), "arrays": str(path)}
            ratios = change.get(("ratios", method), RATIOS.get(method))
            write_curves(place / "curves.csv", ratios, seed)
            entries.append(
                {
                    "slug": f"fs-c10-{network}-{method}", "model": model,
                    "dataset": dataset, "dataset_title": dataset.upper(),
                    "paper_dataset": "cifar10", "paper_dataset_title": "CIFAR-10",
                    "architecture": architecture,
                    "architecture_title": TITLES.get(architecture, architecture),
                    "paper": "fourier_study", "paper_architecture": network,
                    "method": method, "seed": seed, "probes": probes,
                    "files": files_of(place),
                }
            )  # fmt: skip
    return entries


def files_of(place):
    """What is known of a model beside its weights."""
    return {"curves": str(place / "curves.csv"), "run": str(place / "run.json")}


def write_curves(path, ratios, seed):
    """Twelve epochs; ratios: R at the ends or in every epoch, None if it was not recorded."""
    epochs = np.arange(1, 13)
    conditions, values = ["definition=per_channel", "definition=summed"], np.full(12, 70.0)
    if ratios is None:
        conditions = ["definition=spectral"]
    else:
        values = np.interp(epochs, np.linspace(1, 12, len(ratios)), ratios) * (1 + 0.02 * seed)
    rows = [
        {
            "epoch": int(epoch), "recorder": "first-activation", "split": "train",
            "condition": condition, "metric": "low_high_ratio", "value": float(value),
            "n_images": 100,
        }
        for condition in conditions
        for epoch, value in zip(epochs, values, strict=True)
    ]  # fmt: skip
    write_run(path.parent / "run.json", {}, {"curves": (path, rows)})
