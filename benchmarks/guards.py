"""What must hold before a benchmark prints a ratio: the engine computes what the reference does."""

import copy
import traceback
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from scipy.stats import binomtest
from torch import Tensor, nn

from passband.attacks import LogitsOf

ROUNDING = 1e-6  # how far beyond its ball a perturbation may reach


def guarded(name: str, guard: Callable[..., dict], *arguments: object) -> dict:
    """The outcome of a guard by its name; one that raises has failed."""
    try:
        return {name: guard(*arguments)}
    except Exception:
        return {name: {"error": traceback.format_exc(), "passed": False}}


def reference_attack(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    start: Tensor,
    attack: Mapping,
    input_only: bool = True,
) -> Tensor:
    """PGD as it is commonly written: on the mean loss, clipped to the ball and to [0, 1].

    input_only: whether weight gradients are left out; backward() computes them, too.
    """
    epsilon, step_size = attack["epsilon"], attack["step_size"]
    adversarial = start.detach().clone()
    for _ in range(attack["steps"]):
        adversarial.requires_grad_(True)
        loss = F.cross_entropy(logits_of(adversarial), labels)
        if input_only:
            gradient = torch.autograd.grad(loss, adversarial)[0]
        else:
            loss.backward()
            gradient = adversarial.grad
        adversarial = adversarial.detach() + step_size * gradient.sign()
        adversarial = images + torch.clamp(adversarial - images, -epsilon, epsilon)
        adversarial = torch.clamp(adversarial, 0, 1)
    return adversarial


def gradients_agree(
    model: nn.Module, logits_of: LogitsOf, images: Tensor, labels: Tensor, strict: bool
) -> dict:
    """Input gradients of the engine's forward pass against double precision on the CPU.

    model: in eval mode. strict: whether `logits_of` computes in strict float32.
    """

    def gradient(function: LogitsOf, shown: Tensor, true: Tensor) -> Tensor:
        shown = shown.clone().requires_grad_()
        loss = F.cross_entropy(function(shown), true, reduction="sum")
        return torch.autograd.grad(loss, shown)[0].flatten(1).double().cpu()

    exact = gradient(copy.deepcopy(model).cpu().double(), images.cpu().double(), labels.cpu())
    plain, engine = (gradient(each, images, labels) for each in (model, logits_of))
    cosine = F.cosine_similarity(exact, engine, dim=1)
    lost = [int((found == 0).all(1).sum()) for found in (plain, engine)]
    passed = cosine.min() >= 0.99999 if strict else cosine.median() >= 0.98
    return {
        "images": len(images),
        "median_cosine": cosine.median().item(),
        "lowest_cosine": cosine.min().item(),
        "same_sign": (exact.sign() == engine.sign()).double().mean().item(),
        "zero_gradients": {"float32": lost[0], "engine": lost[1]},
        "passed": bool(passed and lost[1] <= lost[0]),
    }


@torch.inference_mode()
def not_weaker(
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    found: Mapping[str, Tensor],
    epsilon: float,
) -> dict:
    """The adversarial images of `reference` and `engine`, judged by `model` in strict float32.

    Fails if more images survive the engine's attack only than the reference's only (one-sided
    McNemar test at 5 %), or if the engine's images are fewer, not finite, or outside the ball or
    the pixel range.
    """
    right = {
        name: torch.cat(
            [
                model(shown).argmax(1) == true
                for shown, true in zip(adversarial.split(250), labels.split(250), strict=True)
            ]
        )
        for name, adversarial in found.items()
    }
    survived = {
        "engine": int((right["engine"] & ~right["reference"]).sum()),
        "reference": int((right["reference"] & ~right["engine"]).sum()),
    }
    discordant, p_value = sum(survived.values()), 1.0
    if discordant:
        p_value = binomtest(survived["engine"], discordant, alternative="greater").pvalue
    return {
        "images": len(images),
        "robust_accuracy": {name: each.double().mean().item() for name, each in right.items()},
        "survived_only": survived,
        "p_weaker": p_value,
        "largest_change": (found["engine"] - images).abs().max().item(),
        "passed": bool(p_value >= 0.05 and in_ball(images, found["engine"], epsilon)),
    }


def in_ball(images: Tensor, adversarial: Tensor, epsilon: float) -> bool:
    """Whether there is one adversarial image for each, in its ball and in [0, 1]; NaN never is."""
    if adversarial.shape != images.shape:
        return False
    near = (adversarial - images).abs() <= epsilon + ROUNDING
    return bool((near & (adversarial >= 0) & (adversarial <= 1)).all())
