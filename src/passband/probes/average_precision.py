"""Quality of detections: mean average precision by pycocotools, and a score for each object."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import torch
from torch import Tensor

OVERLAP = 0.5  # minimum intersection over union of a detection with its object


def average_precision(detections: Sequence[Tensor], labels: Tensor) -> tuple[float, float]:
    """COCO's mAP (intersections over union of 0.50 to 0.95) and AP50 in percent, by pycocotools.

    Both are means over the classes that have objects; at most 100 detections per image count.

    Args:
        detections: for each image boxes, classes and scores, float32 [D, 6].
        labels: boxes, classes and crowd flags of the objects [N, K, 6], as in `SceneSet`.

    Returns:
        mAP and AP50; 0 without any detection, NaN without any object.
    """
    from pycocotools.coco import COCO  # slow to import, needed here only
    from pycocotools.cocoeval import COCOeval

    image, place = torch.nonzero(labels[..., 4] >= 0, as_tuple=True)
    objects = labels[image, place].double().numpy()
    extents = objects[:, 2:4] - objects[:, :2]
    rows = zip(image.tolist(), objects.tolist(), extents.tolist(), strict=True)
    truth = [
        {
            "id": number,
            "image_id": index,
            "category_id": int(one[4]),
            "bbox": [*one[:2], *extent],
            "area": extent[0] * extent[1],
            "iscrowd": int(one[5]),
        }
        for number, (index, one, extent) in enumerate(rows, start=1)
    ]
    if not truth:
        return np.nan, np.nan
    counts = torch.tensor([len(one) for one in detections])
    found = torch.cat(list(detections)).double().numpy()
    if not len(found):
        return 0.0, 0.0
    owners = torch.arange(len(counts)).repeat_interleave(counts).numpy()
    found = np.column_stack(
        [owners, found[:, :2], found[:, 2:4] - found[:, :2], found[:, 5], found[:, 4]]
    )
    known = COCO()
    known.dataset = {
        "info": {},
        "images": [{"id": index} for index in range(len(labels))],
        "categories": [{"id": int(number)} for number in np.unique(objects[:, 4])],
        "annotations": truth,
    }
    with redirect_stdout(StringIO()):
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # all sizes, 100 detections
    return tuple(100 * float(one[one > -1].mean()) for one in (precision, precision[0]))


def object_scores(detections: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Confidence with which each object is detected: float32 [N, K] in [0, 1].

    The highest score of a detection of the object's class whose intersection over union with the
    object is at least 0.5; 0 if there is none.

    Args:
        detections, labels: as for `average_precision`.
    """
    found = torch.nn.utils.rnn.pad_sequence(list(detections), batch_first=True, padding_value=-1)
    if not found.shape[1]:
        return torch.zeros(labels.shape[:2])
    scores = []
    for start in range(0, len(labels), 100):
        objects, boxes = labels[start : start + 100, :, None], found[start : start + 100, None]
        fits = intersection_over_union(objects, boxes) >= OVERLAP
        fits &= objects[..., 4] == boxes[..., 4]
        scores.append(torch.where(fits, boxes[..., 5], 0).amax(2))
    return torch.cat(scores)


def intersection_over_union(first: Tensor, second: Tensor) -> Tensor:
    """Of boxes [..., 4 or more], which are broadcast; 0 for two empty boxes."""
    corner = torch.maximum(first[..., :2], second[..., :2])
    end = torch.minimum(first[..., 2:4], second[..., 2:4])
    shared = (end - corner).clamp_(min=0).prod(-1)
    areas = [(one[..., 2:4] - one[..., :2]).prod(-1) for one in (first, second)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-9)
