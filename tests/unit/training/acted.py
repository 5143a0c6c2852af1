"""CUDA graphs emulated on the CPU: a capture is a list of operators, a replay runs them again.

Each operator runs on the tensors and numbers with which it was recorded, and writes its results to
the same tensors, as in a graph on a GPU. Whatever a step keeps in Python numbers is therefore
frozen here as it would be there. The memory pool, in which tensors whose lifetimes do not overlap
share memory, is not emulated.
"""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Graph(TorchDispatchMode):
    """Stands in for torch.cuda.CUDAGraph."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        if not function.is_view and "empty" not in function.overloadpacket.__name__:
            self.calls.append((function, args, kwargs or {}, tree_leaves(results)))
        return results

    @torch.no_grad()
    def replay(self) -> None:
        """Run what was recorded once more."""
        for function, args, kwargs, places in self.calls:
            results = tree_leaves(function(*args, **kwargs))
            for place, result in zip(places, results, strict=True):
                if isinstance(place, Tensor) and place.data_ptr() != result.data_ptr():
                    place.copy_(result)


class Stream:
    """Stands in for torch.cuda.Stream."""

    def wait_stream(self, other: "Stream") -> None:
        """Do nothing: all operators run in order."""


def act_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins into torch.cuda."""
    places = {
        "CUDAGraph": Graph,
        "graph": lambda graph, **_: graph,
        "Stream": Stream,
        "stream": lambda _: nullcontext(),
        "current_stream": Stream,
        "get_rng_state": torch.get_rng_state,
        "set_rng_state": torch.set_rng_state,
    }
    for name, value in places.items():
        monkeypatch.setattr(torch.cuda, name, value)
