"""Recipe parts: what they declare, contradictions, a new part, what a batch computes."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from stripes import ATTACK, DOUBLE, RECIPE, changed, run, stripes
from torch import Tensor

from passband import models
from passband.compute import Compute
from passband.dependencies import declared
from passband.errors import UserError
from passband.options import NonNegative
from passband.training.batch import Batch, Network
from passband.training.optimisers import OPTIMISERS
from passband.training.parts import PARTS, QUANTITIES, ROLES
from passband.training.recipes import check_parts
from passband.training.recorders import RECORDERS

pytestmark = pytest.mark.usefixtures("strict")

STEPS = {"epochs": 3, "schedule": {"kind": "steps", "milestones": [1], "factors": [0.1]}}
LIVE = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
AVERAGE = LIVE | {"natural_branch": "average"}
NOISE = {"name": "noise", "attack": "gaussian_noise", "std": 0.1}
MIX = {"of": "clean", "alpha": 1.0, "loss": "bce"}


# Declarations


@pytest.mark.parametrize(
    ("folder", "registry"),
    [
        ("training/parts", PARTS),
        ("training/optimisers", OPTIMISERS),
        ("training/recorders", RECORDERS),
    ],
)
def test_what_is_declared_is_what_is_registered(folder, registry):
    found = declared(folder)
    assert list(found) == registry.names()
    for name, one in found.items():
        assert one.settings == registry.settings(name)
        assert one.summary
        assert all(option.meaning for option in one.keywords.values()), name
        assert all(option.kind is not object for option in one.keywords.values()), name


@pytest.mark.parametrize("name", list(declared("training/parts")))
def test_settings_of_a_part_are_well_formed(name):
    part, known = declared("training/parts")[name], declared("training/parts")
    settings = part.settings
    optional = {
        "needs",
        "provides",
        "requires",
        "excludes",
        "starts",
        "compilable",
        "attack_has",
        "steps",
    }
    assert set(settings) <= {"role", *optional}
    assert settings["role"] in ROLES
    assert set(settings.get("needs", {}).values()) <= set(QUANTITIES)
    assert settings.get("provides", "logits") in QUANTITIES
    for condition in (*settings.get("needs", {}), *settings.get("requires", {})):
        key = condition.partition("=")[0].removesuffix("!")
        assert not condition or key in part.keywords
    for other in (*settings.get("requires", {}).values(), *settings.get("excludes", {})):
        assert other.partition(".")[0] in (*known, *ROLES)
    assert settings.get("starts", "") in ("", "learning-rate drop", *part.keywords)


def test_planning_needs_no_torch():
    code = "import sys, passband.training.recipes as r; r.check_parts('x', eval(sys.argv[1]))"
    code += "; assert 'torch' not in sys.modules"
    recipe = changed(STEPS | {"spectral_alignment": LIVE})
    subprocess.run([sys.executable, "-c", code, repr(recipe)], check=True)


# Contradictions


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"shuffled_labels": {"number": 0}, "select": "val_accuracy"},
            "has shuffled_labels and selects by val_accuracy, .* by chance; set select to last",
        ),
        (
            {"shuffled_labels": {"number": 0}},
            "has shuffled_labels and selects by val_robust_accuracy",
        ),
        ({"trades": {"beta": 6}, "mart": {"beta": 6}}, "has mart and trades, .* one outer loss"),
        ({"mixup": MIX, "cutout": MIX}, "has cutout and mixup, .* one mixed-sample augmentation"),
        ({"mixup": MIX, "trades": {"beta": 6}}, "mixup.*needs one label per image.*remove one"),
        ({"adversary": None, "mart": {"beta": 6}}, "has mart but no adversary: add adversary, or"),
        (
            {"adversary": None, "cutmix": MIX | {"of": "adversarial"}},
            "has cutmix with of=adversarial but no adversary",
        ),
        (
            {"spectral_alignment": AVERAGE},
            "has spectral_alignment with natural_branch=average but no weight_average",
        ),
        (
            {"weight_average": {"cycle": 1}, "spectral_alignment": LIVE},
            "has weight_average, but nothing uses it: remove it, or add spectral_alignment with "
            "natural_branch=average",
        ),
        (
            {"spectral_alignment": LIVE, "schedule": {"kind": "constant"}},
            "starts when the learning rate has fallen to a quarter .* never does",
        ),
        ({"weight_perturbation": {"gamma": 0.01, "warmup": 3}}, "starts at epoch 3, but trains 3"),
        (
            {"schedule": {"kind": "steps", "milestones": [1, 2], "factors": [0.1]}},
            "2 milestones and 1 factors",
        ),
        ({"schedule": {"kind": "stairs"}}, "unknown schedule 'stairs'"),
        (
            {"jacobian_bias": {"weight": 0.1}, "quantization": {"bits": 2}},
            "has jacobian_bias and quantization.*rounding has no second derivative",
        ),
        ({"jacobian_bias": {"weight": 0.1}, "mixup": MIX}, "needs one label per image.*remove one"),
        (
            {"adversary": None, "gradalign": {"weight": 0.2, "epsilon": 0.03}},
            "has gradalign but no adversary: add adversary, or remove gradalign",
        ),
        (
            {"adversary": {"attack": NOISE, "batchnorm": "train", "warmup": 2}},
            "has adversary with warmup!=0, but attack 'noise' has no epsilon: name another attack",
        ),
    ],
)
def test_contradictions_are_user_errors(changes, words):
    with pytest.raises(UserError, match=rf"recipe 'odd'.*{words}"):
        check_parts("odd", changed(STEPS | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"adversary": None},
        {"adversary": None, "cutmix": MIX},
        {"adversary": {"attack": NOISE, "batchnorm": "train", "warmup": 0}},
        {"adversary": None, "jacobian_bias": {"weight": -0.1}},
        {"jacobian_bias": {"weight": 0.0}, "gradalign": {"weight": 0.2, "epsilon": 0.03}},
        {"shuffled_labels": {"number": 1}, "select": "last"},
        {"spectral_alignment": AVERAGE, "weight_average": {"cycle": 2}, "mart": {"beta": 6}},
        {"weight_perturbation": {"gamma": 0.01, "warmup": 2}, "spectral_alignment": LIVE},
    ],
)
def test_parts_that_agree_are_accepted(changes):
    check_parts("fine", changed(STEPS | changes))


def test_an_unknown_part_is_a_user_error():
    parts = {"adversray": RECIPE["parts"]["adversary"]}
    with pytest.raises(UserError, match="did you mean 'adversary'"):
        check_parts("odd", RECIPE | {"parts": parts})


# A part defined here


@pytest.fixture
def registered(monkeypatch):
    """Registers parts for one test."""
    PARTS.names()
    monkeypatch.setattr(PARTS, "_functions", dict(PARTS._functions))
    monkeypatch.setattr(PARTS, "_settings", dict(PARTS._settings))
    return PARTS.register


def test_a_new_regulariser_trains_and_starts_when_it_says(tmp_path, registered):
    seen = []

    @registered(
        "flat_jacobian", role="regulariser", needs={"": "input_gradients"}, starts="beginning"
    )
    def flat_jacobian(batch: Batch, *, weight: NonNegative, beginning: int = 1) -> Tensor:
        seen.append((batch.epoch, batch.number))
        return weight * batch.input_gradients.square().sum()

    plain = run(tmp_path / "plain", changed(STEPS))
    state = run(tmp_path / "state", changed(STEPS | {"flat_jacobian": {"weight": 1.0}}))
    assert seen == [(epoch, number) for epoch in (1, 2) for number in range(3)]
    losses = [[row["train_loss"] for row in each.history] for each in (plain, state)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]
    assert state.selected_epoch > 1


# What a batch computes


def batch(differentiable: bool = False) -> tuple[Batch, list]:
    """A batch of a small network, with other adversarial images; and what has passed forward."""
    model, passed = DOUBLE.place(models.build("resnet8_w8", 1, 2, 16, seed=0)), []

    def logits_of(images: Tensor) -> Tensor:
        passed.append(images)
        return model(images)

    def average(images: Tensor) -> Tensor:
        passed.append(images)
        return images.flatten(1)[:, :2]

    data, rows = stripes(), torch.arange(8)
    network = Network(model, logits_of, logits_of, average, 2, DOUBLE)
    images = DOUBLE.images(data.images[rows])
    made = Batch(network, images, data.labels[rows], rows, 3, 1, 0, 1.0, differentiable)
    made.adversarial_images = (images + 0.1).clamp(0, 1)
    return made, passed


def test_a_batch_computes_each_quantity_once_and_only_on_demand():
    made, passed = batch()
    assert passed == []
    for name in ("natural_logits", "logits", "average_logits"):
        first = getattr(made, name)
        assert getattr(made, name) is first
    assert len(passed) == 3
    expected = (made.images, made.adversarial_images, made.images)
    assert all(one is other for one, other in zip(passed, expected, strict=True))


def test_without_an_adversary_natural_logits_are_the_logits():
    made, passed = batch()
    made.adversarial_images = made.images
    assert made.natural_logits is made.logits
    assert len(passed) == 1


@pytest.mark.parametrize("attacked", [False, True])
def test_input_gradients_are_those_of_the_cross_entropy_and_differentiate_into_weights(attacked):
    made, passed = batch(differentiable=True)
    if not attacked:
        made.adversarial_images = made.images
    gradients = made.input_gradients
    assert made.input_gradients is gradients
    made.classification_loss()
    assert len(passed) == 1 + attacked
    model, leaf = made.network.model, made.images.detach().requires_grad_()
    F.cross_entropy(model(leaf), made.labels, reduction="sum").backward()
    torch.testing.assert_close(gradients, leaf.grad, atol=1e-12, rtol=1e-9)
    model.zero_grad()
    (gradients.square().sum() + made.classification_loss()).backward()
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


def test_input_gradients_are_computed_in_float32_where_training_is_in_bfloat16():
    model = models.build("resnet8_w8", 1, 2, 16, seed=0)
    compute = Compute(torch.device("cpu"), torch.bfloat16)
    data, rows = stripes(), torch.arange(8)
    logits_of = compute.logits_of(model)
    network = Network(model, logits_of, logits_of, None, 2, compute)
    images = compute.images(data.images[rows])
    made = Batch(network, images, data.labels[rows], rows, 3, 1, 0, 1.0, True)
    assert torch.equal(made.natural_logits, model(images))
    assert made.logits is made.natural_logits
    made = Batch(network, images, data.labels[rows], rows, 3, 1, 0, 1.0, True)
    made.adversarial_images = (images + 0.1).clamp(0, 1).detach()
    assert torch.equal(made.logits, compute.logits_of(model)(made.adversarial_images))
    assert not torch.equal(made.logits, model(made.adversarial_images))


def test_draws_depend_on_purpose_epoch_and_what_is_added():
    made, _ = batch()
    keys = {made.draws(*words).key for words in (("a",), ("b",), ("a", 0), ("a", 1))}
    assert len(keys) == 4
    assert made.draws("a") == made.draws("a")
    assert torch.equal(made.draws("a").indices, made.indices)


def test_attacks_maximise_the_loss_that_label_weights_have(monkeypatch):
    from passband.training.parts import adversary

    attacks = []
    monkeypatch.setattr(
        adversary, "craft", lambda attack, _, images, *rest: attacks.append(attack) or images
    )
    made, _ = batch()
    for kind in ("ce", "bce"):
        made.target_loss = kind
        adversary.adversary(made, attack=ATTACK, batchnorm="eval")
    assert [attack.get("loss") for attack in attacks] == [None, "binary_cross_entropy"]
