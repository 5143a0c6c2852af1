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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from guards import gradients_agree, not_weaker, reference_attack
from paired import forth_and_back, interval, median_with_interval, timed, verdict, warmed_up
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from passband import compute as computing
from passband import models
from passband.attacks.pgd import pgd, started
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
        model.eval()
        shown = reference_attack(model, images, labels, start.clamp(0, 1), ATTACK, input_only)
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


def attack_is_not_weaker(model: nn.Module, data: ImageSet, compute: Compute, count: int) -> dict:
    """Both attacks from the same starts on a frozen model (see `not_weaker`)."""
    images, labels = as_floats(data, count, compute)
    draws = Draws(key_of("benchmark", "attack"), torch.arange(count, device=compute.device))
    start = started(images, ATTACK["epsilon"], ATTACK["start"], draws, 0)
    found = {
        "reference": reference_attack(model, images, labels, start, ATTACK),
        "engine": pgd(compute.logits_of(model), images, labels, draws, **ATTACK),
    }
    return not_weaker(model, images, labels, found, ATTACK["epsilon"])


def as_floats(data: ImageSet, count: int, compute: Compute) -> tuple[Tensor, Tensor]:
    """The first images as the network sees them, and their labels, on the device."""
    images = compute.images(data.images[:count].to(compute.device))
    return images, data.labels[:count].to(compute.device)


# Timing


def measure(arms: dict[str, Step], blocks: int, seconds: float, compute: Compute) -> dict:
    """Seconds per step [blocks, 2] of each arm; a block runs all arms forth and back (ABCCBA)."""
    for step in arms.values():
        timed(step, 2, compute.device)
    count = max(2, round(seconds / timed(arms["engine"], 2, compute.device)))
    steps = {name: partial(timed, step, count, compute.device) for name, step in arms.items()}
    return forth_and_back(steps, blocks)


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
        f"  {verdict(gradients['passed'])}"
    )
    print(
        f"attack     robust accuracy of {attack['images']} images: reference "
        f"{robust['reference']:.1%}, engine {robust['engine']:.1%}; survive one attack only: "
        f"{survived['reference']}, {survived['engine']} (p weaker {attack['p_weaker']:.2f}); "
        f"largest change {255 * attack['largest_change']:.3f}/255  {verdict(attack['passed'])}"
    )
    print(f"control    engine against itself {interval(control)}  {verdict(control['passed'])}\n")
    if not result["valid"]:
        print("No ratio: a guard failed. If it is the control, the machine is unsteady: run again.")
        return
    print(f"{'step':<12}{'ms':>8}{'images/s':>10}   engine is faster by")
    for name, seconds in result["seconds_per_step"].items():
        ratio = interval(result["ratios"][name]) if name in result["ratios"] else ""
        print(f"{name:<12}{1000 * seconds:>8.0f}{BATCH / seconds:>10.0f}   {ratio}".rstrip())


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
        "gradients": gradients_agree(
            measured,
            compute.logits_of(measured),
            *as_floats(test, 64, compute),
            strict=compute.autocast_dtype == torch.float32,
        ),
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
