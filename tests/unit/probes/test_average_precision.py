"""mAP by pycocotools against a plain evaluation, and the score of an object by loops."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from passband.probes.average_precision import average_precision, object_scores, overlaps

NOTHING = [0, 0, 0, 0, -1, 0]


def tensors(*images: list) -> list[torch.Tensor]:
    return [torch.tensor(rows, dtype=torch.float32).reshape(-1, 6) for rows in images]


def plain_average_precision(detections, labels, threshold: float) -> float:
    """AP over 101 recalls, class by class, as COCO defines it; without crowds."""
    values = []
    for kind in labels[..., 4][labels[..., 4] >= 0].unique().tolist():
        rows, total = [], 0
        for found, objects in zip(detections, labels, strict=True):
            truth = objects[objects[:, 4] == kind, :4]
            total, taken = total + len(truth), set()
            of_class = found[found[:, 4] == kind]
            for one in of_class[of_class[:, 5].argsort(descending=True, stable=True)]:
                fits = box_iou(one[None, :4], truth)[0].tolist() if len(truth) else []
                open_ones = [i for i in range(len(truth)) if i not in taken]
                best = max(open_ones, key=lambda i: fits[i], default=None)
                hit = best is not None and fits[best] >= threshold
                if hit:
                    taken.add(best)
                rows.append((float(one[5]), hit))
        rows.sort(key=lambda row: -row[0])
        hits = np.cumsum([hit for _, hit in rows])
        recalls = hits / total
        precisions = hits / np.arange(1, len(rows) + 1)
        points = [
            max((p for p, r in zip(precisions, recalls, strict=True) if r >= point), default=0.0)
            for point in np.linspace(0, 1, 101)
        ]
        values.append(np.mean(points))
    return 100 * float(np.mean(values))


def test_a_tiny_case_by_hand():
    """One object found with the surest box, one missed, one box on nothing.

    Class 0: two objects; the boxes are right (0.9), wrong (0.8). Recall reaches 1/2 at precision 1,
    so that 51 of 101 points have precision 1. Class 1: one object, its box overlaps by 0.62, so
    that it counts at 0.50, 0.55 and 0.60 only.
    """
    labels = torch.tensor(
        [[[0, 0, 10, 10, 0, 0], [20, 20, 30, 30, 0, 0]], [[0, 0, 10, 10, 1, 0], NOTHING]]
    )
    labels = labels.float()
    found = tensors(
        [[0, 0, 10, 10, 0, 0.9], [40, 40, 50, 50, 0, 0.8]], [[0, 0, 10, 6.2, 1, 0.5]]
    )  # fmt: skip
    whole, half = average_precision(found, labels)
    first = 100 * 51 / 101
    assert half == pytest.approx((first + 100) / 2, abs=1e-6)
    assert whole == pytest.approx((first + 100 * 3 / 10) / 2, abs=1e-6)


def random_case(seed: int, images: int = 12):
    """Up to four objects per image, boxes near them and elsewhere, distinct scores."""
    generator = np.random.default_rng(seed)
    labels, found = torch.tensor(NOTHING).float().repeat(images, 4, 1), []
    for index in range(images):
        rows = []
        for place in range(generator.integers(0, 5)):
            corner, extent = generator.uniform(0, 60, 2), generator.uniform(10, 30, 2)
            kind = generator.integers(0, 3)
            labels[index, place] = torch.tensor([*corner, *(corner + extent), kind, 0])
            for _ in range(generator.integers(0, 3)):
                shift = generator.normal(0, 3, 4)
                box = np.array([*corner, *(corner + extent)]) + shift
                other = kind if generator.random() < 0.8 else (kind + 1) % 3
                rows.append([*box, other, generator.random()])
        corner = generator.uniform(0, 60, 2)
        rows.append([*corner, *(corner + 15), generator.integers(0, 3), generator.random()])
        found.append(torch.tensor(np.array(rows), dtype=torch.float32))
    return found, labels


@pytest.mark.parametrize("seed", range(5))
def test_pycocotools_agrees_with_a_plain_evaluation(seed):
    found, labels = random_case(seed)
    whole, half = average_precision(found, labels)
    assert half == pytest.approx(plain_average_precision(found, labels, 0.5), abs=1e-4)
    steps = [plain_average_precision(found, labels, 0.5 + 0.05 * i) for i in range(10)]
    assert whole == pytest.approx(np.mean(steps), abs=1e-4)
    assert 0 < whole < half < 100


def test_boxes_on_a_crowd_count_neither_way():
    labels = torch.tensor([[[0, 0, 10, 10, 0, 0], [20, 20, 60, 60, 0, 1]]]).float()
    alone = tensors([[0, 0, 10, 10, 0, 0.5]])
    on_crowd = tensors([[0, 0, 10, 10, 0, 0.5], [25, 25, 35, 35, 0, 0.9]])
    elsewhere = tensors([[0, 0, 10, 10, 0, 0.5], [70, 70, 80, 80, 0, 0.9]])
    results = [average_precision(found, labels)[1] for found in (alone, on_crowd, elsewhere)]
    assert results == pytest.approx([100, 100, 50], abs=1e-6)


def test_nothing_found_and_nothing_to_find():
    labels = torch.tensor([[[0, 0, 10, 10, 0, 0]]]).float()
    assert average_precision(tensors([]), labels) == (0.0, 0.0)
    assert not object_scores(tensors([]), labels).any()
    empty = torch.tensor([[NOTHING]]).float()
    assert np.isnan(average_precision(tensors([[0, 0, 1, 1, 0, 0.5]]), empty)).all()


def test_scores_of_objects_by_loops():
    found, labels = random_case(7, images=130)
    scores = object_scores(found, labels)
    for index, objects in enumerate(labels):
        for place, one in enumerate(objects):
            fitting = [
                float(box[5])
                for box in found[index]
                if one[4] >= 0 and box[4] == one[4] and box_iou(box[None, :4], one[None, :4]) >= 0.5
            ]
            assert scores[index, place] == pytest.approx(max(fitting, default=0.0), abs=1e-7)


def test_overlaps_are_torchvisions():
    boxes = torch.rand(20, 2, 2, generator=torch.Generator().manual_seed(0)).sort(1).values
    boxes = torch.cat([boxes[:, 0], boxes[:, 1]], 1)
    assert torch.allclose(overlaps(boxes[:, None], boxes[None]), box_iou(boxes, boxes), atol=1e-6)
    assert overlaps(torch.zeros(4), torch.zeros(4)) == 0
