"""One training as a job: files in, files out."""

import os
import shutil
import statistics
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

import passband
from passband import models
from passband.compute import Compute
from passband.data.storage import ImageSet, SceneSet, load
from passband.draws import key_of
from passband.files import replacing, sha256
from passband.models.batch_moments import described
from passband.origin import checkout
from passband.runs import write_run
from passband.tensors import write_tensors
from passband.training.checkpoint import epochs_in
from passband.training.engine import suited, train
from passband.training.recipes import starts


def run_training(
    *,
    name: str,
    architecture: str,
    recipe: dict,
    seed: int,
    data_file: Path,
    limit: int | None,
    shared_prefix: Path | None,
    checkpoint: Path,
    weights: Path,
    history: Path,
    run: Path,
    compute: Compute,
    test_file: Path | None = None,
    curves: Path | None = None,
) -> None:
    """Train by a resolved recipe and write weights.safetensors, history.csv and run.json.

    The checkpoint stays, and is newer than the results until Snakemake accepts them (see
    `passband.litter.remove_accepted`).

    Args:
        limit: use only the first so many training images.
        shared_prefix: what `run_shared_prefix` wrote, if the training begins there.
        test_file: the test split, if a recorder asks for it.
        curves: where the recorders' rows go, if the recipe has recorders.

    Raises:
        UserError: when training diverges or a file cannot be read or written.
    """
    started, sources = datetime.now(UTC), checkout()
    shared = epochs_in(shared_prefix) if shared_prefix else 0
    data, model, fingerprint = _subject(architecture, recipe, seed, data_file, limit)
    state = train(
        recipe,
        data,
        model,
        name=name,
        seed=seed,
        data_sha256=fingerprint,
        compute=compute,
        checkpoint=checkpoint,
        test=_test(test_file),
        shared_prefix=shared_prefix,
    )
    rows = [row | {"selected": int(row["epoch"] == state.selected_epoch)} for row in state.history]
    write_tensors(weights, state.best, {"architecture": architecture, "model": name})
    tables = {"history": (history, rows)} | ({"curves": (curves, state.curves)} if curves else {})
    write_run(
        run,
        {
            "model": name,
            "dataset": data.title,
            "architecture": architecture,
            "origin": "trained",
            "method": recipe["method"],
            "seed": seed,
            "recipe": recipe,
            "starts": starts(recipe),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **described(model),
            "train_images": len(data.labels),
            "dataset_sha256": fingerprint,
            "epochs": len(rows),
            "selected_epoch": state.selected_epoch,
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            "images_per_second": round(
                statistics.median(row["images_per_second"] for row in rows), 1
            ),
            "resumed": state.resumed,
            "shared_prefix": shared_prefix.parent.name if shared_prefix else None,
            "shared_prefix_seconds": round(sum(row["seconds"] for row in rows[:shared]), 1),
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "passband": passband.__version__,
            **sources._asdict(),
            **suited(compute, recipe, len(data.labels)).describe(),
        },
        tables,
    )
    with suppress(FileNotFoundError):  # the shared prefix has all epochs
        os.utime(checkpoint)


def run_shared_prefix(
    *,
    name: str,
    architecture: str,
    recipe: dict,
    until: int,
    seed: int,
    data_file: Path,
    limit: int | None,
    checkpoint: Path,
    output: Path,
    compute: Compute,
    test_file: Path | None = None,
) -> None:
    """Train the common part of several recipes up to epoch `until` and write its state.

    The checkpoint stays, as that of `run_training` does.
    """
    data, model, fingerprint = _subject(architecture, recipe, seed, data_file, limit)
    train(
        recipe,
        data,
        model,
        name=name,
        seed=seed,
        data_sha256=fingerprint,
        compute=compute,
        checkpoint=checkpoint,
        test=_test(test_file),
        until=until,
    )
    with replacing(output) as part:
        shutil.copyfile(checkpoint, part)
    os.utime(checkpoint)


def _subject(
    architecture: str, recipe: dict, seed: int, data_file: Path, limit: int | None
) -> tuple[ImageSet | SceneSet, nn.Module, str]:
    """The training images, the initial network, and the data file's checksum."""
    data = load(data_file.parent, data_file.stem)
    for most in (limit, recipe.get("train_images")):
        data = data.take(slice(most))
    channels, side = data.images.shape[1:3]
    model = models.build(
        architecture,
        channels,
        len(data.classes),
        side,
        key_of(seed, "weights"),
        recipe["parts"].get("quantization"),
    )
    return data, model, sha256(data_file)


def _test(file: Path | None) -> ImageSet | None:
    return load(file.parent, file.stem) if file else None
