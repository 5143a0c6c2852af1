"""Example images: clean, attacked and filtered, with texture and shape statistics."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.attacks import describe as describe_attack
from passband.evaluation import predictions
from passband.options import AttackName, FilterName, Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.amplitudes import amplitude
from passband.spectra.filters import apply, describe, size_of


def _edges(images: Tensor) -> Tensor:
    """Gradient magnitude by central differences: [N, C, H, W] to [N, H - 2, W - 2]."""
    down = images[:, :, 2:, 1:-1] - images[:, :, :-2, 1:-1]
    right = images[:, :, 1:-1, 2:] - images[:, :, 1:-1, :-2]
    return (down.square() + right.square()).sum(1).sqrt() / 2


def detail_kept(changed: Tensor, clean: Tensor) -> Tensor:
    """Correlation of the finest differences (Laplacians): [N, C, H, W] to [N], 1 is identical."""
    kernel = clean.new_tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    kernel = kernel.expand(clean.shape[1], 1, 3, 3)
    laplacians = [F.conv2d(one, kernel, groups=len(kernel)).flatten(1) for one in (changed, clean)]
    return F.cosine_similarity(*laplacians, dim=1)


def shape_kept(changed: Tensor, clean: Tensor) -> Tensor:
    """Correlation of the edge maps after 4 x 4 averaging: [N, C, H, W] to [N], 1 is identical."""
    maps = [_edges(F.avg_pool2d(images, 4)).flatten(1) for images in (changed, clean)]
    first, second = (one - one.mean(1, keepdim=True) for one in maps)
    return F.cosine_similarity(first, second, dim=1)


@PROBES.register("example_images")
def example_images(
    subject: Subject, *, attack: AttackName, filter: FilterName, examples: Images, images: Images
) -> Measurement:
    """Example images, of each class in turn: clean, attacked and behind a filter.

    Texture and shape statistics are taken over the first `images` test images (sar, figures 3, 5
    and 11 to 14).

    Args:
        attack: the attack whose perturbations are shown.
        filter: the filter.
        examples: number of images to keep.
        images: number of test images, the first ones.
    """
    subject = subject.first(images)
    clean = subject.compute.images(subject.images)
    filtered, attacked = apply(filter, clean), (clean + subject.perturbation).clamp(0, 1)
    conditions = (describe(filter, subject.side), describe_attack(attack))
    statistics = {
        name: torch.stack([measure(changed, clean) for changed in (filtered, attacked)])
        for name, measure in {"detail": detail_kept, "shape": shape_kept}.items()
    }

    labels = subject.labels
    occurrence = (F.one_hot(labels).cumsum(0).gather(1, labels[:, None]) - 1).squeeze(1)
    chosen = (occurrence * len(subject.classes) + labels).argsort()[:examples]
    predicted = predictions(subject.model, subject.images[chosen], subject.compute)
    with torch.inference_mode():
        predicted_adversarial = subject.compute.labels_of(subject.model, attacked[chosen])
    noise = subject.perturbation[chosen]
    return Measurement(
        arrays={
            "images": stored(clean[chosen]),
            "perturbation": stored(noise),
            "filtered": stored(filtered[chosen]),
            "spectrum": stored(amplitude(noise).mean(1)),
            "labels": stored(labels[chosen]),
            "predicted": stored(predicted),
            "predicted_adversarial": stored(predicted_adversarial),
        }
        | {f"{name}_kept": stored(values) for name, values in statistics.items()},
        metadata={
            "classes": list(subject.classes),
            "bandwidth": size_of(filter, subject.side),
            "attack": attack["name"],
        },
        rows=[
            (f"{condition};statistic={name}", "kept", float(kept.mean()), len(clean), "ratio")
            for name, values in statistics.items()
            for condition, kept in zip(conditions, values, strict=True)
        ],
    )
