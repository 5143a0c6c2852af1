"""Published archives of corrupted test images, by the data set whose images they corrupt."""

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passband.data.registry import RemoteFile
from passband.errors import UserError

SEVERITIES = 5  # blocks of an archive's arrays, from the weakest on


@dataclass(frozen=True)
class PublishedCorruptions:
    """An archive with one array per corruption.

    id, title: as messages and measurements name it. of: id of the data set. folder: in the archive,
    with <corruption>.npy, uint8 [5 N, H, W, 3], severity by severity, and labels.npy, [5 N].
    embedded: None, there is no copy in the package.
    """

    id: str
    title: str
    of: str
    folder: str
    file: RemoteFile
    licence: str
    homepage: str
    citation: str
    embedded: None = None


HENDRYCKS = (
    "Hendrycks, Dietterich: Benchmarking neural network robustness to common corruptions and "
    "perturbations, ICLR 2019"
)


def _archive(of: str, title: str, record: str, sha256: str) -> PublishedCorruptions:
    url = f"https://zenodo.org/records/{record}"
    return PublishedCorruptions(
        id=title.lower(),
        title=title,
        of=of,
        folder=title,
        file=RemoteFile(f"{title}.tar", (f"{url}/files/{title}.tar?download=1",), sha256),
        licence="CC BY 4.0",
        homepage=url,
        citation=HENDRYCKS,
    )


ARCHIVES: dict[str, PublishedCorruptions] = {
    archive.of: archive
    for archive in (
        _archive(
            "cifar10",
            "CIFAR-10-C",
            "2535967",
            "c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
        ),
        _archive(
            "cifar100",
            "CIFAR-100-C",
            "3555552",
            "30ee6543a1bfd049fa33834b7c1ada301e7064b7fbe8fc38340eb8b62ced4b33",
        ),
    )
}


def read_corruption(
    path: Path, folder: str, name: str, severities: Sequence[int], labels: np.ndarray, count: int
) -> np.ndarray:
    """The first images of an archive under one corruption.

    Args:
        path: the archive.
        folder: the folder in it.
        name: of the corruption.
        severities: 1 to 5.
        labels: of the whole test split [N], to which those of the archive are compared.
        count: number of images.

    Returns:
        uint8 [S, count, 3, H, W].

    Raises:
        UserError: the archive lacks the corruption, or does not fit the test split.
    """
    with tarfile.open(path) as archive:
        images, theirs = (_array(archive, path, f"{folder}/{one}.npy") for one in (name, "labels"))
    wanted = SEVERITIES * len(labels)
    for one, array in ((name, images), ("labels", theirs)):
        if len(array) != wanted:
            raise UserError(
                f"{path}: {one}.npy has {len(array):,} rows, expected {wanted:,}, {SEVERITIES} "
                "for each test image; replace the archive with the published one."
            )
    if not (theirs.reshape(SEVERITIES, -1) == labels).all():
        raise UserError(
            f"{path}: its labels are not those of the test images; replace the archive with the "
            "published one."
        )
    blocks = images.reshape(SEVERITIES, len(labels), *images.shape[1:])
    chosen = blocks[np.array(severities) - 1, :count]
    return np.ascontiguousarray(chosen.transpose(0, 1, 4, 2, 3))


def _array(archive: tarfile.TarFile, path: Path, member: str) -> np.ndarray:
    try:
        content = archive.extractfile(member)
    except KeyError:
        raise UserError(f"{path} has no {member}: replace it with the published archive.") from None
    return np.load(io.BytesIO(content.read()), allow_pickle=False)
