"""Attacks and predictions on the GPU, with a network trained briefly on Fashion-MNIST."""

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import passband
from passband import models
from passband.attacks import ATTACKS, craft
from passband.compute import Compute
from passband.data.parsers import read_idx
from passband.draws import Draws
from passband.evaluation import added, frozen, perturbations, predictions

EPSILON = 8 / 255
BALL = {"epsilon": EPSILON}
PGD = BALL | {"attack": "pgd", "step_size": 2 / 255, "steps": 10, "start": "uniform"}
NAMED = {
    "fgsm": BALL | {"attack": "fgsm"},
    "pgd": PGD,
    "margin": PGD | {"loss": "margin", "restarts": 3},
    "kl": PGD | {"loss": "kl", "start": "normal"},
    "apgd-ce": BALL | {"attack": "apgd", "loss": "cross_entropy", "steps": 20},
    "apgd-t": BALL | {"attack": "apgd", "loss": "dlr_targeted", "target_classes": 3, "steps": 10},
    "fab": BALL | {"attack": "fab", "target_classes": 3, "steps": 10},
    "square": BALL | {"attack": "square", "queries": 200, "initial_share": 0.8},
    "cw": {
        "attack": "cw",
        "c": 1.0,
        "kappa": 0.0,
        "steps": 20,
        "learning_rate": 0.01,
        "space": "pixel",
    },
    "gaussian_noise": {"attack": "gaussian_noise", "std": 0.1},
}
COUNT = 200


def sample(kind: str, count: int) -> tuple[Tensor, Tensor]:
    """The first images of the embedded sample, uint8 [N, 1, 32, 32], and their labels."""
    folder = Path(passband.__file__).parent / "data/sample"
    images, labels = (
        torch.from_numpy(read_idx(folder / f"{kind}-{what}-ubyte.gz").copy())[:count]
        for what in ("images-idx3", "labels-idx1")
    )
    return F.pad(images[:, None], (2, 2, 2, 2)), labels.long()


@pytest.fixture(scope="module")
def learnt() -> nn.Module:
    """A network on the CPU, trained for two epochs on 2,000 images."""
    model = models.build("resnet8_w8", 1, 10, 32, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    images, labels = sample("train", 2000)
    for _ in range(2):
        for rows in torch.arange(2000).split(50):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows].float() / 255), labels[rows]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture
def shown(gpu) -> tuple[Tensor, Tensor]:
    """Test images and labels on the GPU."""
    images, labels = sample("t10k", COUNT)
    return images.to(gpu.device), labels.to(gpu.device)


def copied(model: nn.Module, compute: Compute) -> nn.Module:
    """A frozen copy of the model on a device."""
    return compute.place(frozen(model))


def test_every_attack_is_tried():
    assert {row["attack"] for row in NAMED.values()} == set(ATTACKS.names())


@pytest.mark.parametrize("name", NAMED)
def test_an_attack_stays_in_its_ball_and_is_as_strong_as_on_the_cpu(name, learnt, shown, gpu):
    """The random numbers are the same; bfloat16 and the order of sums may change a few images."""
    attack, (images, labels) = NAMED[name] | {"name": name}, shown
    compute = Compute(gpu.device, torch.bfloat16)
    network = copied(learnt, compute)
    noise = perturbations(network, images, labels, attack, 0, compute)
    assert noise.isfinite().all() and noise.abs().amax((1, 2, 3)).any()
    if "epsilon" in attack:
        assert noise.abs().max() <= EPSILON + 1e-6
    shifted = compute.images(images) + noise
    assert shifted.min() >= -1e-6 and shifted.max() <= 1 + 1e-6
    right = (predictions(network, images, compute, added(noise)) == labels).sum().item()
    host = Compute(torch.device("cpu"), torch.float32)
    slow = copied(learnt, host)
    stored = images.cpu(), labels.cpu()
    noise = perturbations(slow, *stored, attack, 0, host)
    expected = (predictions(slow, stored[0], host, added(noise)) == stored[1]).sum().item()
    assert right <= expected + 0.03 * COUNT
    assert right >= expected - 0.05 * COUNT


def test_labels_are_those_of_double_precision_even_near_ties(learnt, shown, gpu):
    """Images beside the boundary along a perturbation, where the two largest logits nearly agree.

    TensorFloat-32 and bfloat16 would confuse many of them. Strict float32 may confuse those whose
    logits differ by less than a millionth of a few units.
    """
    images, labels = shown
    compute = Compute(gpu.device, torch.bfloat16)
    network, exact = copied(learnt, compute), frozen(learnt).double()
    noise = perturbations(network, images, labels, PGD | {"name": "pgd"}, 0, compute)
    clean = (images.float() / 255).cpu().double()
    noise, low = noise.cpu().double(), torch.zeros(COUNT, 1, 1, 1, dtype=torch.float64)
    own, high = exact(clean).argmax(1), torch.full_like(low, 100)
    for _ in range(18):
        middle = (low + high) / 2
        kept = (exact(clean + middle * noise).argmax(1) == own)[:, None, None, None]
        low, high = torch.where(kept, middle, low), torch.where(kept, high, middle)
    between = (clean + low * noise).float()
    logits = exact(between.double())
    first, second = logits.topk(2).values.unbind(1)
    apart = (first - second) / (logits.amax(1) - logits.amin(1))
    assert ((apart > 1e-5) & (apart < 2e-3)).sum() > COUNT / 4, "too few images are near ties"
    on_gpu = between.to(gpu.device)
    found = predictions(network, images, compute, lambda _, part: on_gpu[part]).cpu()
    clear = apart > 1e-5
    assert torch.equal(found[clear], logits.argmax(1)[clear])
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32


def test_compiled_attacks_are_as_strong_as_eager_ones(learnt, shown, gpu):
    """Attacks in training, which use the network without folding."""
    pytest.importorskip("triton", reason="torch.compile needs triton on a GPU")
    (images, labels), right = shown, {}
    for engine in ("eager", "compiled"):
        compute = Compute(gpu.device, torch.bfloat16, engine)
        network = compute.place(copy.deepcopy(learnt)).requires_grad_(False)
        clean, attacked = compute.images(images), compute.logits_of(network, compilable=True)
        draws = Draws(0, torch.arange(COUNT, device=gpu.device))
        found = craft(PGD | {"name": "pgd"}, attacked, clean, labels, draws)
        assert (found - clean).abs().max() <= EPSILON + 1e-6
        assert found.min() >= 0 and found.max() <= 1
        right[engine] = (compute.labels_of(network, found) == labels).sum().item()
    assert right["compiled"] <= right["eager"] + 0.02 * COUNT
