import logging
import os
import sys
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError

PROJECT = Path(workflow.basedir).resolve()
PROJECT = PROJECT.parent if PROJECT.name == "workflow" else PROJECT
sys.path.insert(0, str(PROJECT / "src"))

from passband.errors import UserError
from passband.files import check_writable
from passband.jobs import speak_to_any_terminal


def check_folders():
    """End the run with one sentence where Snakemake itself could not write."""
    named = {name: os.environ.get(name, "") for name in ("TMPDIR", "TMP", "TEMP")}
    named = {name: folder for name, folder in named.items() if os.path.isdir(folder)}
    working = Path(".snakemake").absolute()
    try:
        check_writable(working, "name another working folder by --directory")
        for name, folder in (named or {"TMPDIR": tempfile.gettempdir()}).items():
            check_writable(Path(folder), f"set {name} to another folder")
    except (
        UserError,
        FileNotFoundError,
    ) as error:  # the latter: no temporary folder at all
        logging.raiseExceptions = False  # Snakemake's own log cannot be written either
        raise WorkflowError(str(error)) from None


speak_to_any_terminal()
check_folders()
