"""Gradient-masking checks: signs of false robustness.

Gradients that say nothing make a network look robust (Athalye et al. 2018). The signs are those of
Carlini et al. 2019, section 5: more steps help the defender, a black box beats the white box, an
unbounded attack fails, gradients vanish. To them comes an attack that helps.

An artifact names its checks in its option `checks`, rows such as

    {check: more_steps_help, fewer: pgd-20, more: pgd-50}

`check` is a function of this module, the other keys are its keyword arguments. A function takes
`runs`, one mapping of arrays uint8 [N] in {0, 1} per training run (seed) of one model, and the
names of attacks and probes as sentences have them. The arrays:

    none             right on the image as it is
    <attack>         right under this attack
    zero_gradient    the input gradient of the cross-entropy is exactly zero
    <probe>:none     of a worst case over several attacks: right on the image as it is
    <probe>:<attack> right after this attack and all before it, in the order in which they ran

The images of all runs count as one sample. Arrays may differ in length: what is compared is
compared on the first images that all have. A function returns a sentence, or an empty text where
nothing speaks for false robustness. It is registered with what `passed` says of a table whose
models all pass and, if its sign speaks against the accuracy under one attack only, with
`falsifies`, the argument that names this attack.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np

from passband.intervals import LEVEL
from passband.intervals.accuracies import wilson
from passband.options import AttackName, Name
from passband.registry import Registry
from passband.text import listed

CHECKS = Registry("gradient-masking check", __name__)

MISSED = 0.2  # percent of the images that the stronger attack may miss by chance
LEFT = 1.0  # percent that may survive half the range of the pixels, or have no gradient
LOOKS, STANDS = 25.0, 50.0  # percent that survive a single step, and of these many steps
ALL = ""  # in the place of an attack's name

Run = Mapping[str, np.ndarray]
WorstCase = Annotated[str, Name("probe", of="worst_case_accuracy")]


def checks(runs: Sequence[Run], rows: Sequence[Mapping], names: Mapping[str, str]) -> list[str]:
    """Run the checks of an artifact on the training runs of one model.

    Args:
        runs: arrays [N] per seed, see the module.
        rows: the artifact's checks.
        names: what sentences call attacks and probes; others go by their own name.

    Returns:
        A sentence without a full stop for each check that fails; an empty list if none does.
    """
    return [reason for _, reason in failed(runs, rows, names)]


def failed(
    runs: Sequence[Run], rows: Sequence[Mapping], names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """As `checks`, each sentence after the attack under which accuracy is false, or after ALL."""
    found = []
    for row in rows:
        if reason := CHECKS[row["check"]](runs, names, **_arguments(row)):
            key = CHECKS.settings(row["check"]).get("falsifies", ALL)
            found.append((str(row.get(key, ALL)), reason))
    return found


def describe_passed(rows: Sequence[Mapping], names: Mapping[str, str]) -> str:
    """The sentences for a table none of whose models fails a check.

    Args:
        rows: the artifact's checks.
        names: as for `checks`.
    """
    passed = [
        str(CHECKS.settings(row["check"])["passed"]).format(
            missed=MISSED,
            left=LEFT,
            **{key: _named(value, names) for key, value in _arguments(row).items()},
        )
        for row in rows
    ]
    return f"Gradient-masking checks: all pass. Beyond noise, {listed(passed)}."


@CHECKS.register("more_steps_help", passed="{more} is not weaker than {fewer}")
def more_steps_help(
    runs: Sequence[Run], names: Mapping[str, str], *, fewer: AttackName, more: AttackName
) -> str:
    """Accuracy under an attack with more steps is higher than under one with fewer.

    McNemar's exact test: of the images that only one of them breaks, more than half survive the one
    with more steps.

    Args:
        fewer: the attack that should be the weaker one.
        more: the attack that should be the stronger one.
    """
    few, many = _pooled(runs, lambda run: (run[fewer], run[more]))
    sign = "more steps help the defender"
    where, elsewhere = f"under {_named(more, names)}", f"under {_named(fewer, names)}"
    return _favoured(sign, many, where, few, elsewhere)


@CHECKS.register(
    "one_step_overfitting",
    passed="no model withstands {fewer} and then mostly falls to {more}",
    falsifies="fewer",
)
def one_step_overfitting(
    runs: Sequence[Run], names: Mapping[str, str], *, fewer: AttackName, more: AttackName
) -> str:
    """Images withstand a single step, but not many: catastrophic overfitting (Wong et al. 2020).

    Of the images that are right without an attack more than a quarter withstand the single step,
    and of these fewer than half withstand many. What the single step says is false; accuracy under
    other attacks is not.

    Args:
        fewer: the attack of a single step.
        more: the attack of many steps.
    """
    clean, few, many = (
        right.astype(bool)
        for right in _pooled(runs, lambda run: (run["none"], run[fewer], run[more]))
    )
    few &= clean
    if not few.any():
        return ""
    looks, stands = _within(few, clean), _within(many, few)
    if looks[1] <= LOOKS or stands[2] >= STANDS:
        return ""
    return (
        f"a single step overrates it, as after catastrophic overfitting: of {clean.sum():,} images "
        f"that are right without an attack {looks[0]:.1f} % withstand {_named(fewer, names)}, and "
        f"only {stands[0]:.1f} % of these {_named(more, names)}"
    )


@CHECKS.register(
    "being_attacked_helps", passed="no attack leaves more images right than no attack does"
)
def being_attacked_helps(
    runs: Sequence[Run], names: Mapping[str, str], *, attacks: list[AttackName]
) -> str:
    """Accuracy under the weakest of several attacks is higher than without an attack.

    McNemar's exact test.

    Args:
        attacks: the attacks.
    """
    clean, *attacked = _pooled(runs, lambda run: [run[name] for name in ("none", *attacks)])
    best = int(np.argmax([right.mean() for right in attacked]))
    sign, where = "being attacked helps the defender", f"under {_named(attacks[best], names)}"
    return _favoured(sign, attacked[best], where, clean, "without an attack")


@CHECKS.register(
    "beaten_alone", passed="no more than {missed} % of the images fall to {attack} alone"
)
def beaten_alone(
    runs: Sequence[Run], names: Mapping[str, str], *, worst: WorstCase, attack: AttackName
) -> str:
    """A black-box attack breaks images that the white-box attacks before it could not.

    Args:
        worst: the probe of a worst case over several attacks.
        attack: the black-box attack among them.
    """
    before, after = _pooled(runs, lambda run: _around(run, worst, attack))
    share, low = _share(before.astype(bool) & ~after.astype(bool))
    if low <= MISSED:
        return ""
    return (
        f"a black box beats the white box: {share:.1f} % of {len(after):,} images fall to "
        f"{_named(attack, names)} alone (95 % interval from {low:.3g} %, limit {MISSED} %)"
    )


@CHECKS.register(
    "left_standing",
    passed="no more than {missed} % of the images outlive {worst} although {than} broke them",
)
def left_standing(
    runs: Sequence[Run], names: Mapping[str, str], *, worst: WorstCase, than: list[AttackName]
) -> str:
    """Images withstand the worst case over several attacks although a weaker attack broke them.

    Args:
        worst: the probe of the worst case.
        than: the weaker attacks.
    """
    standing, *right = _pooled(
        runs, lambda run: (_standing(run, worst)[-1], *(run[name] for name in than))
    )
    share, low = _share(standing.astype(bool) & ~np.all(right, axis=0))
    if low <= MISSED:
        return ""
    return (
        f"{_named(worst, names)} misses what weaker attacks find: {share:.1f} % of "
        f"{len(standing):,} images stand although {_named(than, names)} broke them (95 % interval "
        f"from {low:.3g} %, limit {MISSED} %)"
    )


@CHECKS.register(
    "survives_anything", passed="no more than {left:.0f} % of the images survive {attack}"
)
def survives_anything(runs: Sequence[Run], names: Mapping[str, str], *, attack: AttackName) -> str:
    """Images withstand an attack that can turn any image grey.

    Args:
        attack: an attack whose bound is half the range of the pixels.
    """
    (right,) = _pooled(runs, lambda run: (run[attack],))
    share, low = _share(right)
    if low <= LEFT:
        return ""
    return (
        f"the attack fails where none can: {share:.1f} % of {len(right):,} images are right under "
        f"{_named(attack, names)} (95 % interval from {low:.3g} %, limit {LEFT:.0f} %)"
    )


@CHECKS.register(
    "has_no_gradient",
    passed="no more than {left:.0f} % of the images have an input gradient of zero",
)
def has_no_gradient(runs: Sequence[Run], names: Mapping[str, str]) -> str:
    """Images have an input gradient that is exactly zero."""
    (zero,) = _pooled(runs, lambda run: (run["zero_gradient"],))
    share, low = _share(zero)
    if low <= LEFT:
        return ""
    return (
        f"gradients vanish: the input gradient is exactly zero on {share:.1f} % of {len(zero):,} "
        f"images (95 % interval from {low:.3g} %, limit {LEFT:.0f} %)"
    )


def _arguments(row: Mapping) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != "check"}


def _named(value: object, names: Mapping[str, str]) -> str:
    """One name or several, as sentences have them."""
    if isinstance(value, list):
        return listed((_named(one, names) for one in value), "or")
    return names.get(str(value), str(value))


def _favoured(sign: str, one: np.ndarray, where: str, other: np.ndarray, elsewhere: str) -> str:
    """`sign` with its numbers if, by McNemar's exact test, more images [N] are right in `one`."""
    one, other = one.astype(bool), other.astype(bool)
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    if gained <= lost:
        return ""
    from scipy.stats import binomtest

    p = binomtest(gained, gained + lost).pvalue
    if p >= 1 - LEVEL:
        return ""
    return (
        f"{sign}: {100 * one.mean():.1f} % are right {where} and {100 * other.mean():.1f} % "
        f"{elsewhere}, on the same {len(one):,} images (McNemar's exact test, p = {p:.2g})"
    )


def _share(marked: np.ndarray) -> tuple[float, float]:
    """Share of marked images and the lower end of its 95 % interval, in percent."""
    share = 100 * float(np.mean(marked))
    return share, wilson(share, len(marked))[0]


def _within(marked: np.ndarray, whole: np.ndarray) -> tuple[float, float, float]:
    """Share of marked images among others, and its 95 % interval, in percent."""
    share = 100 * float(np.mean(marked[whole]))
    return share, *wilson(share, int(whole.sum()))


def _standing(run: Run, probe: str) -> list[np.ndarray]:
    return [array for name, array in run.items() if name.startswith(f"{probe}:")]


def _around(run: Run, probe: str, attack: str) -> tuple[np.ndarray, np.ndarray]:
    """The images that withstood a worst case before and after one of its attacks."""
    names = [name for name in run if name.startswith(f"{probe}:")]
    place = names.index(f"{probe}:{attack}")
    return run[names[place - 1]], run[names[place]]


def _pooled(runs: Sequence[Run], pick: Callable[[Run], Sequence[np.ndarray]]) -> list[np.ndarray]:
    """The arrays that `pick` takes of each run, cut to their common images, one after another."""
    together = []
    for run in runs:
        arrays = pick(run)
        common = min(map(len, arrays))
        together.append([array[:common] for array in arrays])
    return [np.concatenate(parts) for parts in zip(*together, strict=True)]
