"""No step of any recipe makes the host wait for a GPU or reads the values of a tensor.

A step that does cannot be captured as a CUDA graph, and is slower without one, too. The meta device
stands in for the GPU: its tensors have shapes but no values, so that whatever reads a value fails,
and copies between it and the host are detected.
"""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from papers import trainings
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from passband import models
from passband.compute import Compute
from passband.evaluation import frozen
from passband.training.step import parameter_groups, training_step

META = Compute(torch.device("meta"), torch.float32)
READS = {
    "_local_scalar_dense",
    "allclose",
    "bincount",
    "equal",
    "is_nonzero",
    "masked_select",
    "nonzero",
    "nonzero_numpy",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
    "_unique",
    "_unique2",
}
UPLOADS = {torch.tensor, torch.as_tensor, torch.from_numpy, Tensor.new_tensor}


class Waits(Exception):
    """An operation that makes the host wait, or that a CUDA graph cannot hold."""


class NoUploads(TorchFunctionMode):
    """Fails on device tensors made of Python numbers, which are copied from the host."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = function is not Tensor.new_tensor and isinstance(args[0], Tensor)
        if function in UPLOADS and result.is_meta and not given:
            raise Waits(f"{function.__name__} copies to the device")
        return result


class NoWaiting(TorchDispatchMode):
    """Fails on operators that read values or mix tensors of host and device."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if name in READS:
            raise Waits(f"{name} reads values")
        if name in {"index", "index_put_"} and any(
            one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1]
        ):
            raise Waits(f"{name} by a mask has a size that depends on values")
        result = function(*args, **(kwargs or {}))
        tensors += [one for one in tree_leaves(result) if isinstance(one, Tensor)]
        if len({one.device for one in tensors}) > 1:
            raise Waits(f"{name} mixes tensors of host and device")
        return result


def numbers(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


WAITS = {
    "item": lambda x: x.sum().item(),
    "branch": lambda x: 1 if x.any() else 0,
    "list": lambda x: x.tolist(),
    "host": lambda x: x.cpu(),
    "equal": lambda x: torch.equal(x, x),
    "selection": lambda x: x[x > 0],
    "nonzero": lambda x: (x > 0).nonzero(),
    "where": lambda x: torch.where(x > 0),
    "assignment": lambda x: x.__setitem__(x > 0, x[0, 0]),
    "unique": lambda x: x.unique(),
    "bincount": lambda x: x.long().flatten().bincount(),
    "repeats": lambda x: x.repeat_interleave(x[:, 0].long(), 0),
    "slice": lambda x: x[: x.sum().long()],
    "number": lambda x: x * torch.tensor(2.0, device=x.device),
    "numbers": lambda x: x * x.new_tensor([2.0, 3.0, 4.0]),
    "upload": lambda x: x * torch.ones(3).to(x.device),
    "host's number": lambda x: x * torch.ones(()),
    "classes": lambda x: F.one_hot(x.long()),
}


@pytest.mark.parametrize("operation", WAITS.values(), ids=WAITS)
def test_what_waits_is_found(operation):
    x = numbers(4, 3)
    with pytest.raises((Waits, NotImplementedError)), NoUploads(), NoWaiting():
        operation(x)


FREE = {
    "gather": lambda x: x[torch.arange(2, device=x.device)],
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "fill": lambda x: x.masked_fill(x > 0, 1.0),
    "one-hot": lambda x: F.one_hot(x.long(), 5),
    "sort": lambda x: x.sort(),
}


@pytest.mark.parametrize("operation", FREE.values(), ids=FREE)
def test_what_does_not_wait_passes(operation):
    x = numbers(4, 3)
    with NoUploads(), NoWaiting():
        operation(x)


TRAININGS = trainings()


def stepping(architecture: str, recipe: dict) -> Callable[[int], tuple]:
    """A function of the batch's size: a step of the recipe's last epoch, when all parts work."""
    model = models.build(architecture, 3, 10, 32, 0, recipe["parts"].get("quantization"))
    average = frozen(model).to("meta")
    model = META.place(model)
    optimizer = torch.optim.SGD(parameter_groups(model, recipe), lr=0.1, momentum=0.9)
    step = training_step(model, optimizer, recipe, 0, META, average, 10)

    def call(count: int) -> tuple:
        images = torch.empty(count, 3, 32, 32, dtype=torch.uint8, device="meta")
        labels, indices = torch.empty(2, count, dtype=torch.int64, device="meta")
        return step(images, labels, indices, recipe["epochs"] - 1, 1)

    return call


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
def test_no_step_waits_in_a_whole_batch_or_in_the_last_smaller_one(training, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # unknown to meta
    step = stepping(*training)
    with NoUploads(), NoWaiting():
        for count in (8, 5):
            step(count)
