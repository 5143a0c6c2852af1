"""Evaluation on a GPU: a careful eager reference against passband's own probes."""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import autoattack
import cka
import numpy as np
import torch
from gpu_training import attack_of, engine_arm, new_network, recipe_of
from guards import gradients_agree, guarded, in_ball, not_weaker, reference_attack
from paired import forth_and_back, median_with_interval, switches, synchronise, timed
from torch import Tensor, nn

from passband.attacks.pgd import started
from passband.draws import Draws, key_of
from passband.evaluation import perturbations, predictions
from passband.probes import Subject
from passband.probes.accuracy import filtered_accuracy
from passband.probes.cka import layer_similarity
from passband.probes.heatmap import fourier_heatmap
from passband.spectra.bases import basis_images, frequencies
from passband.spectra.filters import apply

REFERENCE, STRICT, ENGINE = "reference", "reference float32", "engine"
ALIKE = 0.1  # the engine against itself may differ by this much
WHOLE = 10_000  # test images that seconds are scaled to
CLIPPED = 64 / 255  # a radius that no network withstands
RATE = 0.05  # peak learning rate of the network that is measured
DISAGREE = 0.01  # share of images on which searches in two precisions may end differently
PER_PIXEL = 1 / 8  # norm of the heat map's noise


# What is measured


def trained(bench) -> nn.Module:
    """The network that is measured, after a short adversarial training, in eval mode."""
    settings = bench.settings
    steps = settings.subject_steps
    arm = engine_arm(
        new_network(settings.subject, bench.training),
        bench.training,
        recipe_of(10, settings.batch),
        bench.compute.with_engine(bench.replaying),
        rate_at=lambda step: RATE * (1 - step / steps),
    )
    for _ in range(steps):
        arm.step()
    synchronise(bench.compute.device)
    return copy.deepcopy(arm.model).eval().requires_grad_(False)


def subject(bench, count: int) -> Subject:
    """That network and the first test images as probes take them, without a perturbation."""
    stored, labels = bench.stored(count)
    return Subject(
        model=bench.folded,
        images=stored,
        labels=labels,
        classes=bench.test.classes,
        seed=0,
        compute=bench.compute,
        perturbation=torch.zeros(stored.shape, device=stored.device),
        trained=bench.subject,
    )


def in_turns(bench, arms: dict[str, Callable[[], object]], images: int) -> tuple[dict, dict]:
    """Seconds of the arms, and what they returned last; each runs once before it is timed."""
    device, found, first = bench.compute.device, {}, {}

    def run(name: str) -> None:
        found[name] = arms[name]()

    for name in arms:
        first[name] = timed(partial(run, name), 1, device)
    runs = {name: partial(timed, partial(run, name), 1, device) for name in arms}
    times = forth_and_back(runs, bench.settings.blocks, bench.settings.longest)
    control = median_with_interval(times[ENGINE][:, 0] / times[ENGINE][:, 1])
    rows = {
        name: {
            "seconds": float(np.median(pairs.mean(1))),
            "seconds_per_10000": float(np.median(pairs.mean(1))) * WHOLE / images,
            "first_seconds": first[name],
            "blocks": len(pairs),
            "ratio": median_with_interval(times[REFERENCE].mean(1) / pairs.mean(1)),
        }
        for name, pairs in times.items()
    }
    result = {
        "images": images,
        "arms": rows,
        "times": {name: pairs.tolist() for name, pairs in times.items()},
        "guards": {"control": control | {"passed": abs(control["median"] - 1) <= ALIKE}},
    }
    return result, found


# PGD


def pgd(bench) -> dict:
    """PGD-50 with ten restarts.

    The reference runs all restarts on all images; both keep the first perturbation that fools.
    """
    settings, model, device = bench.settings, bench.subject, bench.compute.device
    attack = attack_of(settings.attack_steps) | {"restarts": settings.restarts}
    attack["name"] += f"-{settings.restarts}"
    stored, labels = bench.stored(settings.judged)
    images = bench.compute.images(stored)
    indices = torch.arange(len(labels), device=device)
    draws = Draws(key_of(0, "attack", attack["name"]), indices)
    starts = [
        started(images, attack["epsilon"], attack["start"], draws, restart)
        for restart in range(settings.restarts)
    ]

    def reference() -> Tensor:
        result, stands = images, torch.ones_like(labels, dtype=torch.bool)
        with switches(tf32=True, search=True):
            for start in starts:
                found = reference_attack(model, images, labels, start, attack)
                result = torch.where(stands[:, None, None, None], found, result)
                stands &= model(found).argmax(1) == labels
        return result

    def engine() -> Tensor:
        noise = perturbations(bench.folded, stored, labels, attack, 0, bench.compute)
        return (images + noise).clamp_(0, 1)

    result, found = in_turns(bench, {REFERENCE: reference, ENGINE: engine}, len(labels))
    result |= {"what": attack["name"], "network": settings.subject}
    judge = partial(not_weaker, model, images, labels, found, attack["epsilon"])
    result["guards"] |= guarded("G2 attack", judge)
    result["guards"] |= guarded("G1 gradients", attack_gradients, bench)
    result["guards"] |= guarded("G4 masking", lambda: bench.masking)
    return result


def attack_gradients(bench) -> dict:
    """G1 of the pass that evaluation attacks differentiate, see `gradients_agree`."""
    images, labels = bench.shown(bench.settings.exact)
    logits_of = bench.compute.logits_of(bench.folded)
    strict = bench.compute.autocast_dtype == torch.float32
    return gradients_agree(bench.folded, logits_of, images, labels, strict)


def masking(bench) -> dict:
    """G4: more steps leave fewer images standing, and a large radius hardly any.

    All attacks start at the same points; up to two in a thousand images may do the opposite.
    """
    stored, labels = bench.stored(bench.settings.judged)
    images = bench.compute.images(stored)

    def standing(attack: dict) -> float:
        attack |= {"name": "masking"}
        noise = perturbations(bench.folded, stored, labels, attack, 0, bench.compute)
        shown = (images + noise).clamp_(0, 1)
        if not in_ball(images, shown, attack["epsilon"]):
            return np.nan
        found = predictions(bench.folded, stored, bench.compute, lambda _, part: shown[part])
        return (found == labels).double().mean().item()

    found = {f"pgd-{steps}": standing(attack_of(steps)) for steps in (7, 20, 50)}
    large = attack_of(20) | {"epsilon": CLIPPED, "step_size": CLIPPED / 4}
    found["pgd-20 at 64/255"] = standing(large)
    seven, twenty, fifty, clipped = found.values()
    passed = twenty <= seven + 0.002 and fifty <= twenty + 0.002 and clipped <= 0.02
    return {"robust_accuracy": found, "passed": bool(passed)}


# AutoAttack


def auto_attack(bench) -> dict:
    """AutoAttack's standard version, each attack on what withstood those before.

    The reference is the same attacks, with the same random numbers, searching in strict float32.
    Each arm runs only once, since it is expensive; the control is the engine's first attack alone.
    """
    settings, model, compute = bench.settings, bench.subject, bench.compute
    images, labels = bench.shown(settings.auto)
    arms = {
        ENGINE: autoattack.engine_arm(model, compute),
        REFERENCE: autoattack.engine_arm(model, compute, strict=True),
    }
    rows = [row for row in autoattack.ATTACKS if row["name"] in settings.auto_attacks]
    clean = autoattack.right(model, images, labels)
    control = autoattack.control(arms[ENGINE], images[clean], labels[clean])
    with switches():
        blocks = {
            name: [autoattack.run(arm, model, images, labels, 0, rows)]
            for name, arm in arms.items()
        }
    seconds = {name: sum(runs[0]["seconds"]) for name, runs in blocks.items()}
    compared = autoattack.compare(blocks, DISAGREE)
    compared["passed"] = compared["verdict_passed"] and compared["ball_passed"]
    result = {
        "what": "+".join(row["name"] for row in rows),
        "network": settings.subject,
        "images": len(labels),
        "clean": int(clean.sum()),
        "attack_seconds": {name: runs[0]["seconds"] for name, runs in blocks.items()},
        "arms": {
            name: {"seconds": each, "seconds_per_10000": each * WHOLE / len(labels), "blocks": 1}
            for name, each in seconds.items()
        },
        "guards": {
            "control": {"median": control, "passed": abs(control - 1) <= ALIKE},
            "G2 verdict": compared,
        },
    }
    result["guards"] |= guarded("G4 masking", lambda: bench.masking)
    for name, row in result["arms"].items():
        ratio = seconds[REFERENCE] / seconds[name]
        row["ratio"] = {"median": ratio, "low": ratio, "high": ratio}
    return result


# Maps, similarities, filters


def heat_map(bench) -> dict:
    """The Fourier heat map: 514 noisy copies of every image of 32 x 32.

    The reference, too, uses one basis image for f and -f. It rounds to TF32; cells are compared
    with those in float32.
    """
    one = subject(bench, bench.settings.mapped)
    count, device = len(one.labels), bench.compute.device
    pairs = frequencies(one.side)
    bases = PER_PIXEL * one.side * basis_images(pairs.to(device), one.side)
    draws = Draws(key_of(0, "heat map"), torch.arange(count, device=device))
    signs = draws.signs("sign", (len(pairs), one.images.shape[1]))
    clean = bench.compute.images(one.images)

    def noisy() -> Iterator[Tensor]:
        for number, basis in enumerate(bases):
            yield (clean + signs[:, number, :, None, None] * basis).clamp_(0, 1)

    def reference(tf32: bool) -> Tensor:
        with switches(tf32=tf32, search=True), torch.inference_mode():
            wrong = [bench.subject(shown).argmax(1) != one.labels for shown in noisy()]
        return torch.stack(wrong).cpu()

    def engine() -> Tensor:
        found = fourier_heatmap(one, norm_per_pixel=PER_PIXEL, images=count)
        return torch.from_numpy(found.arrays["wrong"]).bool()

    arms = {
        REFERENCE: partial(reference, True),
        STRICT: partial(reference, False),
        ENGINE: engine,
    }
    result, found = in_turns(bench, arms, count)
    result["guards"] |= guarded("G6 cells", same_cells, found[STRICT], found[ENGINE])
    return result | {"what": "Fourier heat map", "network": bench.settings.subject}


def same_cells(expected: Tensor, found: Tensor) -> dict:
    """G6: the shares of cells [K, N] agree to 0.1 points, or to one image where there are fewer."""
    if found.shape != expected.shape:
        return {"shape": list(found.shape), "passed": False}
    count = expected.shape[1]
    difference = (found.long().sum(1) - expected.long().sum(1)).abs().max().item()
    return {
        "largest_difference_points": 100 * difference / count,
        "flipped": int((found != expected).sum()),
        "of": expected.numel(),
        "passed": difference <= max(1, count // 1000),
    }


def similarity(bench) -> dict:
    """Linear CKA of all layers; the reference computes matrices anew for every pair."""
    settings, model = bench.settings, bench.subject
    one = subject(bench, settings.compared)
    images = bench.compute.images(one.images)
    batches = list(images.split(settings.grams))
    attack = {"name": "none", "attack": "none"}

    def reference() -> Tensor:
        with switches(tf32=True, search=True):
            return cka.pairwise(model, batches)

    def engine(shown: Subject = one) -> Tensor:
        found = layer_similarity(
            shown, attack=attack, images=len(shown.labels), batch=settings.grams
        )
        return torch.from_numpy(found.arrays["cka"])

    result, found = in_turns(bench, {REFERENCE: reference, ENGINE: engine}, len(images))
    result["guards"] |= guarded("G6 CKA", same_similarity, model, batches, found)
    whole = subject(bench, settings.whole)
    result["whole"] = {
        "images": len(whole.labels),
        "seconds": timed(partial(engine, whole), 1, bench.compute.device),
    }
    return result | {"what": "CKA of all layers", "network": settings.subject}


def same_similarity(model: nn.Module, batches: list[Tensor], found: dict[str, Tensor]) -> dict:
    """G6: the engine's CKA [L, L] is that of double precision; NaN never is."""
    exact = cka.exact(copy.deepcopy(model).cpu(), [images.cpu() for images in batches])
    difference = {name: (each - exact).abs().max().item() for name, each in found.items()}
    return {"largest_difference": difference, "passed": difference[ENGINE] <= cka.AGREE}


def filters(bench) -> dict:
    """Accuracy behind all low-pass and high-pass squares."""
    one = subject(bench, bench.settings.filtered)
    rows = [
        {"name": f"{keep}-{size}", "shape": "square", "keep": keep, "bandwidth": size}
        for keep in ("low", "high")
        for size in range(2, one.side + 1, 2)
    ]
    clean = bench.compute.images(one.images)

    def reference(tf32: bool) -> Tensor:
        with switches(tf32=tf32, search=True), torch.inference_mode():
            right = [bench.subject(apply(row, clean)).argmax(1) == one.labels for row in rows]
        return torch.stack(right).cpu()

    def engine() -> Tensor:
        return torch.from_numpy(filtered_accuracy(one, filters=rows).arrays["correct"]).bool()

    arms = {
        REFERENCE: partial(reference, True),
        STRICT: partial(reference, False),
        ENGINE: engine,
    }
    result, found = in_turns(bench, arms, len(one.labels))
    result["guards"] |= guarded("G6 cells", same_cells, found[STRICT], found[ENGINE])
    return result | {"what": f"{len(rows)} filters", "network": bench.settings.subject}
