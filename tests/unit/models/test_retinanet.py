"""Detectors: torchvision's RetinaNet with published weights, and small ones for scenes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import retinanet_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

from passband import models
from passband.data import download
from passband.data.published import PUBLISHED
from passband.data.registry import get
from passband.errors import UserError
from passband.files import read_json
from passband.models.importing import run_import
from passband.tensors import read_tensors

NAME = "retinanet-resnet50-fpn-coco"
NETWORK = {"architecture": "retinanet_resnet50_fpn", "method": "RetinaNet", "quantization": None}


def parameters(model: nn.Module) -> int:
    return sum(one.numel() for one in model.parameters())


def convolution(inputs: int, outputs: int, side: int = 3, bias: bool = True) -> int:
    return inputs * outputs * side**2 + outputs * bias


@pytest.mark.parametrize(
    ("name", "widths", "pyramid"),
    [("retinanet_small", (16, 32, 64, 96), 48), ("retinanet_tiny", (4, 8, 16, 24), 12)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_parameters_of_small_detectors_by_hand(name, widths, pyramid, channels):
    count, before = 0, channels
    for width in widths:  # two convolutions without bias, each with batch normalisation
        count += convolution(before, width, bias=False) + convolution(width, width, bias=False)
        count += 2 * 2 * width
        before = width
    for width in widths[1:]:  # the pyramid: 1 x 1 in, 3 x 3 out
        count += convolution(width, pyramid, 1) + convolution(pyramid, pyramid)
    anchors, classes = 2 * 3, 10
    count += 4 * convolution(pyramid, pyramid)  # two in each head
    count += convolution(pyramid, anchors * classes) + convolution(pyramid, anchors * 4)
    assert parameters(models.build(name, channels, classes, 112, seed=0)) == count


def test_small_detectors_see_images_as_they_are():
    """No resizing, no padding; anchors of 18 to 48 pixels on strides 4, 8 and 16."""
    model = models.build("retinanet_small", 1, 10, 112, seed=0)
    image = torch.rand(1, 112, 112)
    for mode in (model.train(), model.eval()):
        shown, _ = mode.transform([image])
        assert torch.allclose(shown.tensors[0], (image - 0.5) / 0.25, atol=1e-6)
        features = list(model.backbone(shown.tensors).values())
        assert [level.shape[-1] for level in features] == [28, 14, 7]
    (anchors,) = model.anchor_generator(shown, features)
    assert len(anchors) == 6 * (28**2 + 14**2 + 7**2)
    sides = (anchors[:, 2:] - anchors[:, :2]).prod(1).sqrt()
    assert sides.min() == pytest.approx(18, abs=0.5) and sides.max() == pytest.approx(48, abs=0.5)


def test_initial_weights_depend_on_the_seed_only():
    one, same, other = (models.build("retinanet_tiny", 1, 10, 112, seed=s) for s in (0, 0, 1))
    states = [model.state_dict() for model in (one, same, other)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


# Published weights


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A state in the form of the published one, of a network that torchvision builds."""
    torch.manual_seed(0)
    full = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91).state_dict()
    for name, tensor in full.items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        if name.endswith("running_mean"):
            tensor.normal_(std=0.1)
    return {name: value for name, value in full.items() if "num_batches_tracked" not in name}


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Put a file into a mirror folder and register its checksum."""
    monkeypatch.setenv(download.MIRROR_VARIABLE, str(tmp_path / "mirror"))
    (tmp_path / "mirror").mkdir()

    def publish(content: object) -> Path:
        known = PUBLISHED[NAME]
        path = tmp_path / "mirror" / known.file.name
        torch.save(content, path) if not isinstance(content, bytes) else path.write_bytes(content)
        file = replace(known.file, urls=(), sha256=download.sha256(path))
        monkeypatch.setitem(PUBLISHED, NAME, replace(known, file=file))
        return path

    return publish


def imported(folder: Path) -> None:
    run_import(
        name="coco",
        network=NETWORK,
        imported={"weights": NAME, "dataset": "coco-val2017"},
        seed=0,
        folder=folder / "downloads",
        weights=folder / "weights.safetensors",
        run=folder / "run.json",
    )


def test_published_weights_are_those_of_torchvisions_network(state, publish, tmp_path):
    publish(state)
    imported(tmp_path)
    stored = read_tensors(tmp_path / "weights.safetensors")
    assert set(stored) == set(state)
    assert all(torch.equal(stored[name], state[name]) for name in state)

    dataset = get("coco-val2017")
    shape = dataset.channels, dataset.n_classes, dataset.side
    ours = models.build("retinanet_resnet50_fpn", *shape, seed=0)
    ours.load_state_dict(stored)
    theirs = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    theirs.load_state_dict(state, strict=False)
    for module in theirs.modules():  # what torchvision does for its published weights
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-12  # 0, which the module does not take
    assert any(isinstance(module, FrozenBatchNorm2d) for module in ours.modules())
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        heads = [
            model.head(list(model.backbone(image).values()))
            for model in (ours.eval(), theirs.eval())
        ]
    for name in ("cls_logits", "bbox_regression"):
        assert torch.allclose(heads[0][name], heads[1][name], rtol=1e-4, atol=1e-5)
    assert ours.transform.min_size == theirs.transform.min_size == (800,)
    assert ours.transform.image_mean == theirs.transform.image_mean

    told = read_json(tmp_path / "run.json")
    assert told["origin"] == "imported" and told["weights"] == NAME
    assert told["source_sha256"] == PUBLISHED[NAME].file.sha256
    assert told["parameters"] == parameters(ours) == 34_014_999, "torchvision's own count"
    assert parameters(theirs) == parameters(ours) + 2 * 26_560, "batch normalisation is frozen"
    assert ours.training is False


class Evil:
    """Would run code when it is unpickled."""

    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("content", [{"weight": torch.zeros(3)}, b"PK no archive", {"a": Evil()}])
def test_what_is_no_state_of_the_network_is_refused(publish, tmp_path, content, capsys):
    path = publish(content)
    with pytest.raises(UserError) as raised:
        imported(tmp_path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    assert "retinanet_resnet50_fpn" in str(raised.value)
    assert "executed" not in capsys.readouterr().out
    assert not (tmp_path / "weights.safetensors").exists()


def test_a_file_with_another_checksum_is_refused(publish, tmp_path):
    path = publish({"weight": torch.zeros(3)})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"cannot get .*\.pth of RetinaNet .*passed over"):
        imported(tmp_path)
