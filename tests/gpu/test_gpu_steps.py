"""One step of every recipe of the papers, on the GPU and on the CPU."""

import pytest
import torch
from stripes import Double
from torch import Tensor, nn

pytest.importorskip("jsonschema", reason="the plan, which resolves recipes, needs jsonschema")
from papers import trainings

from passband import models
from passband.compute import Compute
from passband.evaluation import frozen
from passband.training.engine import optimizer_of
from passband.training.step import training_step

TRAININGS = trainings()


def without_dropout(model: nn.Module) -> nn.Module:
    """The model with dropout turned off, since a GPU has other random numbers than a CPU."""
    for layer in model.modules():
        for rate in ("p", "rate"):
            if hasattr(layer, rate):
                setattr(layer, rate, 0.0)
    return model


def step(architecture: str, recipe: dict, compute: Compute) -> tuple[Tensor, float, int]:
    """What a step of the last epoch, when all parts work, does to the weights; loss; correct."""
    quantization = recipe["parts"].get("quantization")
    model, average = (
        compute.place(without_dropout(models.build(architecture, 3, 10, 32, seed, quantization)))
        for seed in (0, 1)
    )
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = optimizer_of(model, recipe, compute)
    branch = compute.logits_of(frozen(average))
    taken = training_step(model, optimizer, recipe, 0, compute, branch, 10)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (16,), generator=generator)
    batch = (one.to(compute.device) for one in (images, labels, torch.arange(16)))
    loss, correct = taken(*batch, recipe["epochs"] - 1, 1)
    moved = zip(model.parameters(), before, strict=True)
    change = torch.cat([(now.detach() - then).flatten() for now, then in moved])
    return change.double().cpu(), loss.item(), correct.item()


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
def test_a_step_does_on_the_gpu_what_it_does_on_the_cpu(training, gpu):
    """In double precision the two differ by rounding alone.

    In float32 rounding also flips the sign of gradients that are nearly zero, and moves activations
    across kinks. On a CPU that changes a step by up to 5 %, in the Euclidean norm, against double
    precision; leaving out a part changes it by more than twice as much. Steps of quantised networks
    are not continuous: a change of the weights by 1e-13 changes half of the step. Only the loss is
    compared for them.
    """
    architecture, recipe = training
    double = Double(torch.device("cpu"), torch.float32)
    expected, loss, correct = step(architecture, recipe, double)
    change, found, right = step(architecture, recipe, Double(gpu.device, torch.float32))
    if "quantization" in recipe["parts"]:
        assert found == pytest.approx(loss, rel=0.02)
    else:
        assert (change - expected).norm() <= 1e-6 * expected.norm()
        assert found == pytest.approx(loss, rel=1e-6) and right == correct
    change, found, _ = step(architecture, recipe, gpu)
    assert found == pytest.approx(loss, rel=0.02)
    if "quantization" not in recipe["parts"]:
        assert (change - expected).norm() <= 0.12 * expected.norm()
