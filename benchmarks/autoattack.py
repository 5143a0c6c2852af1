"""AutoAttack's standard version: this engine against pyautoattack, image by image and in time.

    python benchmarks/autoattack.py [--images 100] [--weights PATH --data PATH] [--json PATH]

Both arms attack the same test images of one network, in one process, in turns; each of the four
attacks sees the images that survived those before it.

    reference  pyautoattack 0.2.0, version "standard", on the network as trained, NCHW, float32
    engine     passband.attacks on the frozen network, channels_last, in --precision

What survives is judged in strict float32 on the network as trained. A ratio is printed only if
both arms leave the same images standing (but for --tolerance of them), every perturbation lies in
the ball and the pixel range, and the engine timed against itself gives 1. The network is a small
one, trained at once for a minute or less, or comes from the workflow (--weights). About five
minutes on one core.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from paired import synchronise, verdict, warmed_up
from torch import Tensor, nn

from passband import compute as computing
from passband import models
from passband.attacks import craft
from passband.compute import Compute
from passband.data.storage import ImageSet, load
from passband.draws import Draws, key_of
from passband.evaluation import crafted, frozen
from passband.files import read_metadata, write_json
from passband.plan import read_yaml
from passband.plan.rows import resolve_row
from passband.tensors import read_tensors

ROOT = Path(__file__).resolve().parents[1]
ROWS = read_yaml(ROOT / "config" / "attacks.yaml")
ATTACKS = [
    resolve_row("attack", name, ROWS[name], {}) for name in ("apgd-ce", "apgd-t", "fab-t", "square")
]
EPSILON = ATTACKS[0]["epsilon"]
WARM_UP = {
    "epochs": 4,
    "batch_size": 128,
    "optimizer": {
        "kind": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "nesterov": False,
    },
    "schedule": {"kind": "one-cycle", "warmup": 0.3},
    "augmentation": {"pad": 0, "flip": True},
    "parts": {
        "adversary": {  # a quarter of the radius, so that many images fall and many stand
            "attack": {
                "name": "one-step",
                "attack": "pgd",
                "epsilon": EPSILON / 4,
                "step_size": EPSILON / 4,
                "steps": 1,
                "start": "uniform",
            },
            "batchnorm": "eval",
        },
    },
    "recorders": {},
    "validation": {"fraction": 0.1},
    "select": "last",
}
ALIKE = 0.1  # the engine against itself may differ by this much, or the run is void

Arm = Callable[[str, Tensor, Tensor, Tensor], Tensor]  # (attack, positions, images, labels)


# The subject


def trained_network(weights: Path, data: Path) -> tuple[nn.Module, ImageSet]:
    """A network that the workflow trained, and the test images of its data set."""
    test = load(data, "test")
    channels, side = test.images.shape[1:3]
    architecture = read_metadata(weights)["architecture"]
    model = models.build(architecture, channels, len(test.classes), side, seed=0)
    model.load_state_dict(read_tensors(weights))
    return model, test


# The arms


def reference_arm(model: nn.Module, compute: Compute) -> Arm:
    """One attack of pyautoattack's standard version."""
    from pyautoattack import AutoAttack

    model = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    ensemble = AutoAttack(model, eps=EPSILON, seed=0, device=compute.device)

    def attack(name: str, positions: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        ensemble.attacks_to_run = [name]
        return ensemble.run_standard_evaluation(images.contiguous(), labels)[0]

    return attack


def engine_arm(model: nn.Module, compute: Compute, strict: bool = False) -> Arm:
    """One attack of passband, as the probe worst_case_accuracy runs it, or in strict float32."""
    folded = compute.place(frozen(model))
    rows = {row["name"]: row for row in ATTACKS}

    def attack(name: str, positions: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        draws = Draws(key_of("benchmark", name), positions)
        if strict:
            return craft(rows[name], folded, images, labels, draws)
        return crafted(rows[name], folded, images, labels, draws, compute)

    return attack


# Measuring


def run(
    arm: Arm,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    first: int,
    attacks: Sequence[dict] = ATTACKS,
) -> dict:
    """The attacks in turn on the images that stand; `first` is the position of the first image.

    stands: bool [A, N], after each attack; seconds of each attack; the largest change of a pixel;
    whether all pixels lie in [0, 1].
    """
    alive = right(model, images, labels).nonzero()[:, 0]
    stands = torch.zeros(len(attacks), len(images), dtype=torch.bool, device=images.device)
    seconds, change, in_range = [], 0.0, True
    for row, mask in zip(attacks, stands, strict=True):
        clean, true = images[alive], labels[alive]
        found, taken = timed(arm, row["name"], first + alive, clean, true)
        seconds.append(taken)
        if len(alive):
            change = max(change, (found - clean).abs().max().item())
            in_range &= bool(found.min() >= 0 and found.max() <= 1)
        alive = alive[right(model, found, true)]
        mask[alive] = True
    return {"stands": stands, "seconds": seconds, "change": change, "in_range": in_range}


def timed(
    arm: Arm, name: str, positions: Tensor, images: Tensor, labels: Tensor
) -> tuple[Tensor, float]:
    """What the attack made, and its seconds; nothing is run if no image stands.

    On a CPU these are seconds of processor time, which other programs do not lengthen much.
    """
    if len(images) == 0:
        return images, 0.0
    clock = time.perf_counter if images.is_cuda else time.process_time
    synchronise(images.device)
    started = clock()
    found = arm(name, positions, images, labels)
    synchronise(images.device)
    return found, clock() - started


@torch.inference_mode()
def right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Which images [N] the network as trained classifies correctly, in strict float32."""
    return model(images).argmax(1) == labels if len(images) else labels == labels


def control(arm: Arm, images: Tensor, labels: Tensor) -> float:
    """The engine's first attack against itself, forth and back: a ratio of seconds near 1."""
    positions = torch.arange(len(images), device=images.device)
    seconds = [timed(arm, "apgd-ce", positions, images, labels)[1] for _ in range(5)][1:]
    return (seconds[0] + seconds[3]) / (seconds[1] + seconds[2])


def compare(blocks: dict[str, list[dict]], tolerance: float) -> dict:
    """The guards and the table of a run."""
    stands = {arm: torch.cat([each["stands"] for each in blocks[arm]], 1) for arm in blocks}
    reference, engine = stands["reference"][-1], stands["engine"][-1]
    only = {
        "reference": (reference & ~engine).nonzero()[:, 0].tolist(),
        "engine": (engine & ~reference).nonzero()[:, 0].tolist(),
    }
    everything = [each for arm in blocks.values() for each in arm]
    change = max(each["change"] for each in everything)
    in_ball = change <= EPSILON + 1e-6 and all(each["in_range"] for each in everything)
    return {
        "stand": {arm: masks.sum(1).tolist() for arm, masks in stands.items()},
        "robust_only_under": only,
        "verdict_passed": sum(map(len, only.values())) <= tolerance * len(engine),
        "largest_change": change,
        "ball_passed": in_ball,
        "seconds": {arm: [each["seconds"] for each in blocks[arm]] for arm in blocks},
    }


# The report


def report(result: dict) -> None:
    """Print guards and, if they hold, the table."""
    stand, only = result["stand"], result["robust_only_under"]
    print(
        f"AutoAttack standard: {result['network']}, {result['images']} images of "
        f"{result['dataset']}, {result['clean']} right without an attack\n{result['device']}, "
        f"{result['threads']} thread(s), engine searches in {result['precision']}, "
        f"torch {result['torch']}\n"
    )
    print(
        f"verdict    robust: reference {stand['reference'][-1]}, engine {stand['engine'][-1]}; "
        f"under one only: {only['reference']}, {only['engine']}  "
        f"{verdict(result['verdict_passed'])}"
    )
    print(
        f"ball       largest change {255 * result['largest_change']:.3f}/255  "
        f"{verdict(result['ball_passed'])}"
    )
    print(
        f"control    engine against itself {result['control']:.2f}  "
        f"{verdict(result['control_passed'])}\n"
    )
    if not result["valid"]:
        print("No ratio: a guard failed. If it is the control, the machine is unsteady: run again.")
        return
    print(f"{'attack':<10}{'stand after it':>16}{'reference s':>13}{'engine s':>10}   faster by")
    reference, engine = (np.array(result["seconds"][arm]) for arm in ("reference", "engine"))
    for place, row in enumerate(ATTACKS):
        after = f"{stand['reference'][place]}, {stand['engine'][place]}"
        spent = line(reference[:, place].sum(), engine[:, place].sum())
        print(f"{row['name']:<10}{after:>16}{spent}")
    by_block = ", ".join(f"{ratio:.2f}" for ratio in reference.sum(1) / engine.sum(1))
    print(f"{'all':<26}{line(reference.sum(), engine.sum())}   (by block: {by_block})")


def line(reference: float, engine: float) -> str:
    """The seconds of both arms and their ratio."""
    ratio = f"{reference / engine:.2f}" if engine else "-"
    return f"{reference:>13.1f}{engine:>10.1f}   {ratio}"


def main() -> int:
    """Run everything; 0 if the ratios are valid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="resnet8", choices=models.names())
    parser.add_argument("--weights", type=Path, help="weights.safetensors of a trained network")
    parser.add_argument("--data", type=Path, help="the folder of its prepared data set")
    parser.add_argument("--images", type=int, default=100, help="test images to attack")
    parser.add_argument("--blocks", type=int, default=2, help="of images; arms change their order")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--tolerance", type=float, default=0.01, help="share that may disagree")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args()
    if bool(options.weights) != bool(options.data):
        parser.error("--weights and --data go together")

    compute = computing.choose(options.threads)
    with TemporaryDirectory() as folder:
        if options.weights:
            model, test = trained_network(options.weights, options.data)
        else:
            model, _, test = warmed_up(Path(folder), options.architecture, WARM_UP, compute)
    torch.use_deterministic_algorithms(False)  # the reference uses operations that have none
    compute = Compute(compute.device, getattr(torch, options.precision))
    model = model.to(compute.device).eval().requires_grad_(False)
    count = min(options.images, len(test.labels))
    images = compute.images(test.images[:count].to(compute.device))
    labels = test.labels[:count].to(compute.device)
    arms = {"reference": reference_arm(model, compute), "engine": engine_arm(model, compute)}
    blocks = {arm: [] for arm in arms}
    size = -(-count // options.blocks)
    for block, first in enumerate(range(0, count, size)):
        part = slice(first, first + size)
        for arm in arms if block % 2 == 0 else reversed(arms):
            blocks[arm].append(run(arms[arm], model, images[part], labels[part], first))
            print(f"block {block + 1} of {options.blocks}: {arm}", file=sys.stderr, flush=True)

    clean = right(model, images, labels)
    result = {
        "network": options.weights.parent.name if options.weights else options.architecture,
        "dataset": test.title,
        "images": count,
        "clean": int(clean.sum()),
        **compute.describe(),
        **compare(blocks, options.tolerance),
        "control": control(arms["engine"], images[clean], labels[clean]),
    }
    result["control_passed"] = abs(result["control"] - 1) <= ALIKE
    result["valid"] = all(result[f"{guard}_passed"] for guard in ("verdict", "ball", "control"))
    report(result)
    if options.json:
        write_json(options.json, result)
    return 0 if result["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
