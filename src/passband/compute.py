"""Device, precision and memory layout: chosen once per process, independently of recipes."""

import platform
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from passband.errors import UserError
from passband.origin import cores, processor


@dataclass(frozen=True)
class Compute:
    """Where and how networks run.

    device: the device. autocast_dtype: the data type of forward passes in training and in attacks;
    float32 turns autocast off.
    """

    device: torch.device
    autocast_dtype: torch.dtype

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in channels_last layout."""
        return model.to(self.device, memory_format=torch.channels_last)

    def images(self, stored: Tensor) -> Tensor:
        """uint8 [N, C, H, W] to float32 in [0, 1], channels_last."""
        return stored.float().div_(255).contiguous(memory_format=torch.channels_last)

    def logits_of(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """The model's forward pass under autocast; inputs and logits stay float32."""
        if self.autocast_dtype == torch.float32:
            return model

        def forward(images: Tensor) -> Tensor:
            with torch.autocast(self.device.type, dtype=self.autocast_dtype):
                return model(images).float()

        return forward

    def describe(self) -> dict[str, object]:
        """Device, precision and versions, as run.json records them."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name() if cuda else f"{processor()} ({cores()} cores)",
            "precision": str(self.autocast_dtype).removeprefix("torch."),
            "judged_in": "float32",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        }


def choose(threads: int, gpus: int = 0) -> Compute:
    """Choose the device and the autocast dtype.

    A GPU runs in bfloat16; so does a CPU with bfloat16 instructions, any other CPU in float32.
    Everything outside autocast runs in strict float32 (no TF32), accuracy under attack included.

    Args:
        threads: number of CPU threads granted by the scheduler.
        gpus: number of GPUs granted by the scheduler.

    Raises:
        UserError: a GPU was granted, but PyTorch does not see one.
    """
    if gpus and not torch.cuda.is_available():
        raise UserError(
            "this job was granted a GPU, but PyTorch sees none: check that nvidia-smi lists it and "
            "that requirements-gpu.txt is installed, or set gpu=0 for the rule to run on the CPU."
        )
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if torch.cuda.is_available():
        torch.backends.cudnn.benchmark = True
        return Compute(torch.device("cuda"), torch.bfloat16)
    torch.set_deterministic_debug_mode("error")
    precision = torch.bfloat16 if has_bfloat16() else torch.float32
    return Compute(torch.device("cpu"), precision)


def has_bfloat16() -> bool:
    """Whether the processor has bfloat16 instructions (x86 AVX512-BF16 or AMX)."""
    return torch.cpu._is_avx512_bf16_supported()
