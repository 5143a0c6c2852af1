"""What all jobs of the workflow share: a log file and readable errors."""

import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from passband.errors import UserError

CLOCKS = 2.0  # seconds by which the clocks of machines and disks may differ


class Tee:
    """A text stream that is copied to a log file; errors in writing the log are ignored."""

    def __init__(self, stream: TextIO, log: TextIO):
        self.stream, self.log = stream, log

    def write(self, text: str) -> int:
        """Write to both."""
        with suppress(OSError):
            self.log.write(text)
            self.log.flush()
        self.stream.write(text)
        self.stream.flush()
        return len(text)

    def flush(self) -> None:
        """Do nothing, since every write is flushed."""

    def isatty(self) -> bool:
        """False, since jobs that run in parallel share the terminal."""
        return False


@contextmanager
def job(log: str, inputs: Iterable[str] = ()) -> Iterator[None]:
    """Copy the block's output to a log file, and end the process on errors.

    The message of a UserError, or the traceback of any other error, is written to the log, which
    the workflow shows for failed jobs, or to standard error if the log cannot be written. A job
    with an input from the future ends before it begins.

    Args:
        log: path of the log file.
        inputs: paths of the job's inputs.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = open(log, "w", encoding="utf-8")  # noqa: SIM115 (closing may fail on a full disk)
    sys.stdout, sys.stderr = Tee(sys.__stdout__, file), Tee(sys.__stderr__, file)
    try:
        _refuse_the_future(inputs, max(time.time(), os.fstat(file.fileno()).st_mtime))
        yield
    except UserError as error:
        _fail(f"Error: {error}", file)
    except KeyboardInterrupt:
        _fail("Interrupted. Run the same command to continue.", file, code=130)
    except Exception:
        _fail(traceback.format_exc(), file)
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        with suppress(OSError):
            file.close()


def _refuse_the_future(inputs: Iterable[str], now: float) -> None:
    """Raise UserError for inputs dated later than now: Snakemake would discard what is made of
    them, since it would be older than they are."""
    dated = {path: os.stat(path).st_mtime for path in inputs if os.path.exists(path)}
    if late := [path for path, date in dated.items() if date > now + CLOCKS]:
        latest = max(late, key=dated.get)
        date, clock = (datetime.fromtimestamp(one) for one in (dated[latest], now))
        more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
        raise UserError(
            f"{latest} is dated in the future, {date:%Y-%m-%d %H:%M:%S}{more}, and now it is "
            f"{clock:%Y-%m-%d %H:%M:%S}: set the clock right, `touch` the file and run again."
        )


def _fail(message: str, log: TextIO, code: int = 1) -> None:
    try:
        print(message, file=log, flush=True)
    except OSError:
        print(message, file=sys.__stderr__)
    sys.exit(code)
