"""Stored tensors: safetensors files of PyTorch, whole and checked like all others."""

from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from passband.errors import Damaged
from passband.files import check_seal, json_header, reading, write_sealed


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, object]) -> None:
    """Write named tensors and metadata as safetensors, atomically."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_sealed(path, save(stored, metadata=json_header(metadata)))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file written by `write_tensors` or `write_arrays`.

    Raises:
        Damaged: a bit of it has changed.
    """
    check_seal(path)
    with reading(path):
        return load_file(path)


def check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    """Check that all numbers of a file's tensors are finite.

    Raises:
        Damaged: one is not.
    """
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise Damaged(path, f"{name} has a value that is not finite")
