"""Sentinels against false robustness: what no working attack leaves behind.

Gradients that say nothing make a network look robust (Athalye et al. 2018). The signs are those of
Carlini et al. 2019, section 5: more steps help the defender, a black box beats the white box, an
unbounded attack fails, gradients vanish. To them comes an attack that helps.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from passband.figures.intervals import CONFIDENCE, wilson

MISSED = 0.2  # percent of the images that the stronger attack may miss by chance
LEFT = 1.0  # percent that may survive half the range of the pixels, or have no gradient


class PerImage(NamedTuple):
    """What one training run got right, image by image, from the first test image on.

    right: attack -> [N] right on the image as it is and under the attack: pgd-20, pgd-50, cw-30
        and pgd-10-half; N may differ between attacks.
    zero_gradient: [N], the input gradient of the cross-entropy is exactly zero.
    standing: attack of AutoAttack -> [N], in the order in which they ran: right after this attack
        and all before it; the first key, none, is the image as it is.
    All arrays hold 0 and 1.
    """

    right: Mapping[str, np.ndarray]
    zero_gradient: np.ndarray
    standing: Mapping[str, np.ndarray]


def broken_sentinels(runs: Sequence[PerImage]) -> list[str]:
    """What speaks for false robustness in the training runs (seeds) of one model, in words.

    The images of all runs count as one sample; what is compared is compared on the first images
    that both attacks saw. An empty list: nothing does.
    """
    last = list(runs[0].standing)[-1]
    found = [
        more_steps_help(
            *_pooled(runs, lambda run: (run.right["pgd-20"], run.right["pgd-50"])),
        ),
        beaten_alone(*_pooled(runs, _around_square)),
        left_standing(
            *_pooled(
                runs,
                lambda run: (run.standing[last], run.right["pgd-50"], run.right["cw-30"]),
            )
        ),
        survives_anything(*_pooled(runs, lambda run: (run.right["pgd-10-half"],))),
        has_no_gradient(*_pooled(runs, lambda run: (run.zero_gradient,))),
    ]
    return [reason for reason in found if reason]


def out_of_order(runs: Sequence[Mapping[str, np.ndarray]]) -> list[str]:
    """Signs of false robustness in the runs (seeds) of one model: attacks in the wrong order.

    No attack may leave more images right than no attack at all, and no iterated attack more than
    FGSM. runs: attack -> [N] right under it, 0 or 1: none, fgsm, pgd-20, bim-20, tpgd-20 and
    cw-20. As `broken_sentinels`.
    """
    names = "FGSM", "PGD-20", "BIM-20", "TPGD-20", "CW-20"
    clean, *attacked = _pooled(runs, lambda run: [run[key.lower()] for key in ("none", *names)])
    best = int(np.argmax([right.mean() for right in attacked]))
    found = [being_attacked_helps(clean, attacked[best], names[best])]
    found += [
        more_steps_help(attacked[0], attacked[place], (names[0], names[place])) for place in (1, 2)
    ]
    return [reason for reason in found if reason]


def being_attacked_helps(clean: np.ndarray, attacked: np.ndarray, name: str) -> str:
    """Sign of false robustness: accuracy under the attack `name` above that without one.

    clean, attacked: [N], right without the attack and under it. McNemar's exact test.
    """
    sign = "being attacked helps the defender"
    return _favoured(sign, attacked, f"under {name}", clean, "without an attack")


def more_steps_help(
    fewer: np.ndarray, more: np.ndarray, names: tuple[str, str] = ("PGD-20", "PGD-50")
) -> str:
    """Sign of false robustness: accuracy under more steps of an attack above that under fewer.

    fewer, more: [N], right under each; names: of the two attacks. McNemar's exact test: of the
    images that only one of them breaks, more than half survive the one with more steps.
    """
    sign = "more steps help the defender"
    return _favoured(sign, more, f"under {names[1]}", fewer, f"under {names[0]}")


def beaten_alone(before: np.ndarray, after: np.ndarray) -> str:
    """Sign of false robustness: the black box breaks what the white box could not.

    before, after: [N], standing when Square began and when it ended.
    """
    share, low = _share(before.astype(bool) & ~after.astype(bool))
    if low <= MISSED:
        return ""
    return (
        f"a black box beats the white box: {share:.1f} % of {len(after):,} images fall to Square "
        f"alone (95 % interval from {low:.3g} %, limit {MISSED} %)"
    )


def left_standing(standing: np.ndarray, *right: np.ndarray) -> str:
    """Sign of an AutoAttack that did not work: images stand that a weaker attack broke.

    standing: [N] after all of AutoAttack; right: [N] each, under PGD-50 and under C&W.
    """
    share, low = _share(standing.astype(bool) & ~np.all(right, axis=0))
    if low <= MISSED:
        return ""
    return (
        f"AutoAttack misses what weaker attacks find: {share:.1f} % of {len(standing):,} images "
        f"stand although PGD-50 or C&W broke them (95 % interval from {low:.3g} %, "
        f"limit {MISSED} %)"
    )


def survives_anything(right: np.ndarray) -> str:
    """Sign of false robustness: right [N] under PGD with epsilon 1/2, which can grey any image."""
    share, low = _share(right)
    if low <= LEFT:
        return ""
    return (
        f"the attack fails where none can: {share:.1f} % of {len(right):,} images are right under "
        f"PGD with ε = 1/2 (95 % interval from {low:.3g} %, limit {LEFT:.0f} %)"
    )


def has_no_gradient(zero: np.ndarray) -> str:
    """Sign of false robustness: images whose input gradient is exactly zero, zero [N]."""
    share, low = _share(zero)
    if low <= LEFT:
        return ""
    return (
        f"gradients vanish: the input gradient is exactly zero on {share:.1f} % of {len(zero):,} "
        f"images (95 % interval from {low:.3g} %, limit {LEFT:.0f} %)"
    )


def _favoured(sign: str, one: np.ndarray, where: str, other: np.ndarray, elsewhere: str) -> str:
    """`sign` with its numbers if, by McNemar's exact test, more images [N] are right in `one`."""
    one, other = one.astype(bool), other.astype(bool)
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    if gained <= lost:
        return ""
    p = binomtest(gained, gained + lost).pvalue
    if p >= 1 - CONFIDENCE:
        return ""
    return (
        f"{sign}: {100 * one.mean():.1f} % are right {where} and {100 * other.mean():.1f} % "
        f"{elsewhere}, on the same {len(one):,} images (McNemar's exact test, p = {p:.2g})"
    )


def _share(marked: np.ndarray) -> tuple[float, float]:
    """Share of marked images and the lower end of its 95 % interval, in percent."""
    share = 100 * float(np.mean(marked))
    return share, wilson(share, len(marked))[0]


def _around_square(run: PerImage) -> tuple[np.ndarray, np.ndarray]:
    names = list(run.standing)
    place = names.index("square")
    return run.standing[names[place - 1]], run.standing["square"]


def _pooled(runs: Sequence, pick: Callable[..., tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """The arrays that `pick` takes of each run, cut to their common images, one after another."""
    together = []
    for run in runs:
        arrays = pick(run)
        common = min(map(len, arrays))
        together.append([array[:common] for array in arrays])
    return [np.concatenate(parts) for parts in zip(*together, strict=True)]
