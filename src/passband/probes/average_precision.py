"""How well boxes are found: mean average precision by pycocotools, and a score per object."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import torch
from torch import Tensor

OVERLAP = 0.5  # intersection over union from which a box lies on an object


def average_precision(detections: Sequence[Tensor], labels: Tensor) -> tuple[float, float]:
    """COCO's mAP over overlaps of 0.50 to 0.95, and AP50, in percent, as pycocotools has them.

    Both are means over the classes that have an object; at most 100 detections of an image count.

    Args:
        detections: per image box, class and score, float32 [D, 6].
        labels: box, class and crowd of the objects [N, K, 6], as in `SceneSet`.

    Returns:
        mAP and AP50; 0 where there is an object and no detection at all, NaN without an object.
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
    """How surely each object is recognised: float32 [N, K] in [0, 1].

    The highest score of a detection of the object's class whose box overlaps the object's by half
    or more (intersection over union); 0 if there is none.

    Args:
        detections, labels: as for `average_precision`.
    """
    found = torch.nn.utils.rnn.pad_sequence(list(detections), batch_first=True, padding_value=-1)
    if not found.shape[1]:
        return torch.zeros(labels.shape[:2])
    scores = []
    for start in range(0, len(labels), 100):
        objects, boxes = labels[start : start + 100, :, None], found[start : start + 100, None]
        fits = overlaps(objects, boxes) >= OVERLAP
        fits &= objects[..., 4] == boxes[..., 4]
        scores.append(torch.where(fits, boxes[..., 5], 0).amax(2))
    return torch.cat(scores)


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes [..., 4 or more], broadcast; 0 for two empty boxes."""
    corner = torch.maximum(first[..., :2], second[..., :2])
    end = torch.minimum(first[..., 2:4], second[..., 2:4])
    shared = (end - corner).clamp_(min=0).prod(-1)
    areas = [(one[..., 2:4] - one[..., :2]).prod(-1) for one in (first, second)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-9)
