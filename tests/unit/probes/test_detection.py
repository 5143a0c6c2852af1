"""The probe of detectors, on a detector whose answers are known."""

import numpy as np
import pytest
import torch
from known_networks import FLOAT32, filter_row
from torch import Tensor, nn

from passband.plan.rows import resolve_row
from passband.probes import PROBES, Measurement, Subject
from passband.probes.detection import DRAWN, detections

BOX = (2.0, 2.0, 10.0, 12.0)


class BySpread(nn.Module):
    """Finds one box, with a score that grows with the contrast of the image."""

    def __init__(self):
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        self.shapes += [tuple(image.shape) for image in images]
        return [
            {
                "boxes": torch.tensor([BOX]),
                "labels": torch.tensor([1]),
                "scores": image.std()[None].clamp(0, 1),
            }
            for image in images
        ]


def stripes(width: int, height: int, period: int) -> Tensor:
    wave = (torch.arange(width) * 2 // period % 2).mul(255).byte()
    return wave.expand(1, height, width)


def subject(kinds=(4, 4, 16, 16, 2), sizes=None) -> Subject:
    """Stripes of 16 x 16 pixels by period, each with an object of class 1 where the box lies."""
    images = torch.stack([stripes(16, 16, period) for period in kinds])
    labels = torch.zeros(len(kinds), 2, 6)
    labels[:, 0] = torch.tensor([*BOX, 1, 0])
    labels[:, 1, 4] = -1
    sizes = torch.full((len(kinds), 2), 16) if sizes is None else sizes
    return Subject(BySpread(), images, labels, ("no", "yes"), 0, FLOAT32, sizes=sizes)


def disc(keep: str, radius: int) -> dict:
    row = {"shape": "disc", "keep": keep, "radius": radius}
    return resolve_row("filter", f"disc-{keep}-{radius}", row, {})


def measured(given: Subject, **options) -> Measurement:
    return PROBES["detection"](
        given, **{"low": disc("low", 3), "high": disc("high", 3), "examples": 2} | options
    )


def value(result: Measurement, metric: str, filter: str) -> float:
    (found,) = [row[2] for row in result.rows if row[1] == metric and f"filter={filter}" in row[0]]
    return found


def test_scores_follow_what_the_detector_gives():
    """Period 16 lies within the disc, periods 4 and 2 outside of it."""
    result = measured(subject())
    scores = result.arrays["scores"]
    assert scores.shape == (3, 5)
    assert scores[0] == pytest.approx(
        np.full(5, torch.tensor([0.0, 1]).repeat(128).std()), abs=1e-3
    )
    assert (scores[1, [0, 1, 4]] < 1e-3).all() and (scores[2, [0, 1, 4]] > 0.4).all()
    assert (scores[1, 2:4] > 0.3).all() and (scores[2, 2:4] < scores[1, 2:4]).all()
    assert value(result, "score", "disc-low-3") == pytest.approx(scores[1].mean())
    better = 100 * (scores[1] > scores[0]).mean()
    assert value(result, "recognised_better", "disc-low-3") == pytest.approx(better)
    assert value(result, "mAP", "none") == pytest.approx(100)
    conditions = {row[0] for row in result.rows}
    assert "filter=disc-low-3;shape=disc;keep=low;radius=3;inclusive=False" in conditions


def test_images_without_objects_and_crowds_have_no_score():
    given = subject()
    given.labels[1, 0, 4] = -1
    given.labels[3, 0, 5] = 1
    result = measured(given)
    assert result.arrays["image_numbers"].tolist() == [0, 2, 4]
    assert result.arrays["scores"].shape == (3, 3)
    counts = {row[1]: row[3] for row in result.rows}
    assert counts == {"mAP": 5, "AP50": 5, "score": 3, "recognised_better": 3}


def test_examples_are_those_that_change_most():
    result = measured(subject())
    gains = result.arrays["scores"][1] - result.arrays["scores"][0]
    shown = result.arrays["example_numbers"]
    assert len(shown) == 4 and result.arrays["example_gains"] == pytest.approx(gains[shown])
    assert gains[shown[:2]] == pytest.approx(np.sort(gains)[:2])
    assert gains[shown[2:]] == pytest.approx(np.sort(gains)[::-1][:2])
    images = result.arrays["example_images"]
    assert images.shape == (2, 4, 1, 16, 16) and images.dtype == np.uint8
    assert np.array_equal(images[0], subject().images[shown].numpy())
    found = result.arrays["example_detections"]
    assert found.shape == (2, 4, DRAWN, 6)
    assert found[0, 0, 0, :5].tolist() == [*BOX, 1] and (found[:, :, 1:, 4] == -1).all()
    assert result.metadata == {"classes": ["no", "yes"], "filter": "disc-low-3"}
    assert all(np.isfinite(array).all() for array in result.arrays.values())


def test_images_pass_and_are_filtered_at_their_own_size():
    """The padding around an image is neither seen nor filtered."""
    sizes = torch.tensor([[16, 16], [12, 16], [16, 14], [12, 16], [16, 16]])
    given = subject(sizes=sizes)
    found = detections(given)
    assert sorted(given.model.shapes) == sorted((1, h, w) for h, w in sizes.tolist())
    assert [len(one) for one in found] == [1] * 5
    for index, (height, width) in enumerate(sizes.tolist()):
        alone = subject()
        alone = Subject(
            alone.model, given.images[[index], :, :height, :width], given.labels[[index]],
            given.classes, 0, FLOAT32, sizes=sizes[[index]],
        )  # fmt: skip
        for filter in (None, disc("low", 3), filter_row("low", 8)):
            both = detections(given, filter)[index], detections(alone, filter)[0]
            assert torch.allclose(*both, atol=1e-6)


def test_first_images_keep_their_sizes():
    sizes = torch.tensor([[16, 16], [12, 16], [16, 14], [12, 16], [16, 16]])
    assert subject(sizes=sizes).first(3).sizes.tolist() == sizes[:3].tolist()
