"""Accuracy on corrupted images, and the spectrum of what corruptions change."""

import numpy as np
import torch
from torch import Tensor

from passband.data.corrupted import frost_pictures, generated
from passband.data.corruptions import CORRUPTIONS, SEVERITIES
from passband.evaluation import batches, predictions
from passband.options import CorruptionName, Images, Severity
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.jacobian import low_frequency_bias, one_sided_magnitude


@PROBES.register("common_corruptions")
def common_corruptions(
    subject: Subject,
    *,
    corruptions: list[CorruptionName] | None = None,
    severities: list[Severity] | None = None,
    images: Images | None = None,
) -> Measurement:
    """Accuracy by corruption and severity (jafr, tables 1 and 8).

    The corrupted images are those that are stored, or are generated where they are too large for
    that. Also the low-frequency bias of what each corruption changes at each severity: of the mean
    over images and channels of |DFT(corrupted - clean)|, which no model has a part in.

    Args:
        corruptions: the corruptions; all if left out.
        severities: the severities, from 1 to 5; all if left out.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    names, severities = corruptions or CORRUPTIONS.names(), severities or list(SEVERITIES)
    made = subject.corrupted or generated(subject.images.cpu().numpy(), frost_pictures())
    sources = {name: made.source(name) for name in names}
    clean = predictions(subject.model, subject.images, subject.compute) == subject.labels
    titles = [CORRUPTIONS.settings(name)["title"] for name in names]
    told = {"corruptions": names, "titles": titles, "sources": sources}
    result = Measurement(metadata=told)
    result.accuracy("corruption=none", stored(clean))
    correct = np.empty((len(names), len(severities), len(clean)), np.uint8)
    biases = np.empty(correct.shape[:2], np.float32)
    for place in np.ndindex(biases.shape):
        name, severity = names[place[0]], severities[place[1]]
        changed = torch.from_numpy(made.of(name, severity)[: len(clean)])
        changed = changed.to(subject.compute.device)
        predicted = predictions(subject.model, changed, subject.compute)
        correct[place] = stored(predicted == subject.labels)
        biases[place] = change_bias(subject, changed)
        condition = f"corruption={name};severity={severity};images={sources[name]}"
        result.accuracy(condition, correct[place])
        bias = float(biases[place])
        result.rows.append((condition, "low_frequency_bias", bias, len(clean), "log"))
    result.arrays = {
        "correct": correct,
        "correct_clean": stored(clean),
        "change_bias": biases,
        "severities": np.array(severities),
    }
    return result


def change_bias(subject: Subject, changed: Tensor) -> float:
    """The low-frequency bias of the mean spectrum of what was changed in the images.

    Args:
        subject: with the clean images.
        changed: the same images, changed; uint8 [N, C, H, W].
    """
    total = 0.0
    for part in batches(len(changed), subject.compute):
        after, before = (one[part].double() / 255 for one in (changed, subject.images))
        total = total + one_sided_magnitude(after - before).sum((0, 1))
    return low_frequency_bias(total / (len(changed) * changed.shape[1])).item()
