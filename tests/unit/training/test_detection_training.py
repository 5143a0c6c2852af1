"""Training a detector: flips of boxes, losses, kill and resume, memorising."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from passband import compute as compute_module
from passband import models
from passband.compute import Compute
from passband.data.storage import SceneSet
from passband.draws import Draws
from passband.probes import Subject
from passband.probes.average_precision import average_precision
from passband.probes.detection import detections
from passband.training.augmentation import crop_and_flip
from passband.training.checkpoint import State
from passband.training.detection import detection_loss, flipped
from passband.training.engine import train

pytestmark = pytest.mark.usefixtures("strict")

SIDE = 64
FLOAT32 = Compute(torch.device("cpu"), torch.float32)
RECIPE = {
    "method": "RetinaNet",
    "epochs": 3,
    "batch_size": 8,
    "optimizer": {
        "kind": "adam",
        "learning_rate": 0.002,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.0,
    },
    "schedule": {"kind": "one-cycle", "warmup": 0.3},
    "augmentation": {"pad": 0, "flip": True},
    "validation": {"fraction": 0.0},
    "select": "last",
    "parts": {},
    "recorders": {},
}


def scenes(count: int = 24) -> SceneSet:
    """Noise with one or two bright rectangles: wide ones are of class 0, tall ones of class 1."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 60, (count, 1, SIDE, SIDE), generator=generator)
    labels = torch.zeros(count, 2, 6)
    labels[..., 4] = -1
    for index in range(count):
        for place in range(1 + index % 2):
            kind = (index + place) % 2
            width, height = (28, 18) if kind == 0 else (18, 28)
            left = int(torch.randint(0, 32 - width + 1, (), generator=generator)) + 32 * place
            top = int(torch.randint(0, SIDE - height + 1, (), generator=generator))
            images[index, 0, top : top + height, left : left + width] += 150
            labels[index, place] = torch.tensor([left, top, left + width, top + height, kind, 0])
    sizes = torch.full((count, 2), SIDE)
    return SceneSet(images.byte(), sizes, labels, ("wide", "tall"), "Rectangles")


def run(
    checkpoint: Path, data: SceneSet | None = None, network: str = "retinanet_tiny", **options
) -> State:
    changes = {key: options.pop(key) for key in tuple(options) if key in RECIPE}
    return train(
        RECIPE | changes,
        data or scenes(),
        models.build(network, 1, 2, SIDE, seed=0),
        name="rectangles",
        seed=0,
        data_sha256="0",
        compute=compute_module.choose(1),
        checkpoint=checkpoint,
        **options,
    )


def bounds(image: Tensor) -> list[int]:
    rows, columns = torch.nonzero(image, as_tuple=True)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def test_boxes_are_mirrored_with_their_images():
    images, labels = torch.zeros(20, 1, 16, 16), torch.zeros(20, 2, 6)
    labels[..., 4] = -1
    for index, image in enumerate(images[:, 0]):
        image[2:9, 1 : 5 + index % 7] = 1
        labels[index, 0] = torch.tensor([*bounds(image), 1, 0])
    draws = Draws(3, torch.arange(20))
    shown = crop_and_flip(images, draws, pad=0, flip=True)
    boxes = flipped(labels, draws, 16)
    mirrored = (draws.bits("flip") < 0).sum()
    assert 0 < mirrored < 20
    for image, box in zip(shown[:, 0], boxes[:, 0], strict=True):
        assert box[:4].tolist() == bounds(image)
    assert torch.equal(boxes[..., 4:], labels[..., 4:])


def test_the_loss_is_torchvisions():
    data = scenes(4)
    model = models.build("retinanet_tiny", 1, 2, SIDE, seed=0)
    images = FLOAT32.images(data.images)
    targets = [
        {"boxes": one[one[:, 4] >= 0, :4], "labels": one[one[:, 4] >= 0, 4].long()}
        for one in data.labels
    ]
    found = detection_loss(model.train(), images, data.labels, FLOAT32)
    expected = sum(model(list(images), targets).values())
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_an_image_without_an_object_has_a_loss():
    data = scenes(4)
    data.labels[1, :, 4] = -1
    model = models.build("retinanet_tiny", 1, 2, SIDE, seed=0).train()
    assert detection_loss(model, FLOAT32.images(data.images), data.labels, FLOAT32).isfinite()


def test_autocast_leaves_anchors_in_float32():
    """In bfloat16 anchors move by up to half a pixel, and with them what the boxes are."""
    data, model = scenes(8), models.build("retinanet_tiny", 1, 2, SIDE, seed=0).train()
    kinds, generate = [], model.anchor_generator.forward

    def watched(images, features):
        anchors = generate(images, features)
        kinds.extend(one.dtype for one in anchors)
        return anchors

    model.anchor_generator.forward = watched
    losses = [
        detection_loss(model, FLOAT32.images(data.images), data.labels, compute)
        for compute in (FLOAT32, Compute(torch.device("cpu"), torch.bfloat16))
    ]
    assert losses[1].dtype == torch.float32
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=0.02)
    assert set(kinds) == {torch.float32}


def test_a_killed_training_resumes_bit_for_bit(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut", until=1)
    resumed = run(tmp_path / "cut")
    assert resumed.resumed == 1 and len(resumed.history) == 3
    for name, value in whole.best.items():
        assert torch.equal(value, resumed.best[name]), name
    losses = [[row["train_loss"] for row in one.history] for one in (whole, resumed)]
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0]


def test_two_scenes_are_learned_by_heart(tmp_path):
    two = scenes(2)
    often = two.take(torch.arange(2).repeat(40))
    options = {"augmentation": {"pad": 0, "flip": False}, "batch_size": 2, "epochs": 5}
    state = run(tmp_path / "state", often, network="retinanet_small", **options)
    model = models.build("retinanet_small", 1, 2, SIDE, seed=0)
    model.load_state_dict(state.best)
    model.eval()
    subject = Subject(model, two.images, two.labels, two.classes, 0, FLOAT32, sizes=two.sizes)
    found = detections(subject)
    assert state.history[-1]["train_loss"] < 0.2 * state.history[0]["train_loss"]
    assert average_precision(found, two.labels)[1] > 99
