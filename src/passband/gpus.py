"""GPUs: whether a run has any, and a place on one for each process."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from passband.errors import explained
from passband.programs import ProgramError, output_of

JOBS_VARIABLE = "PASSBAND_GPU_JOBS"  # how many jobs use this machine's GPUs at a time; 1 if unset
LOCKS = Path("/tmp") / f"passband-{os.getuid()}"  # not TMPDIR, which differs between sessions
PAUSE = 0.5  # seconds between two attempts to get a GPU that others use
HELD: list[FileLock] = []  # a lock is released when nothing refers to it any more


def why_no_gpu() -> str:
    """Why this run has no GPU, as a clause; empty if it has one.

    CUDA_VISIBLE_DEVICES that is empty or begins with -1 means that there is none, as it does for
    CUDA.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.partition(",")[0].strip() in ("", "-1", "NoDevFiles"):
        return f"CUDA_VISIBLE_DEVICES is '{visible}'"
    try:
        lines = output_of("nvidia-smi", "-L").splitlines()
    except ProgramError as error:
        return str(error)
    return "" if any(line.startswith("GPU ") for line in lines) else "nvidia-smi lists none"


def claim(names: Sequence[str]) -> int:
    """Take a place on one of several devices until the process ends; wait while all are taken.

    A device has one place or, if PASSBAND_GPU_JOBS exceeds the number of devices, as many as that
    number of jobs needs. A device gets a second job only when every device has one. Places are
    lock files, shared by the processes of a user on a machine.

    Args:
        names: what identifies each device on the machine.

    Returns:
        The index of the device in the list.

    Raises:
        UserError: the locks cannot be written.
    """
    jobs = int(os.environ.get(JOBS_VARIABLE) or 1)
    places = [divmod(place, len(names)) for place in range(max(jobs, len(names)))]
    waiting = False
    try:
        LOCKS.mkdir(parents=True, exist_ok=True)
        while True:
            for number, device in places:
                lock = FileLock(LOCKS / f"{names[device]}.{number}.lock", timeout=0)
                with suppress(Timeout):
                    lock.acquire()
                    HELD.append(lock)
                    return device
            if not waiting:
                waiting = True
                print("Waiting for a GPU: other jobs are using all of them.", file=sys.stderr)
            time.sleep(PAUSE)
    except OSError as error:
        raise explained(error, f"cannot lock a GPU in {LOCKS}", "remove it") or error from error
