"""Training and evaluation on a GPU: the engine against a careful eager reference.

    python benchmarks/gpu.py [--minutes 5] [--sections resnet18 pgd] [--data FOLDER] [--json PATH]
    python benchmarks/gpu.py --quick

All arms run in one process, in turns (ABBA), on the same real images of 3 x 32 x 32: those of
--data (a folder that the workflow has prepared), or of the embedded Fashion-MNIST sample, whose one
channel is repeated. The reference is what a careful user writes in eager PyTorch: channels_last,
TF32 convolutions, cudnn.benchmark, gradients of the images only, images on the device and not
augmented, a fused optimiser, nothing that waits for the GPU. The engine runs eagerly, replaying
CUDA graphs, and compiled.

A ratio is printed only where its guards hold (see `gpu_training` and `gpu_evaluation`): gradients
agree with double precision, attacks are not weaker as judged in strict float32, replayed steps
equal eager ones bit for bit, an arm timed against itself gives 1, and so on. After every section
all numbers are written to --json, and the tables beside it as .md; a section that fails is recorded
with its traceback, and the others go on. Without a GPU only --quick makes sense: it tries every
section in a minute or two.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import gpu_evaluation
import gpu_training
import torch
from gpu_training import REFERENCE, Case
from paired import interval, switches, timed
from torch import Tensor, nn

from passband import compute as computing
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import ImageSet, load
from passband.evaluation import frozen
from passband.files import write_json, write_text


class Settings(NamedTuple):
    """How much is run.

    networks: what is trained; the first is also used for packing and for short trainings.
    blocks: at most so many. seconds: of each arm in half a block. longest: seconds after which no
    further block begins. packed: numbers of trainings that share the GPU. exact:
    images whose gradients are compared with double precision. judged: images attacked by PGD and by
    the guards. short: steps of the short trainings. subject: the network that is measured, after
    `subject_steps` of PGD-10. auto, mapped, compared, filtered: images of AutoAttack, heat map, CKA
    (in batches of `grams`; `whole` with the engine alone) and filters. matrix: side of the product
    that measures the ceiling.
    """

    networks: dict[str, Case]
    batch: int = 128
    blocks: int = 5
    seconds: float = 0.25
    longest: float = 8.0
    packed: tuple[int, ...] = (1, 2, 4, 8)
    exact: int = 64
    judged: int = 1000
    short: int = 200
    subject: str = "resnet18"
    subject_steps: int = 300
    attack_steps: int = 50
    restarts: int = 10
    auto: int = 100
    auto_attacks: tuple[str, ...] = ("apgd-ce", "apgd-t", "fab-t", "square")
    mapped: int = 256
    compared: int = 512
    grams: int = 256
    whole: int = 10_000
    filtered: int = 2000
    matrix: int = 8192


CEILINGS = ("matrix_flop_per_second", "copy_bytes_per_second")
RECOMPILED = 100  # networks and shapes that torch.compile may compile before it falls back to eager
FULL = Settings(
    networks={
        "resnet20": Case(steps=7),
        "resnet18": Case(steps=10),
        "wrn_34_10": Case(steps=10, parity=6, exact=8),
    },
)
QUICK = Settings(
    networks={"resnet8_w8": Case(steps=2, parity=4, exact=8)},
    batch=16,
    blocks=1,
    seconds=0.02,
    packed=(1, 2),
    exact=8,
    judged=32,
    short=4,
    subject="resnet8_w8",
    subject_steps=20,
    attack_steps=3,
    restarts=2,
    auto=6,
    auto_attacks=("apgd-ce",),
    mapped=2,
    compared=32,
    grams=16,
    whole=64,
    filtered=16,
    matrix=128,
)


@dataclass
class Bench:
    """What the sections share: the device, the images, and what earlier sections found.

    engines: those that are timed, the slowest first. compute: with the last of them. training,
    test: images uint8 [N, 3, 32, 32].
    """

    compute: Compute
    engines: tuple[str, ...]
    settings: Settings
    training: ImageSet
    test: ImageSet
    ceilings: dict[str, float] = field(default_factory=dict)

    @property
    def replaying(self) -> str:
        """The engine that replays what the eager one does; the eager one without a GPU."""
        return "graphs" if "graphs" in self.engines else "eager"

    @cached_property
    def subject(self) -> nn.Module:
        """The network that evaluations measure."""
        return gpu_evaluation.trained(self)

    @cached_property
    def folded(self) -> nn.Module:
        """The same network as attacks and probes take it: without batch normalisation."""
        return frozen(self.subject)

    @cached_property
    def masking(self) -> dict:
        """The guard of all attacks on it."""
        return gpu_evaluation.masking(self)

    def stored(self, count: int) -> tuple[Tensor, Tensor]:
        """The first test images, repeated if there are fewer, and their labels, on the device."""
        chosen = torch.arange(count) % len(self.test.labels)
        images, labels = self.test.images[chosen], self.test.labels[chosen]
        return images.to(self.compute.device), labels.to(self.compute.device)

    def shown(self, count: int) -> tuple[Tensor, Tensor]:
        """The same as networks are shown them, float in [0, 1]."""
        stored, labels = self.stored(count)
        return self.compute.images(stored), labels


def ceilings(bench: Bench) -> dict:
    """Upper bounds of a step's speed: a matrix product in bfloat16, and a copy on the device."""
    side, device = bench.settings.matrix, bench.compute.device
    left, right = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    target = torch.empty(4 * side, side, device=device)
    source = torch.randn(4 * side, side, device=device)
    runs = {"matrix": lambda: left @ right, "copy": lambda: target.copy_(source)}
    seconds = {}
    for name, run in runs.items():
        timed(run, 3, device)
        seconds[name] = timed(run, 20, device)
    work = 2 * side**3, 2 * source.nbytes
    rates = (amount / taken for amount, taken in zip(work, seconds.values(), strict=True))
    bench.ceilings = dict(zip(CEILINGS, rates, strict=True))
    return dict(bench.ceilings)


def sections(settings: Settings) -> dict[str, tuple[Callable[[Bench], dict], float]]:
    """By name: what runs a section, and the seconds that it takes on an H100, roughly."""
    seconds = {"resnet20": 45, "resnet18": 55, "wrn_34_10": 100}
    networks = {
        name: (partial(gpu_training.training, architecture=name), seconds.get(name, 10))
        for name in settings.networks
    }
    return {
        "ceilings": (ceilings, 5),
        **networks,
        "gradients": (gpu_training.gradients, 60),
        "packing": (gpu_training.packing, 25),
        "pgd": (gpu_evaluation.pgd, 50),
        "similarity": (gpu_evaluation.similarity, 15),
        "filters": (gpu_evaluation.filters, 20),
        "heat_map": (gpu_evaluation.heat_map, 30),
        "training": (gpu_training.short_trainings, 20),
        "auto_attack": (gpu_evaluation.auto_attack, 60),
    }


# The tables


def tables(result: dict) -> str:
    """All that was measured, in Markdown."""
    found = result["sections"]
    done = {name: each for name, each in found.items() if each["status"] == "done"}
    lines = [heading(result, done), ""]
    trainings = [each for name, each in done.items() if "flop_per_image" in each]
    if trainings:
        lines += [*training_table(trainings), ""]
    if "packing" in done:
        lines += [*packing_table(done["packing"]), ""]
    evaluations = [each for each in done.values() if "what" in each]
    if evaluations:
        lines += [*evaluation_table(evaluations), ""]
    lines += [f"- {sentence}" for sentence in remarks(found)]
    return "\n".join(lines).rstrip() + "\n"


def heading(result: dict, done: dict) -> str:
    """Machine, versions, images and ceilings in a sentence or two."""
    text = (
        f"{result['device']}, {result['threads']} threads, PyTorch {result['torch']}, engine in "
        f"{result['precision']}; {result['images']}."
    )
    if "ceilings" in done:
        matrix, copied = (done["ceilings"][key] for key in CEILINGS)
        text += (
            f" A bfloat16 matrix product runs at {matrix / 1e12:.0f} TFLOP/s, a copy at "
            f"{copied / 1e12:.2f} TB/s."
        )
    return text


def training_table(trainings: list[dict]) -> Iterator[str]:
    """Training steps; an epoch has 50,000 images, the floor is its arithmetic at the ceiling."""
    yield (
        "| training | arm | ms/step | images/s | s/epoch | floor, s | TFLOP/s | first steps, s "
        "| peak, GiB | faster than the reference by |"
    )
    yield "| --- " * 10 + "|"
    for one in trainings:
        floor = one["floor_seconds_per_epoch"]
        for name, row in one["arms"].items():
            yield (
                f"| {one['network']}, {one['attack']} | {name} "
                f"| {1000 * row['seconds_per_step']:.2f} | {row['images_per_second']:,.0f} "
                f"| {row['seconds_per_epoch']:.2f} | {f'{floor:.2f}' if floor else '-'} "
                f"| {row['tflop_per_second']:.1f} | {row['first_steps_seconds']:.1f} "
                f"| {row['peak_memory_bytes'] / 2**30:.2f} | {ratio(row, name, one['guards'])} |"
            )


def packing_table(packing: dict) -> Iterator[str]:
    """Several trainings on one GPU."""
    yield "| trainings at once | ms/step and model | s/epoch and model | throughput, of one alone |"
    yield "| --- " * 4 + "|"
    for name, row in packing["rows"].items():
        yield (
            f"| {name} of {packing['network']} ({packing['engine']}) "
            f"| {1000 * row['seconds_per_step_and_model']:.2f} "
            f"| {row['seconds_per_epoch_and_model']:.2f} "
            f"| {ratio(row, '', packing['guards'])} |"
        )


def evaluation_table(evaluations: list[dict]) -> Iterator[str]:
    """Measurements of one network; seconds for 10,000 images are scaled from those that ran."""
    yield (
        "| measurement | images | arm | s | s for 10,000 images | first run, s "
        "| faster than the reference by |"
    )
    yield "| --- " * 7 + "|"
    for one in evaluations:
        for name, row in one["arms"].items():
            first = row.get("first_seconds")
            yield (
                f"| {one['what']}, {one['network']} | {one['images']:,} | {name} "
                f"| {row['seconds']:.2f} | {row['seconds_per_10000']:.1f} "
                f"| {f'{first:.2f}' if first else '-'} | {ratio(row, name, one['guards'])} |"
            )


def ratio(row: dict, arm: str, guards: dict) -> str:
    """The ratio to the reference and its interval, or which guards forbid it."""
    if arm == REFERENCE or "ratio" not in row:
        return "-"
    failed = [name for name, guard in guards.items() if not guard["passed"]]
    return f"guard {', '.join(failed)} failed" if failed else interval(row["ratio"])


def remarks(found: dict) -> Iterator[str]:
    """What failed or was left out, and why, one sentence each."""
    for name, section in found.items():
        if section["status"] == "left out":
            yield f"{name} was left out: {section['why']}."
        if section["status"] == "failed":
            yield f"{name} failed: {last_line(section['error'])}"
        for arm, error in section.get("broken", {}).items():
            yield f"{name}, {arm} failed: {last_line(error)}"
        for guard, outcome in section.get("guards", {}).items():
            if not outcome["passed"]:
                yield f"{name}, guard {guard} failed: {summary(outcome)}"
        if "note" in section:
            yield f"{name}: {section['note']}."
        if "whole" in section:
            whole = section["whole"]
            yield f"{name}: the engine takes {whole['seconds']:.2f} s for {whole['images']} images."


def last_line(error: str) -> str:
    """The exception of a traceback."""
    return error.strip().splitlines()[-1]


def summary(outcome: dict) -> str:
    """The numbers of a guard in a line."""
    if "error" in outcome:
        return last_line(outcome["error"])
    return ", ".join(f"{key} {value}" for key, value in outcome.items() if key != "passed")


# The program


def run(bench: Bench, wanted: list[str], end: float, show: Callable[[dict], None]) -> dict:
    """Run sections until the time is over; `show` gets all that was found after each of them."""
    known = sections(bench.settings)
    found: dict[str, dict] = {}
    for name in wanted:
        function, needed = known[name]
        left = end - time.monotonic()
        if left < needed:
            why = f"{max(left, 0):.0f} s were left, and it takes about {needed:.0f}"
            found[name] = {"status": "left out", "why": why}
            show(found)
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            with switches():
                found[name] = {"status": "done", **function(bench)}
        except Exception:
            found[name] = {"status": "failed", "error": traceback.format_exc()}
            print(found[name]["error"], file=sys.stderr, flush=True)
            gpu_training.free()
        found[name]["section_seconds"] = time.monotonic() - started
        show(found)
    return found


def images_of(folder: Path | None) -> tuple[ImageSet, ImageSet, str]:
    """Training and test images with three channels, and what they are."""
    with TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary)
            prepare("fashion-mnist-sample", folder)
        both = [load(folder, split) for split in ("train", "test")]
    channels = both[0].images.shape[1]
    described = both[0].title
    if channels == 1:
        both = [each._replace(images=each.images.expand(-1, 3, -1, -1)) for each in both]
        described += ", its one channel repeated to three"
    return *both, described


def main(arguments: list[str] | None = None) -> int:
    """Run the sections; 0 if nothing broke and all guards hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny networks, a few images")
    parser.add_argument("--minutes", type=float, default=5, help="for all sections")
    parser.add_argument("--sections", nargs="+", help="which ones; default: all")
    parser.add_argument("--engines", nargs="+", choices=computing.ENGINES, help="default: all")
    parser.add_argument("--data", type=Path, help="folder of a prepared data set")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args(arguments)
    settings = QUICK if options.quick else FULL
    wanted = options.sections or list(sections(settings))
    if unknown := set(wanted) - set(sections(settings)):
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(sections(settings))}")
    end = time.monotonic() + 60 * options.minutes
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # equal bits from cuBLAS

    chosen = computing.choose(options.threads)
    cuda = chosen.device.type == "cuda"
    possible = computing.ENGINES if cuda else ("eager",)
    engines = tuple(one for one in possible if one in (options.engines or possible))
    training, test, described = images_of(options.data)
    if "compiled" in engines:
        torch._dynamo.config.recompile_limit = RECOMPILED
    bench = Bench(chosen.with_engine(engines[-1]), engines, settings, training, test)
    machine = {**bench.compute.describe(), "images": described, "settings": settings._asdict()}

    def show(found: dict) -> None:
        if options.json:
            result = machine | {"sections": found}
            write_json(options.json, result)
            write_text(options.json.with_suffix(".md"), tables(result))

    found = run(bench, wanted, end, show)
    print(tables(machine | {"sections": found}))
    failed = any(
        section["status"] == "failed"
        or section.get("broken")
        or not all(guard["passed"] for guard in section.get("guards", {}).values())
        for section in found.values()
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
