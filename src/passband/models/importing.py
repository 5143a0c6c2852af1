"""One import as a job: published weights in, an imported model's files out."""

import pickle
from datetime import UTC, datetime
from pathlib import Path

import torch

import passband
from passband import models
from passband.data.published import PUBLISHED
from passband.data.registry import get
from passband.errors import UserError
from passband.files import write_json
from passband.origin import checkout
from passband.tensors import check_finite, write_tensors


def run_import(
    *,
    name: str,
    network: dict,
    imported: dict,
    seed: int,
    folder: Path,
    weights: Path,
    run: Path,
) -> None:
    """Find or download published weights; write weights.safetensors and run.json.

    Only tensors are read from the file; no code in it is executed. The weights do not depend on the
    seed.

    Args:
        name: id of the imported model.
        network: its architecture and method.
        imported: `weights`, a name in `PUBLISHED`, and the id of the `dataset` that the model is
            measured on.
        seed: recorded in run.json.
        folder: where downloads are kept, in the subfolder raw.
        weights, run: the output files.

    Raises:
        UserError: the file cannot be found or downloaded, does not fit the network, or has values
            that are not finite.
    """
    from passband.data.download import fetch  # slow to import, needed here only
    from passband.data.preparation import alone

    started = datetime.now(UTC)
    published, dataset = PUBLISHED[imported["weights"]], get(imported["dataset"])
    with alone(folder):
        path = fetch(published, published.file, folder / "raw")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        model = models.build(
            network["architecture"], dataset.channels, dataset.n_classes, dataset.side, seed=0
        )
        model.load_state_dict(tensors)
    except (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} does not hold the weights of {network['architecture']}: replace it with the "
            "published file."
        ) from error
    check_finite(path, model.state_dict())
    told = {"architecture": network["architecture"], "model": name}
    write_tensors(weights, model.state_dict(), told)
    finished = datetime.now(UTC)
    write_json(
        run,
        {
            "model": name,
            "origin": "imported",
            "weights": published.id,
            "source": list(published.file.urls),
            "source_sha256": published.file.sha256,
            "licence": published.licence,
            "dataset": published.trained_on,
            "architecture": network["architecture"],
            "method": network["method"],
            "seed": seed,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "seconds": round((finished - started).total_seconds(), 1),
            "started": started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "passband": passband.__version__,
            **checkout()._asdict(),
            "torch": str(torch.__version__),
        },
    )
