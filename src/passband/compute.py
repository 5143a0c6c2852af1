"""Device, precision, memory layout and engine: chosen once per process, not by recipes."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from passband.errors import UserError
from passband.gpus import claim
from passband.origin import cores, processor

ENGINE = "PASSBAND_ENGINE"  # environment variable
ENGINES = ("eager", "graphs", "compiled")
# TensorFloat-32 changes logits by a few thousandths of their range.
NEAR = 0.02  # two logits closer than this share of the range are compared in float32


@dataclass(frozen=True)
class Compute:
    """Where and how networks run.

    device: the device. autocast_dtype: the data type of forward passes in training and in attacks;
    float32 turns autocast off. engine: "eager"; "graphs", where training steps are captured as CUDA
    graphs and replayed (see `passband.training.replay`); or "compiled", where in addition passes
    without second derivatives go through torch.compile.
    """

    device: torch.device
    autocast_dtype: torch.dtype
    engine: str = "eager"

    def with_engine(self, engine: str) -> "Compute":
        """The same device and precision with another engine."""
        return replace(self, engine=engine)

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in channels_last layout."""
        return model.to(self.device, memory_format=torch.channels_last)

    def images(self, stored: Tensor) -> Tensor:
        """uint8 [N, C, H, W] to float32 in [0, 1], channels_last."""
        return stored.float().div_(255).contiguous(memory_format=torch.channels_last)

    def logits_of(
        self, model: Callable[[Tensor], Tensor], compilable: bool = False
    ) -> Callable[[Tensor], Tensor]:
        """The model's forward pass under autocast; inputs and logits stay float32.

        Where autocast lowers the precision, the model itself is the result's `in_float32`.

        Args:
            compilable: whether all batches have the same size and nothing needs a second
                derivative: torch.compile does not support double backward.
        """
        run = model
        if compilable and self.engine == "compiled" and isinstance(model, nn.Module):
            run = torch.compile(model, dynamic=False)
        if self.autocast_dtype == torch.float32:
            return run

        def forward(images: Tensor) -> Tensor:
            with torch.autocast(self.device.type, dtype=self.autocast_dtype, cache_enabled=False):
                return run(images).float()

        forward.in_float32 = model
        return forward

    def labels_of(self, model: nn.Module, images: Tensor) -> Tensor:
        """The labels int64 [N] that a model in evaluation mode predicts in strict float32.

        On a GPU most images are decided in TensorFloat-32, which is several times as fast; those
        whose two largest logits are close to each other are computed again in float32. A model with
        `whole_batches`, whose outputs depend on the batch, decides all in float32.

        Args:
            images: float [N, C, H, W] in [0, 1].
        """
        if self.device.type != "cuda" or getattr(model, "whole_batches", False):
            return model(images).argmax(1)
        with tensor_float32():
            logits = model(images)
        found, (first, second) = logits.argmax(1), logits.topk(2).values.unbind(1)
        clear = first - second > NEAR * (logits.amax(1) - logits.amin(1))
        near = (~clear).nonzero()[:, 0]
        if len(near):
            found[near] = model(images[near]).argmax(1)
        return found

    def describe(self) -> dict[str, object]:
        """Device, precision and versions, as run.json records them."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name() if cuda else f"{processor()} ({cores()} cores)",
            "precision": str(self.autocast_dtype).removeprefix("torch."),
            "engine": self.engine,
            "judged_in": "float32",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        }


@contextmanager
def tensor_float32() -> Iterator[None]:
    """Allow TensorFloat-32 in matrix products and convolutions on a GPU within the block."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


@contextmanager
def searching_kernels() -> Iterator[None]:
    """Within the block cuDNN times its kernels for every new shape and keeps the fastest.

    This takes seconds, which pays off where a shape is used thousands of times.
    """
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = False


def choose(threads: int, gpus: int = 0) -> Compute:
    """Choose the device and the autocast dtype.

    A GPU runs in bfloat16; so does a CPU with bfloat16 instructions, any other CPU in float32.
    Everything outside autocast runs in strict float32 (no TF32) unless it opts out, see
    `tensor_float32`; accuracy is always that in strict float32.

    Args:
        threads: number of CPU threads granted by the scheduler.
        gpus: number of GPUs granted by the scheduler.

    Raises:
        UserError: a GPU was granted, but PyTorch does not see one.
    """
    if gpus and not torch.cuda.is_available():
        raise UserError(
            "this job was granted a GPU, but PyTorch sees none: check that nvidia-smi lists it and "
            "that requirements-gpu.txt is installed, or run on the CPU by CUDA_VISIBLE_DEVICES=''."
        )
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if torch.cuda.is_available():
        torch.cuda.set_device(own_gpu())
        return Compute(torch.device("cuda"), torch.bfloat16, chosen_engine())
    torch.set_deterministic_debug_mode("error")
    precision = torch.bfloat16 if has_bfloat16() else torch.float32
    return Compute(torch.device("cpu"), precision)


def chosen_engine() -> str:
    """The engine on a GPU: PASSBAND_ENGINE if set, else the fastest that is available.

    Raises:
        UserError: there is no engine of that name.
    """
    engine = os.environ.get(ENGINE) or ("compiled" if find_spec("triton") else "graphs")
    if engine not in ENGINES:
        raise UserError(f"{ENGINE} is '{engine}': expected one of {', '.join(ENGINES)}.")
    return engine


@cache
def own_gpu() -> int:
    """The number of a GPU that no other process uses, from now until this one ends."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible.startswith("MIG-"):  # the parts of a GPU share its uuid
        return claim([visible])
    count = torch.cuda.device_count()
    return claim([str(torch.cuda.get_device_properties(number).uuid) for number in range(count)])


def has_bfloat16() -> bool:
    """Whether the processor has bfloat16 instructions (x86 AVX512-BF16 or AMX)."""
    return torch.cpu._is_avx512_bf16_supported()
