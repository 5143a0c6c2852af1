"""One attack or probe as a job: files in, files out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from passband.attacks import describe
from passband.compute import Compute
from passband.data.storage import ImageSet, SceneSet, load, load_corrupted
from passband.errors import Damaged
from passband.evaluation import added, frozen, perturbations, predictions
from passband.files import write_arrays
from passband.measurements import LABELS, MEASURED, write_measurement
from passband.models.stored import load_model
from passband.probes import PROBES, Measurement, Subject, stored
from passband.tensors import check_finite, read_tensors


def _subject_data(data_file: Path, limit: int | None, compute: Compute) -> ImageSet | SceneSet:
    """The first `limit` images; a detection data set, which may be large, stays on the CPU."""
    data = load(data_file.parent, data_file.stem).take(slice(limit))
    if data.task == "detection":
        return data
    return data._replace(
        images=data.images.to(compute.device), labels=data.labels.to(compute.device)
    )


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{what}: measured in {time.monotonic() - started:.2f} s", flush=True)


def run_attack(
    *,
    attack: dict,
    model_name: str,
    network: dict,
    seed: int,
    weights: Path,
    data_file: Path,
    limit: int | None,
    perturbation: str | None,
    csv: Path,
    arrays: Path,
    compute: Compute,
) -> None:
    """Attack the first `limit` images; write accuracy with and without the perturbation.

    perturbation: where to store what the attack adds to the images; None to drop it.
    network: architecture, method and quantization of the model.
    arrays: correct and correct_clean, uint8 [N].
    """
    data = _subject_data(data_file, limit, compute)
    model = compute.place(frozen(compute.place(load_model(weights, network, data))))
    with _timed(attack["name"]):
        noise = perturbations(model, data.images, data.labels, attack, seed, compute)
        clean = predictions(model, data.images, compute) == data.labels
        attacked = predictions(model, data.images, compute, added(noise)) == data.labels
    measured = Measurement({"correct": stored(attacked), "correct_clean": stored(clean)})
    measured.accuracy("attack=none", measured.arrays["correct_clean"])
    measured.accuracy(describe(attack), measured.arrays["correct"])
    if perturbation:
        origin = {"attack": attack, "seed": seed, **compute.describe()}
        write_arrays(Path(perturbation), {"perturbation": stored(noise)}, origin)
    labels = _labels(data, network, model_name, seed, attack["name"])
    _write(measured, labels, csv, arrays)


def run_probe(
    *,
    probe: dict,
    name: str,
    model_name: str,
    network: dict,
    seed: int,
    weights: Path,
    data_file: Path,
    perturbation: Path | None,
    corrupted: Path | None,
    limit: int | None,
    csv: Path,
    arrays: Path,
    compute: Compute,
    recipe: dict | None = None,
) -> None:
    """Measure on the first `limit` images and write the tidy rows and the per-image arrays.

    recipe: the model's resolved recipe, for a probe that asks for it.
    """
    data = _subject_data(data_file, limit, compute)
    noise = None if perturbation is None else _stored_noise(perturbation, data)
    trained = compute.place(load_model(weights, network, data))
    detects = data.task == "detection"  # its forward pass cannot be traced, and so not folded
    subject = Subject(
        model=trained if detects else compute.place(frozen(trained)),
        trained=trained,
        images=data.images,
        labels=data.labels,
        classes=data.classes,
        seed=seed,
        compute=compute,
        perturbation=noise,
        corrupted=load_corrupted(corrupted) if corrupted else None,
        sizes=data.sizes if detects else None,
        input_filter=network.get("input_filter", {}),
        recipe=recipe or {},
    )
    beside = ("name", "probe", "dataset", "split")
    constants = {key: value for key, value in probe.items() if key not in beside}
    with _timed(name):
        measured = PROBES[probe["probe"]](subject, **constants)
    _write(measured, _labels(data, network, model_name, seed, name), csv, arrays)


def _stored_noise(perturbation: Path, data: ImageSet) -> torch.Tensor:
    """The perturbation that `run_attack` wrote, for the same images; Damaged for any other."""
    tensors = read_tensors(perturbation)
    check_finite(perturbation, tensors)
    noise = tensors["perturbation"]
    if noise.shape != data.images.shape:
        shapes = (list(one.shape) for one in (noise, data.images))
        raise Damaged(perturbation, "it has shape {}, but the images {}".format(*shapes))
    return noise.to(data.images.device)


def _labels(
    data: ImageSet, network: dict, model_name: str, seed: int, probe: str
) -> dict[str, object]:
    """The columns that all rows of a job share."""
    named = (data.title, network["architecture"], network["method"], model_name, seed, probe)
    return dict(zip(LABELS, named, strict=True))


def _write(measured: Measurement, labels: dict, csv: Path, arrays: Path) -> None:
    rows = [labels | dict(zip(MEASURED, row, strict=True)) for row in measured.rows]
    write_measurement(csv, arrays, rows, measured.arrays, measured.metadata)
