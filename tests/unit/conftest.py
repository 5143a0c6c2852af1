"""Networks that the tests of models, attacks, training and probes share."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from passband import compute, models


@pytest.fixture
def strict() -> Iterator[None]:
    """One thread and deterministic algorithms, as a training job has them; restored afterwards."""
    threads = torch.get_num_threads()
    compute.choose(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def lived_in() -> Callable[..., nn.Module]:
    """Builds networks in eval mode whose running statistics and affine parameters are not new."""

    def build(name: str, channels: int = 3, side: int = 32, classes: int = 10) -> nn.Module:
        model = models.build(name, channels, classes, side, seed=0)
        generator = torch.Generator().manual_seed(1)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                shape = module.weight.shape
                with torch.no_grad():
                    module.weight.copy_(torch.rand(shape, generator=generator) + 0.5)
                    module.bias.copy_(torch.randn(shape, generator=generator) * 0.3)
                    if module.track_running_stats:
                        module.running_mean.copy_(torch.randn(shape, generator=generator) * 0.3)
                        module.running_var.copy_(torch.rand(shape, generator=generator) * 2 + 0.2)
        return model.eval()

    return build
