"""Measurements made up so that claims about three models and about defences are true."""

import numpy as np
from shipped import NETWORKS as TITLES

from passband.files import write_arrays

SIDES = {"cifar10": 32, "cifar100": 32, "tiny-imagenet": 64, "fashion-mnist-sample": 28}
SHORT = {"natural": "natural", "L-model": "lmodel", "PGD-AT": "pgd10"}
N = 4000

# percent correct at each eighth of the bandwidth, as a model of the paper's kind would have it
LOWPASS = {
    "natural": [12, 18, 27, 47, 81, 88, 91, 94],
    "L-model": [18, 45, 85, 91.5, 92, 92, 92, 92],
    "PGD-AT": [30, 58, 73, 79, 81, 81, 82, 82],
}
ATTACKED = {"natural": 0, "L-model": 0, "PGD-AT": 52}
LOW_PART = {  # accuracy under the low-frequency part of the perturbation, from bandwidth 0
    "natural": [94, 90, 80, 60, 40, 20, 8, 2, 0],
    "L-model": [92, 70, 40, 10, 2, 1, 0, 0, 0],
    "PGD-AT": [82, 75, 66, 60, 56, 54, 53, 52, 52],
}
HIGH_PART = {
    "natural": [94, 90, 75, 50, 30, 15, 5, 1, 0],
    "L-model": [92, 92, 91, 90, 88, 70, 40, 10, 0],
    "PGD-AT": [82, 82, 82, 81, 80, 75, 65, 58, 52],
}
DC = 0.02  # share of the perturbation's energy
LOW_ENERGY = {"natural": 0.30, "L-model": 0.55, "PGD-AT": 0.80}
NEIGHBOURS = {"natural": 0.05, "L-model": 0.20, "PGD-AT": 0.50}
ERRORS = {"natural": (0.5, 0.4), "L-model": (0.5, 0.1), "PGD-AT": (0.35, 0.02)}


def title(architecture):
    """What sentences call a network."""
    return TITLES.get(architecture, architecture)


def correct(percent, rng):
    """Answers of which exactly `percent` are right; harder images are the same throughout."""
    return (np.arange(N) < np.asarray(percent)[..., None] * N / 100).astype(np.uint8)


def measured(method, side, rng, change):
    """Arrays of every probe of one model; `change` replaces some of the tables above."""
    table = {
        "lowpass": LOWPASS, "attacked": ATTACKED, "low_part": LOW_PART, "high_part": HIGH_PART,
        "low_energy": LOW_ENERGY, "dc": dict.fromkeys(SHORT, DC),
        "texture": dict.fromkeys(SHORT, 0.6),
        "neighbours": NEIGHBOURS, "errors": ERRORS,
    }  # fmt: skip
    of = {name: change.get((name, method), values[method]) for name, values in table.items()}
    eighths = 2 * np.round(np.arange(9) * side / 16).astype(int)
    squares = np.arange(2, side + 1, 2)
    near = np.interp(squares / side, [0, 0.5, 1], [0, of["low_energy"], 1])
    noise = 1 + 0.02 * rng.standard_normal((len(squares), N)) * (squares < side)[:, None]
    rings = np.exp(-0.05 * np.arange(side // 2 + 1))
    if method == "L-model":
        rings[side // 4 :] *= 0.5
    signed = np.arange(-side // 2, side // 2)
    plane = np.stack(np.meshgrid(signed, signed, indexing="ij"), -1).reshape(-1, 2)
    plane = plane[:: len(plane) // 300]
    low = ((plane >= -side // 4) & (plane < side // 4)).all(1)
    wrong_clean = 1 - correct(of["lowpass"][-1], rng)
    hurt = rng.random((len(plane), N)) < np.where(low, *of["errors"])[:, None]
    detail, shape = [[0.1], [of["texture"]]], [[0.85], [0.98]]
    jitter = 0.05 * rng.standard_normal((2, N))
    return {
        "lowpass": {"bandwidths": eighths[1:], "correct": correct(of["lowpass"], rng)},
        "pgd-20": {"correct": correct(of["attacked"], rng), "correct_clean": 1 - wrong_clean},
        "pgd-20-bands": {
            "bandwidths_low": eighths,
            "bandwidths_high": eighths,
            "correct_low": correct(of["low_part"], rng),
            "correct_high": correct(of["high_part"], rng),
        },
        "pgd-20-spectrum": {
            "bandwidths": squares,
            "energy_share": (near[:, None] * noise).astype(np.float32),
            "dc_share": np.full(N, of["dc"]),
            "amplitude_by_radius": rings[:, None] * rng.lognormal(0, 0.02, (len(rings), N)),
            "autocorrelation": of["neighbours"] + jitter[0],
        },
        "fourier-heatmap": {
            "frequencies": plane,
            "wrong": np.maximum(hurt, wrong_clean).astype(np.uint8),
            "wrong_clean": wrong_clean,
            "error": np.zeros((side, side), np.float32),
        },
        "examples": {"detail_kept": detail + jitter, "shape_kept": shape + jitter},
    }


def world(
    folder, datasets=("cifar10",), change=None, seeds=1, papers=None, architecture="resnet18"
):
    """Entries of a scale whose measurements follow the paper, but for `change`."""
    entries = []
    for number, dataset in enumerate(datasets):
        for method, short in SHORT.items():
            for seed in range(seeds):
                rng = np.random.default_rng([number, seed])
                probes = {}
                arrays = measured(method, SIDES[dataset], rng, (change or {}).get(dataset, {}))
                for probe, content in arrays.items():
                    path = folder / f"{dataset}-{short}-{seed}-{probe}.safetensors"
                    write_arrays(path, content, {})
                    probes[probe] = {"csv": str(path), "arrays": str(path)}
                paper = (papers or {}).get(dataset, dataset)
                entries.append(
                    {
                        "slug": f"sar-{paper}-{short}",
                        "model": f"{dataset}_{architecture}_{method}",
                        "dataset": dataset, "dataset_title": dataset.upper(),
                        "paper_dataset": paper, "paper_dataset_title": paper.upper(),
                        "architecture": architecture, "architecture_title": title(architecture),
                        "paper": "sar", "paper_architecture": "resnet18",
                        "method": method, "seed": seed, "probes": probes, "files": {},
                    }
                )  # fmt: skip
    return entries


# percent correct without an attack and under PGD-20, PGD-50, C&W and AutoAttack
DEFENCES = {
    "PGD-AT": [82.0, 52.0, 51.5, 50.0, 48.0],
    "SAR": [80.4, 56.0, 55.5, 52.5, 51.0],
    "SARWA": [82.6, 57.0, 56.5, 53.0, 51.5],
    "TRADES": [82.0, 53.0, 52.5, 50.5, 49.0],
    "TRADES+SAR": [80.0, 54.5, 54.0, 51.5, 50.5],
    "TRADES+SARWA": [81.8, 54.2, 54.0, 51.7, 50.3],
    "MART": [81.0, 54.0, 53.5, 50.0, 48.5],
    "MART+SAR": [79.0, 55.5, 55.0, 51.0, 49.5],
    "MART+SARWA": [80.8, 55.2, 55.0, 51.5, 50.0],
    "AWP": [81.0, 54.5, 54.0, 51.0, 49.5],
    "AWP+SAR": [79.0, 56.5, 56.0, 52.5, 51.0],
    "AWP+SARWA": [80.8, 56.0, 56.0, 52.0, 51.0],
    "SAR (L2)": [80.8, 54.5, 54.0, 51.5, 49.5],
    "SAR (cosine)": [81.2, 53.5, 53.0, 51.0, 49.0],
    "SAR (λ=0.05)": [81.2, 54.0, 53.5, 51.0, 49.5],
    "SAR (λ=0.15)": [79.0, 54.0, 53.5, 51.5, 50.5],
    "SAR (λ=0.2)": [78.0, 53.0, 52.5, 51.0, 50.0],
    "SARWA (λ=0.05)": [84.0, 54.0, 53.5, 51.5, 49.5],
    "SARWA (λ=0.1)": [83.2, 56.0, 55.5, 52.5, 50.5],
    "SARWA (λ=0.2)": [81.0, 56.0, 55.5, 52.0, 51.0],
}
NETWORKS = {  # the models that the paper trains of each
    "resnet18": list(DEFENCES),
    "wrn_34_10": ["PGD-AT", "TRADES", "MART", "AWP", "SAR", "SARWA"],
    "resnet152": ["PGD-AT", "SAR", "SARWA"],
    "wrn_34_15": ["PGD-AT", "SAR", "SARWA"],
}


def under_attacks(percents, strong=N, auto=N):
    """Arrays of the probes of tables II to VII; `strong` and `auto` are numbers of images."""
    hardness = np.random.default_rng(0).permutation(N)
    right = (hardness < np.array(percents)[:, None] * N / 100).astype(np.uint8)
    clean, pgd20, pgd50, cw30, standing = right
    return {
        "pgd-20": ({"correct": pgd20, "correct_clean": clean}, {}),
        "stronger-attacks": (
            {
                "correct_clean": clean[:strong],
                "correct": np.stack([clean, cw30, pgd50])[:, :strong],
            },
            {"attacks": ["pgd-10-half", "cw-30", "pgd-50"]},
        ),
        "autoattack": (
            {
                "correct_clean": clean[:auto],
                "survived": np.stack([pgd50, cw30, standing, standing])[:, :auto],
            },
            {"attacks": ["apgd-ce", "apgd-t", "fab-t", "square"]},
        ),
    }


def defences(
    folder, datasets=("cifar10",), change=None, seeds=1, papers=None, networks=None, **images
):
    """Entries of the defended models. `networks` replaces the paper's architectures, and
    `change[architecture, method]` replaces DEFENCES[method]."""
    entries = []
    for dataset in datasets:
        paper = (papers or {}).get(dataset, dataset)
        for network, methods in NETWORKS.items():
            architecture = (networks or {}).get(network, network)
            for method in methods:
                percents = (change or {}).get((architecture, method), DEFENCES[method])
                model = f"{dataset}_{architecture}_{method}"
                for seed in range(seeds):
                    probes = {}
                    arrays = under_attacks(np.array(percents) + 0.1 * seed, **images)
                    for probe, content in arrays.items():
                        path = folder / f"{model}-{seed}-{probe}.safetensors"
                        write_arrays(path, *content)
                        probes[probe] = {"csv": str(path), "arrays": str(path)}
                    entries.append(
                        {
                            "slug": f"sar-{paper}-{network}-{method}", "model": model,
                            "dataset": dataset, "dataset_title": dataset.upper(),
                            "paper_dataset": paper, "paper_dataset_title": paper.upper(),
                            "architecture": architecture,
                            "architecture_title": title(architecture),
                            "paper": "sar", "paper_architecture": network,
                            "method": method, "seed": seed, "probes": probes, "files": {},
                        }
                    )  # fmt: skip
    return entries
