"""One derivation as a job: a trained model's weights in, a derived model's files out."""

from datetime import UTC, datetime
from pathlib import Path

import torch

import passband
from passband.data.storage import load
from passband.files import sha256, write_json
from passband.models.batch_moments import described
from passband.models.stored import load_model
from passband.models.transforms import TRANSFORMS
from passband.origin import checkout
from passband.tensors import write_tensors


def run_derivation(
    *,
    name: str,
    network: dict,
    derived: dict,
    seed: int,
    source: Path,
    data_file: Path,
    weights: Path,
    run: Path,
) -> None:
    """Transform the weights at `source` and write weights.safetensors and run.json.

    Args:
        name: id of the derived model.
        network: architecture, method and quantization of the derived model.
        derived: `of`, the id of the trained model, and the resolved `transform`.
        data_file: a split of the model's data set, which tells the network's shape.
    """
    started = datetime.now(UTC)
    data, transform = load(data_file.parent, data_file.stem), derived["transform"]
    model = load_model(source, network, data)
    beside = ("name", "method", "transform")
    constants = {key: value for key, value in transform.items() if key not in beside}
    model = TRANSFORMS[transform["transform"]](model, **constants)
    told = {"architecture": network["architecture"], "model": name}
    write_tensors(weights, model.state_dict(), told)
    finished = datetime.now(UTC)
    write_json(
        run,
        {
            "model": name,
            "origin": "derived",
            "of": derived["of"],
            "transform": transform,
            "dataset": data.title,
            "architecture": network["architecture"],
            "method": network["method"],
            "seed": seed,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **described(model),
            "source_sha256": sha256(source),
            "seconds": round((finished - started).total_seconds(), 1),
            "started": started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "passband": passband.__version__,
            **checkout()._asdict(),
            "torch": str(torch.__version__),
        },
    )
