"""Mirror folders: where files are looked for before they are downloaded."""

import os
from pathlib import Path

from passband.data.registry import Dataset
from passband.errors import UserError

MIRROR_VARIABLE = "PASSBAND_DATA_MIRROR"
SYSTEM_MIRRORS = (Path("/usr/share/datasets"), Path("/usr/local/share/datasets"))
FROST = "frost"  # the folder of pictures of frost
FROST_PICTURES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")


def mirrors(mirror: Path | None) -> tuple[Path, ...]:
    """The mirror folders in the order in which they are searched.

    Raises UserError for a named one that does not exist.
    """
    named = [mirror] if mirror else []
    if variable := os.environ.get(MIRROR_VARIABLE):
        named.append(Path(variable))
    for folder in named:
        if not folder.is_dir():
            raise UserError(
                f"the mirror folder {folder} does not exist: create it, or correct its path."
            )
    return (*named, *SYSTEM_MIRRORS)


def own_folder(dataset: Dataset, mirror: Path | None = None) -> Path:
    """A user's own folder of images for a data set, <mirror>/<dataset id>.

    The mirror folders are those of `fetch`.

    Raises:
        UserError: no mirror folder has it.
    """
    for folder in mirrors(mirror):
        if (folder / dataset.id).is_dir():
            return folder / dataset.id
    raise UserError(
        f"{dataset.title} cannot be downloaded: put your own images into train/<class>/ and "
        f"test/<class>/ of the folder {dataset.id} in a mirror folder, and set data_mirror or "
        f"{MIRROR_VARIABLE} to the mirror folder."
    )


def frost_folder(mirror: Path | None = None) -> Path | None:
    """The folder with all published pictures of frost in a mirror folder, if there is one.

    They are those of github.com/hendrycks/robustness, ImageNet-C/create_c.
    """
    for folder in mirrors(mirror):
        if all((folder / FROST / name).is_file() for name in FROST_PICTURES):
            return folder / FROST
    return None
