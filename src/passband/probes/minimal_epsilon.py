"""The smallest adversarial perturbation of each image."""

import numpy as np
import torch
from torch import Tensor

from passband.attacks import ATTACKS, describe
from passband.evaluation import perturbations
from passband.options import AttackName, Images, Share
from passband.probes import PROBES, Measurement, Subject, stored
from passband.probes.robustness import mask, still_right
from passband.quantities import withstood


@PROBES.register("minimal_epsilon", an_attack="search")
def minimal_epsilon(
    subject: Subject,
    *,
    attacks: list[AttackName],
    epsilons: list[Share],
    images: Images | None = None,
) -> Measurement:
    """Smallest epsilon that fools, and accuracy at some epsilons read from it (hfc, table 2).

    For each search, `minimal_epsilon_<search>` is the l-infinity norm of the smallest perturbation
    found that fools: 0 for images that are misclassified without one, infinite if none was found.
    An image withstands epsilon if its norm is larger, so accuracy cannot rise with epsilon. Attacks
    at a fixed epsilon are run on the same images, for comparison.

    Args:
        attacks: searches for the smallest perturbation, at least one, and attacks at a fixed
            epsilon.
        epsilons: at which accuracy under each search is read.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    everything = torch.arange(len(subject.labels), device=subject.labels.device)
    right = still_right(subject, everything)
    clean = stored(mask(right, subject))
    found = Measurement(arrays={"correct_clean": clean})
    found.accuracy("attack=none", clean)
    names, rows = [], [np.zeros((0, len(clean)), np.uint8)]
    for attack in attacks:
        if ATTACKS.settings(attack["attack"]).get("search"):
            smallest = stored(_smallest(subject, right, attack))
            found.arrays[f"minimal_epsilon_{attack['name']}"] = smallest
            for epsilon in epsilons:
                correct = withstood(smallest, epsilon)
                found.accuracy(f"{describe(attack)};epsilon={epsilon:.6g}", correct)
        else:
            names.append(attack["name"])
            rows.append(stored(mask(still_right(subject, right, attack), subject))[None])
            found.accuracy(describe(attack), rows[-1][0])
    found.arrays["correct"] = np.concatenate(rows)
    found.metadata = {"attacks": names}
    return found


def _smallest(subject: Subject, right: Tensor, attack: dict) -> Tensor:
    """The norm of the perturbation that a search finds for each image, float32 [N].

    right: positions of the correctly classified images, int64 [K].
    """
    smallest = torch.zeros(len(subject.labels), device=right.device)
    if len(right):
        images, labels = subject.images[right], subject.labels[right]
        noise = perturbations(
            subject.model, images, labels, attack, subject.seed, subject.compute, right
        )
        norms = noise.abs().amax((1, 2, 3))
        smallest[right] = torch.where(norms > 0, norms, torch.inf)
    return smallest
