"""Object detection on images and on their components (hfc, section 7, figures 8 and 9)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from passband.evaluation import progress
from passband.options import FilterName, Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.probes.average_precision import average_precision, object_scores
from passband.spectra.filters import apply, describe

BATCH = 25  # images of the same size
DRAWN = 10  # detections kept for each example, those with the highest scores


@PROBES.register("detection", task="detection", complements=("low", "high"))
def detection(
    subject: Subject, *, low: FilterName, high: FilterName, examples: Images
) -> Measurement:
    """mAP and scores on the images and on their low and high component (hfc, section 7).

    The score of an image is the mean over its objects of the highest score of a detection of the
    right class with an intersection over union of at least 0.5, or 0 without one; crowds are
    ignored. An image is recognised better on a component if its score is higher there, by however
    little. Images without objects have no score and count for mAP only.

    Args:
        low: the filter of the low component; each image is filtered at its own size.
        high: the filter of the high component.
        examples: number of images to keep whose score is lower on the low component by the largest
            difference, and of those whose score is higher there.
    """
    labels = subject.labels.cpu()
    counted = (labels[..., 4] >= 0) & (labels[..., 5] == 0)
    scored = counted.any(1)
    result, found, scores, precisions = Measurement(), [], [], []
    for filter in (None, low, high):
        found.append(detections(subject, filter))
        condition = describe(filter, subject.side) if filter else "filter=none"
        precisions.append(average_precision(found[-1], labels))
        for metric, value in zip(("mAP", "AP50"), precisions[-1], strict=True):
            result.rows.append((condition, metric, value, len(labels), "percent"))
        objects = object_scores(found[-1], labels) * counted
        scores.append(objects.sum(1)[scored] / counted.sum(1)[scored])
        result.rows.append((condition, "score", float(scores[-1].mean()), len(scores[-1]), "ratio"))
        if filter:
            better = stored(scores[-1] > scores[0])
            result.rows.append(
                (condition, "recognised_better", 100 * better.mean(), len(better), "percent")
            )
    gains = scores[1] - scores[0]
    order, numbers = gains.argsort(stable=True), scored.nonzero()[:, 0]
    shown = torch.cat([order[:examples], order.flip(0)[:examples]])
    result.metadata = {"classes": list(subject.classes), "filter": low["name"]}
    result.arrays = {
        "scores": np.stack([stored(one) for one in scores]),
        "mAP": np.array([one for one, _ in precisions]),
        "image_numbers": stored(numbers),
        "example_numbers": stored(numbers[shown]),
        "example_gains": stored(gains[shown]),
        **_examples(subject, numbers[shown], low, found),
    }
    return result


def detections(subject: Subject, filter: dict | None = None) -> list[Tensor]:
    """Detections in each image, computed in float32.

    Args:
        subject: its model is a RetinaNet of torchvision's.
        filter: applied to the images first, if given.

    Returns:
        For each image boxes, classes and scores, float32 [D, 6] on the CPU, by falling score.
    """
    found: list[Tensor] = [torch.empty(0, 6)] * len(subject.images)
    with torch.inference_mode(), progress(len(found), "detection") as bar:
        for numbers, images in _of_one_size(subject, filter):
            for number, one in zip(numbers.tolist(), subject.model(list(images)), strict=True):
                columns = one["boxes"], one["labels"][:, None], one["scores"][:, None]
                found[number] = torch.cat(columns, 1).cpu()
            bar.update(len(numbers))
    return found


def _of_one_size(subject: Subject, filter: dict | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Indices [B] and filtered images [B, C, H, W] of the same size, so that none is padded."""
    sizes, which = subject.sizes.unique(dim=0, return_inverse=True)
    for number, (height, width) in enumerate(sizes.tolist()):
        for part in (which == number).nonzero()[:, 0].split(BATCH):
            stored_images = subject.images[part, :, :height, :width].to(subject.compute.device)
            images = subject.compute.images(stored_images)
            yield part, apply(filter, images) if filter else images


def _examples(
    subject: Subject, numbers: Tensor, filter: dict, found: list[list[Tensor]]
) -> dict[str, np.ndarray]:
    """Images to draw, original and filtered, with their objects and detections."""
    images, filtered = subject.images[numbers].cpu(), []
    for image, (height, width) in zip(images, subject.sizes[numbers].tolist(), strict=True):
        part = apply(filter, subject.compute.images(image[None, :, :height, :width]))[0]
        shown = torch.zeros_like(image)
        shown[:, :height, :width] = (255 * part.clamp(0, 1)).round().byte()
        filtered.append(shown)
    drawn = torch.full((2, len(numbers), DRAWN, 6), -1.0)
    for row, of_version in enumerate(found[:2]):
        for column, number in enumerate(numbers.tolist()):
            best = of_version[number][:DRAWN]
            drawn[row, column, : len(best)] = best
    return {
        "example_images": stored(torch.stack([images, torch.stack(filtered)])),
        "example_sizes": stored(subject.sizes[numbers]),
        "example_objects": stored(subject.labels[numbers]),
        "example_detections": stored(drawn),
    }
