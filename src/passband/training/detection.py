"""One training step of a detector."""

import torch
from torch import Tensor, nn

from passband.compute import Compute
from passband.draws import Draws, key_of
from passband.training.augmentation import crop_and_flip
from passband.training.step import Step


def detection_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, recipe: dict, seed: int, compute: Compute
) -> Step:
    """Build the training step of a resolved recipe for a detector: flip, loss, update.

    Args:
        model: a RetinaNet of torchvision's.

    Returns:
        step(images uint8 [B, C, S, S], labels float32 [B, K, 6] as in `SceneSet`, indices int64
        [B], epoch, number=0). Images must fill all S x S pixels. The step updates the model once
        and returns the batch's summed loss and NaN (instead of the number of correct predictions,
        which detectors do not have), both 0-d.
    """
    augmentation = recipe["augmentation"]

    def step(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, number: int = 0):
        draws = Draws(key_of(seed, "augmentation", epoch), indices)
        shown = compute.images(crop_and_flip(images, draws, **augmentation))
        if augmentation["flip"]:
            labels = flipped(labels, draws, images.shape[-1])
        model.train()
        loss = detection_loss(model, shown, labels, compute)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach() * len(images), loss.new_tensor(torch.nan)

    return step


def flipped(labels: Tensor, draws: Draws, side: int) -> Tensor:
    """Labels [B, K, 6] of the images that `crop_and_flip` mirrors by these draws."""
    mirrored = labels.clone()
    mirrored[..., 0], mirrored[..., 2] = side - labels[..., 2], side - labels[..., 0]
    return torch.where((draws.bits("flip") < 0)[:, None, None], mirrored, labels)


def detection_loss(model: nn.Module, images: Tensor, labels: Tensor, compute: Compute) -> Tensor:
    """Focal loss of classes plus L1 loss of boxes, 0-d, as torchvision computes them.

    Only the networks run under autocast; anchors and losses are float32. Torchvision would take
    over bfloat16 from the features, which moves anchors by up to half a pixel.
    """
    present = labels[..., 4] >= 0
    targets = [
        {"boxes": one[there, :4], "labels": one[there, 4].long()}
        for one, there in zip(labels, present, strict=True)
    ]
    batch, targets = model.transform(list(images), targets)
    lower = compute.autocast_dtype != torch.float32
    with torch.autocast(compute.device.type, dtype=compute.autocast_dtype, enabled=lower):
        features = list(model.backbone(batch.tensors).values())
        outputs = model.head(features)
    outputs = {name: values.float() for name, values in outputs.items()}
    anchors = model.anchor_generator(batch, [level.float() for level in features])
    return sum(model.compute_loss(targets, outputs, anchors).values())
