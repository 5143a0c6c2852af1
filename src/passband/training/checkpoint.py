"""Training state on disk: safetensors only, replaced atomically after every epoch."""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from passband.files import json_header, read_metadata, replacing


@dataclass
class State:
    """What a training needs to resume: weights, optimiser state, best weights, history and curves.

    average: the mean of `averaged` checkpoints, where the recipe averages weights. history: a row
    for each epoch. curves: rows of the recorders.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module | None = None
    averaged: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    curves: list[dict] = field(default_factory=list)
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
    scalars: dict[str, dict[str, object]] = {}
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{name}.{key}"] = value
            else:
                scalars.setdefault(name, {})[key] = value
    if state.average is not None:
        average = state.average.state_dict()
        tensors |= {f"average.{name}": value for name, value in average.items()}
    metadata = {
        "fingerprint": fingerprint,
        "optimizer": scalars,
        "averaged": state.averaged,
        "history": state.history,
        "curves": state.curves,
        "selected_epoch": state.selected_epoch,
        "resumed": state.resumed,
    }
    write_tensors(path, tensors, metadata)


def restore_state(path: Path, state: State, fingerprint: str) -> bool:
    """Load a stored state into `state` if it belongs to this training; return whether it did."""
    if not path.exists():
        return False
    with safe_open(path, framework="pt") as file:
        metadata = json.loads(file.metadata()["json"])
        if metadata.pop("fingerprint") != fingerprint:
            return False
        groups: dict[str, dict[str, Tensor]]
        groups = {"model": {}, "best": {}, "optimizer": {}, "average": {}}
        for name in file.keys():  # noqa: SIM118 (the file is no mapping)
            group, _, rest = name.partition(".")
            groups[group][rest] = file.get_tensor(name)
    state.model.load_state_dict(groups["model"])
    _restore_optimizer(state, groups["optimizer"], metadata["optimizer"])
    if groups["average"]:
        state.average = deepcopy(state.model)
        state.average.load_state_dict(groups["average"])
    state.averaged = metadata["averaged"]
    state.best = groups["best"]
    state.history = metadata["history"]
    state.curves = metadata["curves"]
    state.selected_epoch = metadata["selected_epoch"]
    state.resumed = metadata["resumed"] + 1
    return True


def epochs_in(path: Path) -> int:
    """The number of completed epochs of a stored state."""
    return len(read_metadata(path)["history"])


def _restore_optimizer(
    state: State, tensors: dict[str, Tensor], scalars: dict[str, dict[str, object]]
) -> None:
    """Give the optimiser its state for each parameter, in the parameter's memory layout."""
    optimizer, parameters = state.optimizer, dict(state.model.named_parameters())
    stored: dict[str, dict[str, object]] = {
        name: dict(scalars.get(name, {})) for name in parameters
    }
    for path, tensor in tensors.items():
        name, _, key = path.rpartition(".")
        if tensor.shape == parameters[name].shape:
            tensor = torch.empty_like(parameters[name], dtype=tensor.dtype).copy_(tensor)
        stored[name][key] = tensor
    names = {id(parameter): name for name, parameter in parameters.items()}
    listed = [one for group in optimizer.param_groups for one in group["params"]]
    optimizer.load_state_dict(
        {
            "state": {i: stored[names[id(one)]] for i, one in enumerate(listed)},
            "param_groups": optimizer.state_dict()["param_groups"],
        }
    )
