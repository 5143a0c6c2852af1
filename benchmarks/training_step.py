"""One step of PGD-10 adversarial training: this engine against reference style, side by side.

    python benchmarks/training_step.py [--architecture resnet8] [--blocks 5] [--json PATH]

Three arms train copies of one network on the same real images, in one process, in turns:

    reference  as the papers' code is commonly written: images through PIL and a DataLoader, NCHW,
               float32, an attack that calls backward() (weight gradients are computed and thrown
               away), .item() after every step
    careful    the same with gradients of the images only
    engine     passband.training: uint8 on the device, batched crops and flips, channels_last,
               bfloat16 where the hardware has it

A ratio is printed only if the engine's gradients agree with double precision, its attack is not
weaker than the reference's (both judged in strict float32), and the engine timed against itself
gives 1. Runs on the device that training would use; about two minutes on one core.
"""

import argparse
import copy
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from paired import forth_and_back, warmed_up
from PIL import Image
from scipy.stats import binomtest
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from passband import compute as computing
from passband import models
from passband.attacks.pgd import pgd
from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.draws import Draws, key_of, permutation
from passband.files import write_json
from passband.training.step import training_step

BATCH = 128
ATTACK = {"epsilon": 8 / 255, "step_size": 2 / 255, "steps": 10, "start": "uniform"}
RECIPE = {
    "batch_size": BATCH,
    "optimizer": {
        "kind": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "nesterov": False,
    },
    "augmentation": {"pad": 4, "flip": True},
    "parts": {
        "adversary": {"attack": {"name": "pgd-10", "attack": "pgd"} | ATTACK, "batchnorm": "eval"}
    },
    "recorders": {},
}
WARM_UP = RECIPE | {
    "epochs": 2,
    "schedule": {"kind": "one-cycle", "warmup": 0.3},
    "parts": {
        "adversary": {
            "attack": RECIPE["parts"]["adversary"]["attack"] | {"step_size": 10 / 255, "steps": 1},
            "batchnorm": "eval",
        }
    },
    "validation": {"fraction": 0.1},
    "select": "last",
}
ALIKE = 0.05  # the engine against itself may differ by this much, or the run is void

Step = Callable[[], None]


# The reference


class Pictures(Dataset):
    """Images as a torchvision data set hands them out: one PIL image at a time, transformed."""

    def __init__(self, data: ImageSet):
        self.arrays = data.images.permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.labels = data.labels.tolist()
        side = data.images.shape[-1]
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(side, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


def reference_attack(
    model: nn.Module, images: Tensor, labels: Tensor, start: Tensor, input_only: bool
) -> Tensor:
    """PGD-10 in eval mode as it is commonly written; the mean loss; clipped to ball and range."""
    model.eval()
    epsilon, step_size = ATTACK["epsilon"], ATTACK["step_size"]
    adversarial = start.detach().clone()
    for _ in range(ATTACK["steps"]):
        adversarial.requires_grad_(True)
        loss = F.cross_entropy(model(adversarial), labels)
        if input_only:
            gradient = torch.autograd.grad(loss, adversarial)[0]
        else:
            loss.backward()
            gradient = adversarial.grad
        adversarial = adversarial.detach() + step_size * gradient.sign()
        adversarial = images + torch.clamp(adversarial - images, -epsilon, epsilon)
        adversarial = torch.clamp(adversarial, 0, 1)
    return adversarial


def reference_arm(model: nn.Module, data: ImageSet, compute: Compute, input_only: bool) -> Step:
    """A training step in reference style on the batches of `orders`."""
    device = compute.device
    model = model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    epochs = itertools.islice(orders(len(data.labels)), 100)
    batches = [order[i : i + BATCH].tolist() for order in epochs for i in starts(order)]
    loader = iter(DataLoader(Pictures(data), batch_sampler=batches))
    history = []

    def step() -> None:
        images, labels = (tensor.to(device) for tensor in next(loader))
        epsilon = ATTACK["epsilon"]
        start = images + torch.empty_like(images).uniform_(-epsilon, epsilon)
        shown = reference_attack(model, images, labels, start.clamp(0, 1), input_only)
        model.train()
        optimizer.zero_grad()
        logits = model(shown)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        correct = (logits.argmax(1) == labels).sum()
        history.append((loss.item(), correct.item()))

    return step


# The engine


def engine_arm(model: nn.Module, data: ImageSet, compute: Compute) -> Step:
    """The engine's own training step, fed as its training loop feeds it."""
    model = compute.place(model)
    images, labels = data.images.to(compute.device), data.labels.to(compute.device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True
    )
    update = training_step(model, optimizer, RECIPE, 0, compute)
    total = torch.zeros(2, dtype=torch.float64, device=compute.device)

    def steps() -> Iterator[None]:
        for epoch, order in enumerate(orders(len(labels))):
            order = order.to(compute.device)
            for i in starts(order):
                chosen = order[i : i + BATCH]
                result = update(images[chosen], labels[chosen], chosen, epoch)
                total.add_(torch.stack([part.double() for part in result]))
                yield

    running = steps()
    return lambda: next(running)


def orders(count: int) -> Iterator[Tensor]:
    """The order of the images in each epoch, the same for every arm."""
    return (permutation(key_of("benchmark", epoch), count) for epoch in itertools.count())


def starts(order: Tensor) -> range:
    """Where the full batches of an epoch start."""
    return range(0, len(order) - BATCH + 1, BATCH)


# Guards


def gradients_agree(model: nn.Module, data: ImageSet, compute: Compute) -> dict:
    """Input gradients of 64 test images in the engine's precision against double precision."""
    images, labels = as_floats(data, 64, compute)

    def gradient(logits_of: Callable[[Tensor], Tensor], shown: Tensor) -> Tensor:
        shown = shown.clone().requires_grad_()
        loss = F.cross_entropy(logits_of(shown), labels, reduction="sum")
        return torch.autograd.grad(loss, shown)[0].flatten(1).double()

    exact = gradient(copy.deepcopy(model).double(), images.double())
    plain, engine = gradient(model, images), gradient(compute.logits_of(model), images)
    cosine = F.cosine_similarity(exact, engine, dim=1)
    lost = [int((found == 0).all(1).sum()) for found in (plain, engine)]
    strict = compute.autocast_dtype == torch.float32
    passed = cosine.min() >= 0.99999 if strict else cosine.median() >= 0.98
    return {
        "median_cosine": cosine.median().item(),
        "lowest_cosine": cosine.min().item(),
        "same_sign": (exact.sign() == engine.sign()).double().mean().item(),
        "zero_gradients": {"float32": lost[0], "engine": lost[1]},
        "passed": bool(passed and lost[1] <= lost[0]),
    }


def attack_is_not_weaker(model: nn.Module, data: ImageSet, compute: Compute, count: int) -> dict:
    """Both attacks from the same starts on a frozen model, judged in strict float32.

    Fails if more images survive the engine's attack only than the reference's only (one-sided
    McNemar test at 5 %), or if a perturbation leaves the ball or the pixel range.
    """
    images, labels = as_floats(data, count, compute)
    draws = Draws(key_of("benchmark", "attack"), torch.arange(count, device=compute.device))
    noise = 2 * draws.uniform(("start", 0), tuple(images.shape[1:])) - 1
    start = (images + ATTACK["epsilon"] * noise).clamp(0, 1)
    found = {
        "reference": reference_attack(model, images, labels, start, input_only=True),
        "engine": pgd(compute.logits_of(model), images, labels, draws, **ATTACK),
    }
    with torch.inference_mode():
        right = {name: model(shown).argmax(1) == labels for name, shown in found.items()}
    survived = {
        "engine": int((right["engine"] & ~right["reference"]).sum()),
        "reference": int((right["reference"] & ~right["engine"]).sum()),
    }
    discordant = sum(survived.values())
    weaker = binomtest(survived["engine"], discordant, alternative="greater") if discordant else 1.0
    p_value = weaker if discordant == 0 else weaker.pvalue
    change = (found["engine"] - images).abs().max().item()
    in_range = found["engine"].min() >= 0 and found["engine"].max() <= 1
    in_ball = change <= ATTACK["epsilon"] + 1e-6
    return {
        "images": count,
        "robust_accuracy": {name: each.double().mean().item() for name, each in right.items()},
        "survived_only": survived,
        "p_weaker": p_value,
        "largest_change": change,
        "passed": bool(p_value >= 0.05 and in_ball and in_range),
    }


def as_floats(data: ImageSet, count: int, compute: Compute) -> tuple[Tensor, Tensor]:
    """The first images as the network sees them, and their labels, on the device."""
    images = compute.images(data.images[:count].to(compute.device))
    return images, data.labels[:count].to(compute.device)


# Timing


def timed(step: Step, count: int, compute: Compute) -> float:
    """Seconds per step over `count` steps."""
    synchronise(compute)
    started = time.perf_counter()
    for _ in range(count):
        step()
    synchronise(compute)
    return (time.perf_counter() - started) / count


def synchronise(compute: Compute) -> None:
    """Wait for a GPU to finish what it was given."""
    if compute.device.type == "cuda":
        torch.cuda.synchronize()


def measure(arms: dict[str, Step], blocks: int, seconds: float, compute: Compute) -> dict:
    """Seconds per step [blocks, 2] of each arm; a block runs all arms forth and back (ABCCBA)."""
    for step in arms.values():
        timed(step, 2, compute)
    count = max(2, round(seconds / timed(arms["engine"], 2, compute)))
    steps = {name: partial(timed, step, count, compute) for name, step in arms.items()}
    return forth_and_back(steps, blocks)


def median_with_interval(values: np.ndarray) -> dict:
    """The median, with its 95 % bootstrap interval over the blocks."""
    chosen = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(np.median(values[chosen], axis=1), [0.025, 0.975])
    return {"median": float(np.median(values)), "low": float(low), "high": float(high)}


# The report


def report(result: dict) -> None:
    """Print guards and, if they hold, the table."""
    gradients, attack = result["gradients"], result["attack"]
    robust, survived = attack["robust_accuracy"], attack["survived_only"]
    control = result["control"]
    print(
        f"PGD-10 adversarial training step: {result['architecture']}, batch {BATCH}, "
        f"{result['dataset']}\n{result['device']}, {result['threads']} thread(s), "
        f"engine in {result['precision']}, torch {result['torch']}\n"
    )
    print(
        f"gradients  cosine to float64: median {gradients['median_cosine']:.5f}, "
        f"lowest {gradients['lowest_cosine']:.5f}; same sign {gradients['same_sign']:.1%}"
        f"  {verdict(gradients)}"
    )
    print(
        f"attack     robust accuracy of {attack['images']} images: reference "
        f"{robust['reference']:.1%}, engine {robust['engine']:.1%}; survive one attack only: "
        f"{survived['reference']}, {survived['engine']} (p weaker {attack['p_weaker']:.2f}); "
        f"largest change {255 * attack['largest_change']:.3f}/255  {verdict(attack)}"
    )
    print(f"control    engine against itself {interval(control)}  {verdict(control)}\n")
    if not result["valid"]:
        print("No ratio: a guard failed. If it is the control, the machine is unsteady: run again.")
        return
    print(f"{'step':<12}{'ms':>8}{'images/s':>10}   engine is faster by")
    for name, seconds in result["seconds_per_step"].items():
        ratio = interval(result["ratios"][name]) if name in result["ratios"] else ""
        print(f"{name:<12}{1000 * seconds:>8.0f}{BATCH / seconds:>10.0f}   {ratio}".rstrip())


def verdict(guard: dict) -> str:
    """How a guard is printed."""
    return "ok" if guard["passed"] else "FAILED"


def interval(ratio: dict) -> str:
    """A ratio and its interval."""
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def main() -> int:
    """Run everything; 0 if the ratios are valid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="resnet8", choices=models.names())
    parser.add_argument("--blocks", type=int, default=5, help="at least 5 for an interval")
    parser.add_argument("--seconds", type=float, default=1.5, help="engine time per half block")
    parser.add_argument("--images", type=int, default=1000, help="test images for the attack guard")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args()

    compute = computing.choose(options.threads)
    with TemporaryDirectory() as folder:
        model, training, test = warmed_up(Path(folder), options.architecture, WARM_UP, compute)

    measured = copy.deepcopy(model).eval().requires_grad_(False)
    result = {
        "architecture": options.architecture,
        "dataset": training.title,
        **compute.describe(),
        "gradients": gradients_agree(measured, test, compute),
        "attack": attack_is_not_weaker(measured, test, compute, options.images),
    }
    arms = {
        "reference": reference_arm(copy.deepcopy(model), training, compute, input_only=False),
        "careful": reference_arm(copy.deepcopy(model), training, compute, input_only=True),
        "engine": engine_arm(copy.deepcopy(model), training, compute),
    }
    times = measure(arms, options.blocks, options.seconds, compute)
    control = median_with_interval(times["engine"][:, 0] / times["engine"][:, 1])
    result["control"] = control | {"passed": abs(control["median"] - 1) <= ALIKE}
    guards = ("gradients", "attack", "control")
    result["valid"] = all(result[guard]["passed"] for guard in guards)
    per_block = {name: pairs.mean(1) for name, pairs in times.items()}
    result["seconds_per_step"] = {name: float(np.median(each)) for name, each in per_block.items()}
    if result["valid"]:
        result["ratios"] = {
            name: median_with_interval(per_block[name] / per_block["engine"])
            for name in ("reference", "careful")
        }
    result["times"] = {name: pairs.tolist() for name, pairs in times.items()}
    report(result)
    if options.json:
        write_json(options.json, result)
    return 0 if result["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
