"""Training state on disk: safetensors only, replaced atomically after every epoch."""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from passband.files import json_header, replacing


@dataclass
class State:
    """All that training needs to go on: weights, momentum, best weights, and what happened.

    average: the mean of `averaged` checkpoints, where the recipe averages weights.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module | None = None
    averaged: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    selected_epoch: int = 0
    resumed: int = 0


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, object]) -> None:
    """Write tensors and metadata (as `json_header` packs it) as safetensors, atomically."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as part:
        part.write_bytes(save(stored, metadata=json_header(metadata)))


def save_state(path: Path, state: State, fingerprint: str) -> None:
    """Store the state; `fingerprint` names the training that it belongs to."""
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    for name, parameter in state.model.named_parameters():
        tensors[f"momentum.{name}"] = state.optimizer.state[parameter]["momentum_buffer"]
    if state.average is not None:
        average = state.average.state_dict()
        tensors |= {f"average.{name}": value for name, value in average.items()}
    metadata = {
        "fingerprint": fingerprint,
        "averaged": state.averaged,
        "history": state.history,
        "selected_epoch": state.selected_epoch,
        "resumed": state.resumed,
    }
    write_tensors(path, tensors, metadata)


def restore_state(path: Path, state: State, fingerprint: str) -> bool:
    """Load a stored state into `state` if it belongs to this training; say whether it did."""
    if not path.exists():
        return False
    with safe_open(path, framework="pt") as file:
        metadata = json.loads(file.metadata()["json"])
        if metadata.pop("fingerprint") != fingerprint:
            return False
        groups: dict[str, dict[str, Tensor]]
        groups = {"model": {}, "best": {}, "momentum": {}, "average": {}}
        for name in file.keys():  # noqa: SIM118 (the file is no mapping)
            group, _, rest = name.partition(".")
            groups[group][rest] = file.get_tensor(name)
    state.model.load_state_dict(groups["model"])
    for name, parameter in state.model.named_parameters():
        buffer = groups["momentum"][name].to(parameter.device)
        layout = torch.empty_like(parameter).copy_(buffer)
        state.optimizer.state[parameter]["momentum_buffer"] = layout
    if groups["average"]:
        state.average = deepcopy(state.model)
        state.average.load_state_dict(groups["average"])
    state.averaged = metadata["averaged"]
    state.best = groups["best"]
    state.history = metadata["history"]
    state.selected_epoch = metadata["selected_epoch"]
    state.resumed = metadata["resumed"] + 1
    return True
