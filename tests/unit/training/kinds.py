"""A short training with every kind of recipe part, and what differs between two of them."""

from pathlib import Path

import torch
from stripes import ATTACK, changed, stripes
from torch import Tensor

from passband import models
from passband.compute import Compute
from passband.training.checkpoint import State
from passband.training.engine import train

# Epochs of five batches, the last of which is smaller. The learning rate drops in the middle, and
# with the drop the parts that start there.
SHORT = {
    "epochs": 10,
    "batch_size": 16,
    "schedule": {"kind": "steps", "milestones": [5], "factors": [0.1]},
    "validation": {"fraction": 0.1},
    "select": "last",
}
IMAGES = 80

KL = {"adversary": {"attack": ATTACK | {"loss": "kl", "start": "normal"}, "batchnorm": "eval"}}
TRADES, MART = KL | {"trades": {"beta": 6}}, {"mart": {"beta": 6}}
AWP = {"weight_perturbation": {"gamma": 0.01, "warmup": 0}}
ALIGNMENT = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
SAR = {"spectral_alignment": ALIGNMENT}
SARWA = {
    "spectral_alignment": ALIGNMENT | {"natural_branch": "average"},
    "weight_average": {"cycle": 1},
}
FILTER = {"name": "half", "shape": "square", "keep": "low", "bandwidth": "1/2"}
RATES = {"learning_rate": 0.02, "weight_decay": 1e-4}
FAT = {
    "quantization": {
        "bits": 4,
        "frequency_aware": True,
        "activation_scales": RATES,
        "weight_transforms": RATES,
    }
}


FGSM = ATTACK | {"steps": 1, "start": "clean", "step_size": 10 / 255}
FGSM_AT = {"adversary": {"attack": FGSM, "batchnorm": "train", "warmup": 2}}
JAFR = {"jacobian_bias": {"weight": 0.01}}
GRADALIGN = {"gradalign": {"weight": 0.2, "epsilon": 8 / 255}}


def mixing(of: str, loss: str = "bce") -> dict:
    """The keys of a mixed-sample augmentation."""
    return {"of": of, "alpha": 1.0, "loss": loss}


KINDS = {
    "natural": {"adversary": None},
    "filtered": {"adversary": None, "input_filter": {"filter": FILTER}},
    "at": {},
    "at-train": {"adversary": {"attack": ATTACK, "batchnorm": "train"}},
    "trades": TRADES,
    "mart": MART,
    "awp": AWP,
    "trades+awp+sar": TRADES | AWP | SAR,
    "sar": SAR,
    "sarwa": SARWA,
    "mart+sarwa": MART | SARWA,
    "clean-mixup": {"mixup": mixing("clean")},
    "clean-cutmix": {"cutmix": mixing("clean", "ce")},
    "clean-cutout": {"cutout": mixing("clean")},
    "mixup": {"mixup": mixing("adversarial")},
    "cutmix": {"cutmix": mixing("adversarial")},
    "cutout": {"cutout": mixing("adversarial")},
    "natural-cutmix": {"adversary": None, "cutmix": mixing("clean")},
    "fgsm-at": FGSM_AT,
    "jafr": {"adversary": None} | JAFR,
    "fgsm-at+jafr": FGSM_AT | JAFR,
    "fgsm-at+gradalign": FGSM_AT | GRADALIGN,
    "fat": FAT,
    "dropout": {},
}
NETWORKS = {"fat": "resnet8_hardtanh", "dropout": "efficientnet_tiny"}  # others: resnet8_w8


def trained(
    checkpoint: Path, kind: str, compute: Compute, changes: dict | None = None, **options
) -> State:
    """Train a small network on the stripes by a recipe of `KINDS`, with `changes`."""
    recipe = changed(SHORT | KINDS[kind] | (changes or {}))
    quantization = recipe["parts"].get("quantization")
    model = models.build(NETWORKS.get(kind, "resnet8_w8"), 1, 2, 16, 0, quantization)
    return train(
        recipe,
        stripes(IMAGES),
        model,
        name=kind,
        seed=0,
        data_sha256="0",
        compute=compute,
        checkpoint=checkpoint,
        **options,
    )


def differences(one: State, other: State) -> list[str]:
    """What differs between two trainings, bit for bit: tensors by name, columns of the history."""
    ours, theirs = tensors_of(one), tensors_of(other)
    found = [name for name in ours.keys() | theirs.keys() if not same(ours, theirs, name)]
    columns = ("lr", "train_loss", "train_accuracy", "val_accuracy")
    rows = zip(one.history, other.history, strict=True)
    pairs = [(row[column], another[column], column) for row, another in rows for column in columns]
    return sorted({*found, *(column for ours, theirs, column in pairs if ours != theirs)})


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor], name: str) -> bool:
    """Whether both have a tensor of that name, with the same bits."""
    return name in ours and name in theirs and torch.equal(ours[name], theirs[name])


def tensors_of(state: State) -> dict[str, Tensor]:
    """Weights, buffers, optimiser state and averaged weights of a training."""
    found = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimizer.state[parameter].items():
            found[f"optimizer.{name}.{key}"] = torch.as_tensor(value)
    if state.average is not None:
        average = state.average.state_dict()
        found |= {f"average.{name}": value for name, value in average.items()}
    return found
