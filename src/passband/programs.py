"""Other programs: what one prints counts only if it says that it succeeded."""

import subprocess
from collections.abc import Mapping

PATIENCE = 30  # seconds until a program that does not answer is given up


class ProgramError(Exception):
    """A clause that says how a program failed: "nvidia-smi exits with 9"."""


def output_of(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints, in UTF-8.

    Raises:
        ProgramError: it is missing, cannot be started, does not end in time or fails.
    """
    name = command[0]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        raise ProgramError(f"there is no {name}") from None
    except OSError as error:
        raise ProgramError(f"{name} cannot be started ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{name} gives no answer within {PATIENCE} s") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        said = f" ({lines[-1].strip()})" if lines else ""
        raise ProgramError(f"{name} exits with {done.returncode}{said}")
    return done.stdout
