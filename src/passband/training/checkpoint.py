"""Training state on disk: safetensors only, replaced atomically after every epoch."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from passband.errors import Damaged
from passband.files import read_metadata
from passband.tensors import read_tensors, write_tensors


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
    """Load a stored state into `state` if it belongs to this training; return whether it did.

    Raises:
        Damaged: the file is not as it was written, or its tensors do not fit the network. `state`
            is then as it was.
    """
    if not path.exists():
        return False
    metadata = read_metadata(path)
    if metadata.get("fingerprint") != fingerprint:
        return False
    groups: dict[str, dict[str, Tensor]]
    groups = {"model": {}, "best": {}, "optimizer": {}, "average": {}}
    for name, tensor in read_tensors(path).items():
        group, _, rest = name.partition(".")
        groups[group][rest] = tensor
    if _shapes(groups["model"]) != _shapes(state.model.state_dict()):
        raise Damaged(path, "its tensors do not fit the network")
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


def resume(path: Path, state: State, fingerprint: str) -> bool:
    """`restore_state`, but a damaged file is set aside, so that the training begins without it."""
    try:
        return restore_state(path, state, fingerprint)
    except Damaged as damage:
        aside = path.replace(path.with_name(f"{path.name}.damaged"))
        print(
            f"{path} is damaged ({damage.reason}): it is kept as {aside.name}, and the training "
            "goes on without it.",
            flush=True,
        )
        return False


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


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
