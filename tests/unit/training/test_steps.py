"""Steps of every recipe against the same step written plainly, in double precision."""

import math
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from stripes import ATTACK, DOUBLE, changed, stripes
from torch import Tensor, nn

from passband import models
from passband.draws import Draws, key_of
from passband.evaluation import frozen
from passband.training.augmentation import crop_and_flip
from passband.training.parts import weight_perturbation
from passband.training.parts.weight_perturbation import perturbed_weights
from passband.training.proxy import proxy
from passband.training.step import training_step

pytestmark = pytest.mark.usefixtures("strict")

ROWS = torch.tensor([7, 100, 3, 42, 8, 239, 11, 60]), torch.tensor([9, 2, 77, 120, 200, 31, 4, 5])
STEPS = {"epochs": 4, "schedule": {"kind": "steps", "milestones": [2], "factors": [0.1]}}
KL = {"adversary": {"attack": ATTACK | {"loss": "kl", "start": "normal"}, "batchnorm": "eval"}}
TRADES = KL | {"trades": {"beta": 6}}
MART = {"mart": {"beta": 6}}
AWP = {"weight_perturbation": {"gamma": 0.01, "warmup": 0}}
ALIGNMENT = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
SAR = {"spectral_alignment": ALIGNMENT}
SARWA = {
    "spectral_alignment": ALIGNMENT | {"natural_branch": "average"},
    "weight_average": {"cycle": 1},
}
RECIPES = {
    "natural": {"adversary": None},
    "at": {},
    "margin": {"adversary": {"attack": ATTACK | {"loss": "margin"}, "batchnorm": "train"}},
    "sar": SAR,
    "sar-l2": {"spectral_alignment": ALIGNMENT | {"distance": "l2"}},
    "sar-cosine": {"spectral_alignment": ALIGNMENT | {"distance": "cosine"}},
    "sar-batch": {"spectral_alignment": ALIGNMENT | {"transform": "batch"}},
    "sarwa": SARWA,
    "trades": TRADES,
    "trades+sar": TRADES | SAR,
    "trades+sarwa": TRADES | SARWA,
    "mart": MART,
    "mart+sar": MART | SAR,
    "mart+sarwa": MART | SARWA,
    "awp": AWP,
    "awp+sar": AWP | SAR,
    "awp+sarwa": AWP | SARWA,
    "trades+awp": TRADES | AWP,
    "trades+awp+sar": TRADES | AWP | SAR,
    "mart+awp": MART | AWP,
    "mart+awp+sarwa": MART | AWP | SARWA,
}


def network(seed: int = 5) -> nn.Module:
    return DOUBLE.place(models.build("resnet8_w8", 1, 2, 16, seed=seed))


def sgd(model: nn.Module, **options) -> torch.optim.SGD:
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "nesterov": True}
    return torch.optim.SGD(model.parameters(), **settings | options)


def averaged() -> nn.Module:
    """A network like the trained one, with statistics of its own."""
    average = network(seed=6)
    with torch.no_grad():
        average(torch.rand(16, 1, 16, 16, dtype=torch.float64))
    return average.eval()


# The same steps in the style of the papers' code


def plain_attack(model: nn.Module, recipe: dict, images: Tensor, labels: Tensor, draws) -> Tensor:
    adversary = recipe["parts"]["adversary"]
    row, batchnorm = adversary["attack"], adversary["batchnorm"]
    model.train(batchnorm == "train")
    if row["start"] == "uniform":
        noise = row["epsilon"] * (2 * draws.uniform(("start", 0), (1, 16, 16)) - 1)
    else:
        noise = 0.001 * draws.normal(("start", 0), (1, 16, 16))
    adversarial = torch.clamp(images + noise, 0, 1)
    for _ in range(row["steps"]):
        adversarial = adversarial.detach().requires_grad_()
        logits = model(adversarial)
        if row.get("loss") == "kl":
            target = F.softmax(model(images), dim=1)
            loss = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(logits, dim=1), target)
        elif row.get("loss") == "margin":
            loss = (
                logits.gather(1, 1 - labels[:, None]) - logits.gather(1, labels[:, None])
            ).mean()
        else:
            loss = F.cross_entropy(logits, labels)
        loss.backward()
        adversarial = adversarial.detach() + row["step_size"] * adversarial.grad.sign()
        adversarial = images + torch.clamp(adversarial - images, -row["epsilon"], row["epsilon"])
        adversarial = torch.clamp(adversarial, 0, 1)
    return adversarial.detach()


def plain_perturbation(
    model: nn.Module, recipe: dict, natural: Tensor, adversarial: Tensor, labels: Tensor
) -> dict:
    """What the published recipe adds to each weight: one step of a second network, rescaled.

    It climbs the loss that is trained: for TRADES both of its terms.
    """
    gamma = recipe["parts"]["weight_perturbation"]["gamma"]
    second = deepcopy(model).train()
    second.zero_grad()
    optimizer = torch.optim.SGD(second.parameters(), lr=0.01)
    loss = -plain_outer(recipe, second(natural), second(adversarial), labels)
    loss.backward()
    optimizer.step()
    moved = dict(second.named_parameters())
    offsets = {}
    for name, old in model.named_parameters():
        if old.dim() > 1 and "weight" in name:
            difference = (moved[name] - old).detach()
            offsets[name] = gamma * old.detach().norm() / (difference.norm() + 1e-20) * difference
    return offsets


def plain_outer(recipe: dict, natural: Tensor, adversarial: Tensor, labels: Tensor) -> Tensor:
    kind = next((kind for kind in ("trades", "mart") if kind in recipe["parts"]), None)
    if kind is None:
        return F.cross_entropy(adversarial, labels)
    beta, rows = recipe["parts"][kind]["beta"], torch.arange(len(labels))
    p, q = F.softmax(natural, dim=1), F.softmax(adversarial, dim=1)
    divergence = (p * (p.log() - q.log())).sum(1)
    if kind == "trades":
        return -p[rows, labels].log().mean() + beta * divergence.mean()
    top = q.argsort(dim=1)[:, -2:]
    wrong = torch.where(top[:, -1] == labels, top[:, -2], top[:, -1])
    boosted = F.cross_entropy(adversarial, labels)
    boosted = boosted + F.nll_loss(torch.log(1.0001 - q + 1e-12), wrong)
    return boosted + beta * (divergence * (1.0000001 - p[rows, labels])).mean()


def plain_alignment(alignment: dict, natural: Tensor, adversarial: Tensor) -> Tensor:
    classes, count = adversarial.shape[1], len(adversarial)

    def waves(size: int) -> Tensor:
        steps = torch.arange(size, dtype=torch.float64)
        return torch.exp(-2j * math.pi / size * torch.outer(steps, steps))

    one, other = (part.to(torch.complex128) @ waves(classes) for part in (natural, adversarial))
    if alignment["transform"] == "batch":
        one, other = ((waves(count) @ part).reshape(1, -1) for part in (one, other))
        return (torch.stack([(other - one).real, (other - one).imag]).abs()).mean()
    if alignment["distance"] == "l1":
        return ((other - one).real.abs() + (other - one).imag.abs()).sum(1).mean()
    if alignment["distance"] == "l2":
        return (other - one).abs().square().sum(1).sqrt().mean()
    product = (one.conj() * other).real.sum(1)
    norms = one.abs().square().sum(1).sqrt() * other.abs().square().sum(1).sqrt()
    return (1 - product / norms).mean()


def compares_natural(recipe: dict) -> bool:
    """Whether a loss compares natural with adversarial logits of the model itself."""
    parts = recipe["parts"]
    branch = parts.get("spectral_alignment", {}).get("natural_branch")
    return "trades" in parts or "mart" in parts or branch == "live"


def plain_step(model, optimizer, recipe, average, seed, epoch, indices) -> tuple[float, int]:
    data, parts = stripes(), recipe["parts"]
    labels = data.labels[indices]
    draws = Draws(key_of(seed, "augmentation", epoch), indices)
    images = crop_and_flip(data.images[indices].double() / 255, draws, 2, True)
    adversarial = images
    if "adversary" in parts:
        draws = Draws(key_of(seed, "adversary", epoch), indices)
        adversarial = plain_attack(model, recipe, images, labels, draws)
    model.train()
    offsets = {}
    if "weight_perturbation" in parts:
        offsets = plain_perturbation(model, recipe, images, adversarial, labels)
    parameters = dict(model.named_parameters())
    for name, offset in offsets.items():
        parameters[name].data.add_(offset)
    natural = model(images) if compares_natural(recipe) else None
    logits = model(adversarial)
    loss = plain_outer(recipe, natural, logits, labels)
    if "spectral_alignment" in parts:
        alignment = parts["spectral_alignment"]
        live = alignment["natural_branch"] == "live"
        distance = plain_alignment(alignment, natural if live else average(images).detach(), logits)
        loss = loss + alignment["coefficient"] * distance
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for name, offset in offsets.items():
        parameters[name].data.sub_(offset)
    return loss.item(), (logits.argmax(1) == labels).sum().item()


@pytest.mark.parametrize("parts", RECIPES.values(), ids=RECIPES)
def test_two_steps_equal_the_same_steps_written_plainly(parts):
    recipe, data, seed, epoch = changed(STEPS | parts), stripes(), 5, 2
    average = averaged()
    expected, model = network(), network()
    plain, optimizer = sgd(expected, foreach=False, fused=False), sgd(model, fused=True)
    step = training_step(model, optimizer, recipe, seed, DOUBLE, frozen(average))
    for indices in ROWS:
        wanted = plain_step(expected, plain, recipe, average, seed, epoch, indices)
        loss, correct = step(data.images[indices], data.labels[indices], indices, epoch)
        assert loss.item() / len(indices) == pytest.approx(wanted[0], rel=1e-9)
        assert correct.item() == wanted[1]
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, atol=1e-9, rtol=1e-7)


# Which passes move what


def stepped(parts: dict, epoch: int = 2, average: nn.Module | None = None) -> nn.Module:
    """The network after one step of a recipe."""
    model, data, indices = network(), stripes(), ROWS[0]
    branch = frozen(average) if average else None
    step = training_step(model, sgd(model), changed(STEPS | parts), 5, DOUBLE, branch)
    step(data.images[indices], data.labels[indices], indices, epoch)
    return model


def same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("name", RECIPES)
def test_batch_statistics_move_once_per_kind_of_image_that_a_loss_compares(name):
    recipe = changed(RECIPES[name])
    passes = 2 if compares_natural(recipe) else 1
    adversary = recipe["parts"].get("adversary", {})
    if adversary.get("batchnorm") == "train":
        passes += adversary["attack"]["steps"]
    model = stepped(RECIPES[name], average=averaged())
    assert {b.item() for key, b in model.named_buffers() if "num_batches" in key} == {passes}


MOVE_STATISTICS = {
    "natural": ["natural"],
    "at": ["adversarial"],
    "trades": ["natural", "adversarial"],
    "mart": ["natural", "adversarial"],
    "awp": ["adversarial, perturbed weights"],
    "trades+awp": ["natural, perturbed weights", "adversarial, perturbed weights"],
    "sar": ["natural", "adversarial"],
    "sarwa": ["adversarial"],
    "trades+sar": ["natural", "adversarial"],
    "awp+sar": ["natural, perturbed weights", "adversarial, perturbed weights"],
}


@pytest.mark.parametrize("name", MOVE_STATISTICS)
def test_the_passes_that_move_the_batch_statistics_in_their_order(name):
    """As the table in docs/numerics.md says."""
    model, data, indices, seen = network(), stripes(), ROWS[0], []
    buffers, weights = dict(model.named_buffers()), deepcopy(dict(model.named_parameters()))
    draws = Draws(key_of(5, "augmentation", 2), indices)
    natural = crop_and_flip(data.images[indices], draws, 2, True)

    def watch(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        own = all(buffer is buffers[key] for key, buffer in module.named_buffers())
        if module.training and own:
            kind = "natural" if torch.equal(inputs[0], DOUBLE.images(natural)) else "adversarial"
            parameters = module.named_parameters()
            moved = any(not torch.equal(value, weights[key]) for key, value in parameters)
            seen.append(f"{kind}, perturbed weights" if moved else kind)

    model.register_forward_hook(watch)
    step = training_step(model, sgd(model), changed(STEPS | RECIPES[name]), 5, DOUBLE, averaged())
    step(data.images[indices], data.labels[indices], indices, 2)
    assert seen == MOVE_STATISTICS[name]


@pytest.mark.parametrize("parts", [SAR, SARWA], ids=["sar", "sarwa"])
def test_alignment_begins_at_the_first_drop(parts):
    average = averaged()
    assert same(stepped(parts, 1, average), stepped({}, 1))
    assert not same(stepped(parts, 2, average), stepped({}, 2))


def test_the_averaged_branch_is_only_read():
    average = averaged()
    before = {name: value.clone() for name, value in average.state_dict().items()}
    seen = []
    average.register_forward_hook(lambda module, inputs, output: seen.append((module, output)))
    model, data, indices = network(), stripes(), ROWS[0]
    average.requires_grad_(False)
    step = training_step(model, sgd(model), changed(STEPS | SARWA), 5, DOUBLE, average)
    step(data.images[indices], data.labels[indices], indices, 2)
    ((module, output),) = seen
    assert not module.training and not output.requires_grad
    assert all(parameter.grad is None for parameter in average.parameters())
    assert all(torch.equal(before[name], value) for name, value in average.state_dict().items())


def test_both_live_branches_get_a_gradient():
    seen = []
    model, data, indices = network(), stripes(), ROWS[0]

    def watch(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        if module.training:
            output.register_hook(lambda gradient: seen.append(gradient.abs().sum() > 0))

    model.register_forward_hook(watch)
    step = training_step(model, sgd(model), changed(STEPS | SAR), 5, DOUBLE)
    step(data.images[indices], data.labels[indices], indices, 2)
    assert len(seen) == 2 and all(seen)


# Weight perturbation


@pytest.fixture
def batch():
    data = stripes()
    return DOUBLE.images(data.images[ROWS[0]]), data.labels[ROWS[0]]


def cross_entropy(model: nn.Module, batch) -> Tensor:
    images, labels = batch
    return F.cross_entropy(proxy(model)(images), labels)


@pytest.mark.parametrize("gamma", [0.01, 0.005, 0.1])
@pytest.mark.parametrize("factor", [1.0, 1e-6, 1e6])
def test_every_weight_moves_by_gamma_of_its_norm_and_nothing_else_moves(batch, gamma, factor):
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with perturbed_weights(model, factor * cross_entropy(model, batch), gamma):
        moved = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {name for name, value in model.named_parameters() if value.ndim > 1}
    assert len(weights) == 8
    for name, value in before.items():
        if name in weights:
            relative = (moved[name] - value).norm() / value.norm()
            assert relative.item() == pytest.approx(gamma, rel=1e-6)
            torch.testing.assert_close(model.state_dict()[name], value, atol=1e-15, rtol=1e-12)
        else:
            assert torch.equal(moved[name], value), name
            assert torch.equal(model.state_dict()[name], value), name
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_perturbation_is_that_of_a_second_network_trained_one_step(batch):
    model = network()
    expected = plain_perturbation(model, changed(STEPS | AWP), batch[0], *batch)
    before = {name: value.clone() for name, value in model.named_parameters()}
    with perturbed_weights(model, cross_entropy(model, batch), 0.01):
        for name, value in model.named_parameters():
            wanted = expected.get(name, torch.zeros_like(value))
            torch.testing.assert_close(value - before[name], wanted, atol=1e-11, rtol=1e-7)
        worse = cross_entropy(model, batch)
    assert worse > cross_entropy(model, batch)


def test_an_update_inside_is_kept_to_single_precision(batch):
    model = network().float()
    images, labels = batch[0].float(), batch[1]
    before = {name: value.clone() for name, value in model.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    updates = {
        name: 0.01 * torch.randn(value.shape, generator=generator) for name, value in before.items()
    }
    with perturbed_weights(model, cross_entropy(model, (images, labels)), 0.01), torch.no_grad():
        for name, value in model.named_parameters():
            value.add_(updates[name])
    for name, value in model.named_parameters():
        wanted = before[name] + updates[name]
        assert (value - wanted).norm() <= 1e-7 * wanted.norm(), name


def test_a_weight_without_a_gradient_stays():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False)).double()
    before = model[1].weight.clone()
    with perturbed_weights(model, 0 * model(torch.ones(1, 4, dtype=torch.float64)).sum(), 0.01):
        assert torch.equal(model[1].weight, before)


def test_the_proxy_sees_the_models_weights_and_keeps_its_own_statistics(batch):
    model = network()
    before = {name: value.clone() for name, value in model.named_buffers()}
    found = proxy(model)(batch[0])
    assert all(torch.equal(before[name], value) for name, value in model.named_buffers())
    torch.testing.assert_close(found, model(batch[0]))
    assert not all(torch.equal(before[name], value) for name, value in model.named_buffers())
    gradients = torch.autograd.grad(found.sum(), model.parameters())
    assert all(gradient.abs().sum() > 0 for gradient in gradients[:1])


@pytest.mark.parametrize("outer", [TRADES, MART], ids=["trades", "mart"])
def test_the_perturbation_climbs_the_outer_loss_that_is_trained(outer, monkeypatch):
    climbed, trained = [], []

    def watched(model: nn.Module, loss: Tensor, gamma: float):
        climbed.append(loss.item())
        return perturbed_weights(model, loss, gamma)

    monkeypatch.setattr(weight_perturbation, "perturbed_weights", watched)
    for parts in (outer | AWP, outer):
        model, data, indices = network(), stripes(), ROWS[0]
        step = training_step(model, sgd(model), changed(STEPS | parts), 5, DOUBLE)
        loss, _ = step(data.images[indices], data.labels[indices], indices, 2)
        trained.append(loss.item() / len(indices))
    assert climbed == [pytest.approx(trained[1], rel=1e-9)], "the loss at the weights themselves"
    assert trained[0] > trained[1], "at the perturbed weights it is higher"


def test_perturbation_waits_for_its_warm_up():
    parts = {"weight_perturbation": {"gamma": 0.01, "warmup": 3}}
    assert same(stepped(parts, epoch=2), stepped({}, epoch=2))
    assert not same(stepped(parts, epoch=3), stepped({}, epoch=3))
