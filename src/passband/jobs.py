"""What all jobs of the workflow share: a log file, readable errors, and an end when asked for.

A job that ends writes beside its log what it has used: `one.json` beside `one.log`. While it runs,
its mark, a small file there, holds the most memory that it has used. A mark that is left behind
tells of a job that was killed. A job whose mark is removed ends.
"""

import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from passband.errors import UserError, explained
from passband.files import write_json

MARK = ".running"
OWN = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
BEAT = 1  # seconds between two looks at the mark
NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")
GPU_MEMORY = ("CUDA out of memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
GPU_FAULTS = ("CUDA error", "CUDA driver error", "cuDNN error", "CUDNN_STATUS", "CUBLAS_STATUS")

CLOCKS = 2.0  # seconds by which the clocks of machines and disks may differ


class Tee:
    """A text stream that is copied to a log file; a full disk or a lost reader stops no job."""

    def __init__(self, stream: TextIO | None, log: TextIO | None):
        self.stream, self.log = stream, log

    def write(self, text: str) -> int:
        """Write to both."""
        for output in filter(None, (self.log, self.stream)):
            try:
                output.write(text)
                output.flush()
            except OSError:
                if output is self.stream:  # else the process would fail when it ends
                    os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        return len(text)

    def flush(self) -> None:
        """Do nothing, since every write is flushed."""

    def isatty(self) -> bool:
        """False, since jobs that run in parallel share the terminal."""
        return False


def speak_to_any_terminal() -> None:
    """Escape what the terminal's encoding lacks instead of failing."""
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def job(log: str, inputs: Iterable[str] = (), lower: str = "") -> Iterator[None]:
    """Copy the block's output to a log file, and end the process on errors and when asked to.

    The message of a UserError, a sentence on what the machine lacks, or the traceback of any other
    error is written to the log, which the workflow shows for failed jobs, or to standard error if
    the log cannot be written. A job with an input from the future ends before it begins. What the
    job has used, see `used`, is written beside the log.

    Args:
        log: path of the log file. It is in the encoding of the locale, in which it is shown.
        inputs: paths of the job's inputs.
        lower: the keys of the configuration that save memory when they are lowered.
    """
    speak_to_any_terminal()
    file = _opened(Path(log))
    sys.stdout, sys.stderr = Tee(sys.__stdout__, file), Tee(sys.__stderr__, file)
    try:
        with _marked(Path(f"{log}{MARK}"), lower):
            written = os.fstat(file.fileno()).st_mtime if file else 0.0
            _refuse_the_future(inputs, max(time.time(), written))
            yield
    except KeyboardInterrupt:
        _fail("Interrupted. Run the same command to continue.", file, code=130)
    except Exception as error:
        _fail(_told(error, lower), file)
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        with suppress(OSError, AttributeError):
            file.close()
        if Path(log).is_file():
            with suppress(OSError, UserError):
                write_json(Path(log).with_suffix(".json"), used())


def used() -> dict[str, float]:
    """What this process, and those that it waited for, have used so far.

    Returns:
        seconds since the process began; cpu_seconds; memory_mb and gpu_memory_mb, the most at any
        time, the latter as PyTorch reserves it.
    """
    spent = [resource.getrusage(one) for one in OWN]
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    return {
        "seconds": round(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 2),
        "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in spent), 2),
        "memory_mb": _peak(),
        "gpu_memory_mb": torch.cuda.max_memory_reserved() // 1_000_000 if on_gpu else 0,
    }


@contextmanager
def ending_at_checkpoints() -> Iterator[Callable[[], None]]:
    """Within the block SIGTERM ends the job at a checkpoint only.

    Yields:
        What the job calls at each checkpoint: it raises KeyboardInterrupt if SIGTERM came.
    """
    asked = threading.Event()

    def end_if_asked() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield end_if_asked
    finally:
        signal.signal(signal.SIGTERM, before)


def end_jobs(logs: Path) -> None:
    """Ask all running jobs whose logs are below a folder to end, on whatever machine they run."""
    for mark in logs.rglob(f"*{MARK}"):
        mark.unlink(missing_ok=True)


def killed_jobs(logs: Path) -> list[str]:
    """A sentence for each job that was killed, for use after all jobs have ended."""
    sentences = []
    for mark in sorted(logs.rglob(f"*{MARK}")):
        megabytes, _, lower = mark.read_text(encoding="utf-8").partition("\n")
        name = str(mark).removesuffix(MARK)
        sentences.append(
            f"The job of {name} was killed or crashed, perhaps for want of memory: it had used "
            f"{int(megabytes or 0):,} MB. {_less_memory(lower)}"
        )
        mark.unlink(missing_ok=True)
    return sentences


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


def _opened(log: Path) -> TextIO | None:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("w", errors="backslashreplace")
    except OSError as error:
        print(f"There is no log {log}: {error.strerror}.", file=sys.__stderr__)
        return None


@contextmanager
def _marked(mark: Path, lower: str) -> Iterator[None]:
    """Keep the job's mark up to date; raise KeyboardInterrupt at SIGTERM or when it is removed."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(BEAT):
            try:
                with mark.open("r+", encoding="utf-8") as file:
                    file.write(f"{_peak():9}")
            except FileNotFoundError:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except OSError:
                continue

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    try:
        with suppress(OSError):
            mark.write_text(f"{_peak():9}\n{lower}", encoding="utf-8")
            watcher.start()
        yield
    finally:
        ended.set()
        if watcher.is_alive():  # it would miss the mark, and end a job that has ended
            watcher.join()
        signal.signal(signal.SIGTERM, before)
        with suppress(OSError):
            mark.unlink(missing_ok=True)


def _peak() -> int:
    """The most memory that this process or one of its own has used, in MB.

    On Linux its own comes from /proc: there `ru_maxrss` begins at the peak of its parent.
    """
    own, children = (resource.getrusage(one).ru_maxrss for one in OWN)
    with suppress(OSError, IndexError):  # no such file, or none of its lines has the peak
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        own = int(status.partition("VmHWM:")[2].split()[0])
    return max(own, children) // 1000


def _told(error: Exception, lower: str) -> str:
    """What the log says of an error."""
    if isinstance(error, UserError):
        return f"Error: {error}"
    text = str(error).strip()
    first = text.partition("\n")[0] or type(error).__name__
    if any(words in text for words in GPU_MEMORY):
        return (
            f"Error: the GPU ran out of memory ({first.partition('. GPU ')[0]}); this job "
            f"had used {used()['gpu_memory_mb']:,} MB of it. Run fewer jobs at a time on a GPU "
            f"(gpu in the profile){_or_lower(lower)}; the last checkpoint is kept."
        )
    if isinstance(error, MemoryError) or any(words in text.lower() for words in NO_MEMORY):
        return (
            f"Error: memory did not suffice ({first}); this job had used {_peak():,} MB. "
            f"{_less_memory(lower)}"
        )
    if any(words in text for words in GPU_FAULTS):
        return (
            f"{traceback.format_exc()}\nError: the GPU failed ({first}): check that nvidia-smi "
            "still lists it, and run the same command to resume from the last checkpoint."
        )
    if isinstance(error, OSError):
        doing = f"cannot use {error.filename}" if error.filename else "cannot go on"
        if (sentence := explained(error, doing)) is not None:
            return f"Error: {sentence}"
    return traceback.format_exc()


def _less_memory(lower: str) -> str:
    advice = f"Run fewer jobs at a time (--cores){_or_lower(lower)}"
    return f"{advice}; on a cluster raise the rule's mem_mb."


def _or_lower(lower: str) -> str:
    return f", or lower {lower}" if lower else ""


def _fail(message: str, log: TextIO | None, code: int = 1) -> None:
    try:
        print(message, file=log or sys.__stderr__, flush=True)
    except OSError:
        print(message, file=sys.__stderr__)
    sys.exit(code)
