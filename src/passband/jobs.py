"""What every job of the workflow does around its work: keep a log, and say errors clearly."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from passband.errors import UserError


class Tee:
    """A text stream that writes to several others."""

    def __init__(self, *streams: TextIO):
        self.streams = streams

    def write(self, text: str) -> int:
        """Write to all streams."""
        for stream in self.streams:
            stream.write(text)
            stream.flush()
        return len(text)

    def flush(self) -> None:
        """All streams are flushed at every write."""

    def isatty(self) -> bool:
        """Jobs run side by side: no stream is a terminal of their own."""
        return False


@contextmanager
def job(log: str) -> Iterator[None]:
    """Copy the block's output to the file `log`; end the process on errors.

    The log, which the workflow shows for failed jobs, gets the sentence of a UserError and the
    traceback of any other error.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        sys.stdout, sys.stderr = Tee(sys.__stdout__, file), Tee(sys.__stderr__, file)
        try:
            yield
        except UserError as error:
            print(f"Error: {error}", file=file)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=file)
            sys.exit(1)
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
