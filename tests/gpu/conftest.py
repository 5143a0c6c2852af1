"""Tests on a GPU: `python3 -m pytest -m gpu tests/gpu`. Without one all of them are skipped.

They need neither Snakemake nor a network, and share the small networks and recipes of
tests/unit/training.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from passband.compute import Compute

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "unit/training"))
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is initialised


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="PyTorch sees no CUDA GPU"))


@pytest.fixture
def gpu() -> Iterator[Compute]:
    """The GPU in strict float32, eager, without cudnn.benchmark."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    yield Compute(torch.device("cuda"), torch.float32)
    torch.cuda.empty_cache()


@pytest.fixture
def deterministic() -> Iterator[None]:
    """Deterministic algorithms only."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
