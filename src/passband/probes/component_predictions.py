"""Predictions for images and for their low and high components."""

import torch
from torch import Tensor

from passband.evaluation import predictions
from passband.options import FilterName, Images, Rescaling
from passband.probes import PROBES, Measurement, Subject, stored
from passband.probes.examples import in_turn
from passband.spectra.filters import apply, describe
from passband.spectra.scaling import described, rescaled


@PROBES.register("component_predictions", complements=("low", "high"))
def component_predictions(
    subject: Subject,
    *,
    low: list[FilterName],
    high: list[FilterName],
    examples: Images,
    rescale: Rescaling | None = None,
    images: Images | None = None,
) -> Measurement:
    """Labels predicted for images, their low and their high components (hfc, figure 2, section 8).

    An image follows its high component if it and this component are classified correctly, but its
    low component is not. Such images are counted for every pair of filters, and some of them are
    kept as examples, from each class in turn. Names of a pair's arrays end in that of its low
    filter.

    Args:
        low: filters that keep the low component.
        high: filters that keep the rest, in the same order.
        examples: maximum number of images to keep for each pair.
        rescale: `image-max` divides each component by its own largest value, `image-max-bytes` also
            rounds it down to multiples of 1/255; no rescaling if left out.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    predicted, energy = _seen(subject, lambda shown: shown)
    found = Measurement(
        arrays={"labels": stored(subject.labels), "predicted": stored(predicted)},
        metadata={
            "classes": list(subject.classes),
            "filters": {one["name"]: describe(one, subject.side) for one in low},
        },
    )
    recognised = predicted == subject.labels
    found.accuracy("filter=none", stored(recognised))
    for one, other in zip(low, high, strict=True):
        by_low, energy_low = _seen(subject, lambda shown, row=one: apply(row, shown), rescale)
        by_high, _ = _seen(subject, lambda shown, row=other: apply(row, shown), rescale)
        follows = recognised & (by_high == predicted) & (by_low != predicted)
        share = torch.where(energy > 0, energy_low / energy, 1.0).float()
        chosen = follows.nonzero().squeeze(1)
        chosen = chosen[in_turn(subject.labels[chosen], len(subject.classes))[:examples]]
        shown = subject.compute.images(subject.images[chosen])
        arrays = {
            "predicted_low": by_low,
            "predicted_high": by_high,
            "follows_high": follows,
            "energy_low": share,
            "indices": chosen,
            "images": shown,
            "low": apply(one, shown),
            "high": apply(other, shown),
        }
        name, count = one["name"], len(subject.labels)
        found.arrays |= {f"{key}_{name}": stored(array) for key, array in arrays.items()}
        pair = _described_pair(one, other, subject.side) + described(rescale)
        following = int(follows.sum())
        found.rows += [
            (pair, "images_following_high", following, count, "images"),
            (pair, "follows_high", 100 * following / count, count, "percent"),
            (pair, "energy_share", float(share.mean()), count, "ratio"),
        ]
        for filter, seen in ((one, by_low), (other, by_high)):
            condition = describe(filter, subject.side) + described(rescale)
            found.accuracy(condition, stored(seen == subject.labels))
    return found


def _seen(subject: Subject, component, rescale: Rescaling | None = None) -> tuple[Tensor, Tensor]:
    """Labels predicted for a component of every image, int64 [N], and its energy, float64 [N]."""
    energies = []

    def change(images: Tensor, _: slice) -> Tensor:
        shown = component(images)
        energies.append(shown.double().square().sum((1, 2, 3)))
        return rescaled(shown, rescale)

    predicted = predictions(subject.model, subject.images, subject.compute, change)
    return predicted, torch.cat(energies)


def _described_pair(low: dict, high: dict, side: int) -> str:
    """Both filters as part of a measurement's condition: their names, then what they share."""
    shared = [
        pair for pair in describe(low, side).split(";") if not pair.startswith(("filter=", "keep="))
    ]
    return ";".join([f"components={low['name']}+{high['name']}", *shared])
