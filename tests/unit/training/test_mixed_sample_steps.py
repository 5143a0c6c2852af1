"""Mixed samples, quantisation and dropout in the engine: plain steps, resumption, groups."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from stripes import ATTACK, DOUBLE, FLOAT32, RECIPE, changed, run, stripes
from torch import Tensor, nn

from passband import models
from passband.draws import Draws, key_of
from passband.models.quantization import scale_groups
from passband.training import engine
from passband.training.augmentation import crop_and_flip
from passband.training.engine import optimizer_of, train
from passband.training.parts import mixed_sample
from passband.training.parts.mixed_sample import beta_share, cut_mixed, cut_out, mixed_up
from passband.training.step import training_step

pytestmark = pytest.mark.usefixtures("strict")

ROWS = torch.tensor([7, 100, 3, 42, 8, 239, 11, 60])
SCALES = {
    "activation_scales": {"learning_rate": 0.1, "weight_decay": 1e-4},
    "weight_transforms": {"learning_rate": 0.02, "weight_decay": 1e-4},
}
QUANTIZED = changed({"quantization": {"bits": 4, "frequency_aware": True} | SCALES})
AUGMENTATIONS = {"mixup": mixed_up, "cutout": cut_out, "cutmix": cut_mixed}


def mixing(kind: str, of: str, loss: str = "bce") -> dict:
    return changed({kind: {"of": of, "alpha": 1.0, "loss": loss}})


def plain_loss(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    if not labels.is_floating_point():
        return F.cross_entropy(logits, labels)
    if loss == "ce":
        return -(labels * logits.log_softmax(1)).sum(1).mean()
    p = logits.sigmoid()
    return -(labels * p.log() + (1 - labels) * (1 - p).log()).mean()


def plain_step(model: nn.Module, recipe: dict, seed: int, epoch: int, batch: int) -> Tensor:
    data = stripes()
    kind = next(kind for kind in AUGMENTATIONS if kind in recipe["parts"])
    part = recipe["parts"][kind]
    draws = Draws(key_of(seed, "augmentation", epoch), ROWS)
    images = crop_and_flip(data.images[ROWS].double() / 255, draws, 2, True)
    labels = targets = data.labels[ROWS]
    key = key_of(seed, "mixing", epoch, batch)

    def mix(images: Tensor) -> tuple[Tensor, Tensor]:
        share = beta_share(key, part["alpha"])
        return AUGMENTATIONS[kind](images, labels, 2, share, Draws(key, ROWS))

    if part["of"] == "clean":
        images, targets = mix(images)
    model.eval()
    noise = Draws(key_of(seed, "adversary", epoch), ROWS).uniform(("start", 0), (1, 16, 16))
    adversarial = (images + ATTACK["epsilon"] * (2 * noise - 1)).clamp(0, 1)
    for _ in range(ATTACK["steps"]):
        adversarial = adversarial.detach().requires_grad_()
        plain_loss(model(adversarial), targets, part["loss"]).backward()
        moved = adversarial.detach() + ATTACK["step_size"] * adversarial.grad.sign()
        low, high = images - ATTACK["epsilon"], images + ATTACK["epsilon"]
        adversarial = moved.clamp(low, high).clamp(0, 1)
    if part["of"] == "adversarial":
        adversarial, targets = mix(adversarial)
    model.zero_grad()
    model.train()
    loss = plain_loss(model(adversarial.detach()), targets, part["loss"])
    loss.backward()
    return loss.detach()


@pytest.mark.parametrize("loss", ["bce", "ce"])
@pytest.mark.parametrize("of", ["clean", "adversarial"])
@pytest.mark.parametrize("kind", ["mixup", "cutout", "cutmix"])
def test_a_mixing_step_is_the_plain_one(kind, of, loss):
    recipe = mixing(kind, of, loss)
    model = DOUBLE.place(models.build("resnet8_w8", 1, 2, 16, seed=5))
    other = deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = training_step(model, optimizer, recipe, 3, DOUBLE, classes=2)
    data = stripes()
    total, correct = step(data.images[ROWS], data.labels[ROWS], ROWS, 1, 4)
    expected = plain_step(other, recipe, 3, 1, 4)
    torch.optim.SGD(other.parameters(), lr=0.1).step()
    assert total.item() / len(ROWS) == pytest.approx(expected.item(), rel=1e-9)
    assert 0 <= correct <= len(ROWS)
    for (name, ours), theirs in zip(model.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-7, msg=name)


def test_batches_are_mixed_differently(monkeypatch, tmp_path):
    shares = []
    monkeypatch.setattr(
        mixed_sample,
        "beta_share",
        lambda key, alpha: shares.append(beta_share(key, alpha)) or shares[-1],
    )
    run(tmp_path / "state", mixing("mixup", "clean"))
    assert len(shares) == len(set(shares)) == 9, "three epochs of three batches"


@pytest.mark.parametrize(
    ("architecture", "recipe"),
    [
        ("resnet8_w8", mixing("cutmix", "adversarial")),
        ("resnet8_w8", QUANTIZED),
        ("efficientnet_tiny", RECIPE),
    ],
    ids=["mixing", "quantised", "dropout"],
)
def test_an_interrupted_training_ends_with_the_same_weights(
    architecture, recipe, tmp_path, monkeypatch
):
    def trained(place: str):
        quantization = recipe["parts"].get("quantization")
        return train(
            recipe,
            stripes(),
            models.build(architecture, 1, 2, 16, seed=0, quantization=quantization),
            name="stripes",
            seed=0,
            data_sha256="0",
            compute=FLOAT32,
            checkpoint=tmp_path / place,
        )

    whole = trained("whole")
    kept = engine.save_state

    def stopping(path, state, fingerprint):
        kept(path, state, fingerprint)
        if len(state.history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "save_state", stopping)
        trained("broken")
    torch.rand(7)
    resumed = trained("broken")
    assert resumed.resumed == 1
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


def test_scales_have_learning_rates_of_their_own():
    model = models.build("resnet8_w8", 1, 2, 16, 0, QUANTIZED["parts"]["quantization"])
    rest, activations, transforms = optimizer_of(model, QUANTIZED, FLOAT32).param_groups
    assert (rest["lr"], rest["weight_decay"]) == (0.1, 5e-4)
    assert (activations["lr"], activations["weight_decay"]) == (0.1, 1e-4)
    assert (transforms["lr"], transforms["weight_decay"]) == (0.02, 1e-4)
    groups = scale_groups(model)
    assert [len(one["params"]) for one in (activations, transforms)] == [
        len(groups.activation_scales),
        len(groups.weight_transforms),
    ]
    plain = models.build("resnet8_w8", 1, 2, 16, seed=0)
    assert len(optimizer_of(plain, RECIPE, FLOAT32).param_groups) == 1


def test_the_schedule_moves_all_groups_alike(tmp_path, monkeypatch):
    seen = []
    step = torch.optim.SGD.step

    def watched(self, *arguments):
        seen.append([group["lr"] for group in self.param_groups])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    train(
        QUANTIZED,
        stripes(),
        models.build("resnet8_w8", 1, 2, 16, 0, QUANTIZED["parts"]["quantization"]),
        name="stripes",
        seed=0,
        data_sha256="0",
        compute=FLOAT32,
        checkpoint=tmp_path / "state",
    )
    for rest, activations, transforms in seen:
        assert activations == pytest.approx(rest)
        assert transforms == pytest.approx(rest / 5)


def test_nothing_is_held_out_where_the_fraction_is_zero(tmp_path):
    recipe = RECIPE | {"validation": {"fraction": 0}, "select": "last"}
    state = run(tmp_path / "state", recipe)
    assert state.selected_epoch == 3
    assert all(row["val_accuracy"] != row["val_accuracy"] for row in state.history)
    inside, held_out = engine.split_validation(240, 0)
    assert inside.tolist() == list(range(240)) and len(held_out) == 0
