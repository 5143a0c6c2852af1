"""Finding a published file in a mirror folder or on the network, and verifying its checksum."""

import gzip
import hashlib
import os
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pooch
import requests

from passband.data.mirrors import MIRROR_VARIABLE, mirrors
from passband.data.registry import Dataset, RemoteFile
from passband.errors import UserError, explained
from passband.files import put_in_place

CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
PAUSES = (0, 1, 3)  # seconds before each attempt at an address
TIMEOUT = 30  # seconds without an answer


def fetch(dataset: Dataset, file: RemoteFile, folder: Path, mirror: Path | None = None) -> Path:
    """Find or download a published file.

    The file is looked for in the package itself (embedded samples), in `mirror`, in the folder that
    PASSBAND_DATA_MIRROR names, in the system's data folders (each as <mirror>/<dataset id>/<file>
    or <mirror>/<file>), in `folder`, and on the network, in this order. Data sets share file names,
    so a file with another SHA-256 is passed over: it may be another data set's. An interrupted
    download is resumed.

    Args:
        dataset: the data set that the file belongs to.
        file: the published file.
        folder: where downloads are stored.
        mirror: a mirror folder.

    Returns:
        The path of a copy with the published SHA-256.

    Raises:
        UserError: no folder and no address provides the published file; the message names the files
            that were passed over.
    """
    passed_over = []
    for path in _local_copies(dataset, file, mirror):
        if os.path.isfile(path):
            if (found := sha256(path, file.unpacked)) == file.sha256:
                return path
            passed_over.append(f"{path} ({_compared(file, found)})")
    if dataset.embedded:
        raise UserError(
            f"{passed_over[0] if passed_over else file.name} is not the file that belongs to this "
            "version of Passband: restore it from the repository or install Passband again."
        )
    target = folder / file.name
    if sha256(target, file.unpacked) != file.sha256:
        _download(dataset, file, target, passed_over)
    return target


def sha256(path: Path, unpacked: bool = False) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Args:
        path: the file.
        unpacked: hash the content of a gzip file instead of the file itself.

    Returns:
        The checksum, or what keeps it from being computed: "unreadable gzip" for a gzip file that
        cannot be unpacked to its end, else the system's reason, such as "permission denied".
    """
    try:
        with gzip.open(path) if unpacked else open(path, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return "unreadable gzip"
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _local_copies(dataset: Dataset, file: RemoteFile, mirror: Path | None) -> Iterator[Path]:
    if dataset.embedded:
        yield dataset.embedded / file.name
        return
    for folder in mirrors(mirror):
        yield folder / dataset.id / file.name
        yield folder / file.name


def _download(dataset: Dataset, file: RemoteFile, target: Path, passed_over: Sequence[str]) -> None:
    part = target.with_name(file.name + ".part")
    problem = "it has no address"
    for url in file.urls:
        for pause in PAUSES:
            time.sleep(pause)
            continued = part.exists() and part.stat().st_size > 0
            try:
                _transfer(url, part)
            except requests.RequestException as error:
                problem = _reason(url, error)
                status = getattr(error.response, "status_code", 500)
                if status == requests.codes.requested_range_not_satisfiable:
                    part.unlink()
                elif status < 500:
                    break
                continue
            except OSError as error:
                raise _local_problem(error, part) from error
            if (found := sha256(part, file.unpacked)) == file.sha256:
                put_in_place(part, target)
                return
            part.unlink()
            problem = f"{url} gave a truncated or changed file ({_compared(file, found)})"
            if not continued:
                break
    others = f" (passed over: {', '.join(passed_over)})" if passed_over else ""
    raise UserError(
        f"cannot get {file.name} of {dataset.title}: no mirror folder has it{others}, and "
        f"{problem}; connect to the network, or put the file into the folder {dataset.id} of a "
        f"mirror folder and set {MIRROR_VARIABLE} to the mirror folder."
    )


def _transfer(url: str, part: Path) -> None:
    """Resume a download into `part`; start over if the server does not support ranges."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as output:

        def restart_if_whole(response: requests.Response, **_: object) -> None:
            if have and response.status_code == requests.codes.ok:
                output.truncate(0)

        headers = {"Accept-Encoding": "identity"}
        if have := output.tell():
            headers["Range"] = f"bytes={have}-"
        download = pooch.HTTPDownloader(
            progressbar=sys.stderr.isatty(),
            chunk_size=1 << 16,
            timeout=TIMEOUT,
            headers=headers,
            hooks={"response": restart_if_whole},
        )
        print(f"downloading {url}", file=sys.stderr)
        download(url, output, None)


def _compared(file: RemoteFile, found: str) -> str:
    shown = f"{found[:12]}…" if len(found) == len(file.sha256) else found
    return f"SHA-256 expected {file.sha256[:12]}…, found {shown}"


def _reason(url: str, error: requests.RequestException) -> str:
    if error.response is not None:
        return f"{url} answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        cause = getattr(error.args[0], "reason", error)
        return f"the certificate of {url} is not accepted ({cause}){_set(CERTIFICATE_VARIABLES)}"
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return f"{url} cannot be reached through the proxy{_set(PROXY_VARIABLES)}"
    if isinstance(error, requests.exceptions.Timeout):
        return f"{url} gave no answer within {TIMEOUT} s"
    return f"{url} cannot be reached ({type(error).__name__})"


def _local_problem(error: OSError, part: Path) -> Exception:
    """What went wrong on this machine: a certificate file that is missing, or the disk."""
    if error.errno is None:
        return UserError(f"cannot download {part.stem}: {error}{_set(CERTIFICATE_VARIABLES)}.")
    elsewhere = "set data_root to another folder"
    return explained(error, f"cannot write {part}", elsewhere) or error


def _set(variables: tuple[str, ...]) -> str:
    """The first of these variables that is set, and what to do about it."""
    for name in variables:
        if value := os.environ.get(name):
            return f"; {name} is {value}: correct or unset it"
    return ""
