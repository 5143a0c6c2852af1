"""Run a notebook template with parameters and keep the executed notebook."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import passband
from passband.errors import Damaged, UserError
from passband.figures import notebook_kernel
from passband.files import write_json, write_text
from passband.litter import NOTEBOOK, in_use, notebook_place

TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def render(
    template: Path, parameters: Mapping[str, object], executed: Path, parameters_file: Path
) -> None:
    """Execute the jupytext notebook `template` and store it at `executed`.

    The notebook runs in the interpreter of the caller, in the current folder. Its only parameter
    is the path of `parameters_file`. `executed` is written only when every cell succeeded; else
    the notebook is kept beside it as `<name>.failed.ipynb`.

    Args:
        template: a file of reports/notebooks.
        parameters: what `notebook.open_artifact` reads.
        executed: path of the executed notebook.
        parameters_file: where `parameters` are written as JSON.

    Raises:
        UserError: there is no such template, or a cell raised a UserError.
        RuntimeError: a cell failed; the message holds its traceback.
    """
    template, executed = Path(template), Path(executed)
    if not template.is_file():
        raise UserError(f"there is no notebook template {template}.")
    import jupytext
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    write_json(parameters_file, parameters)
    failed = executed.with_name(f"{executed.stem}.failed.ipynb")
    failed.unlink(missing_ok=True)

    def store(notebook: nbformat.NotebookNode, place: Path) -> None:
        notebook.metadata.papermill.update(input_path=str(template), output_path=str(place))
        write_text(place, nbformat.writes(notebook))

    with (
        TemporaryDirectory(prefix=NOTEBOOK, dir=notebook_place()) as folder,
        in_use(Path(folder)),
        _this_interpreter(folder),
    ):
        result = Path(folder) / executed.name
        try:
            notebook = papermill.execute_notebook(
                jupytext.read(template),
                result,
                parameters={"parameters": str(parameters_file)},
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                shutdown_kernel="immediate",  # asked politely, it may end in a traceback
                # sockets that nobody else sees or takes, as happens to ports
                config=Config(KernelManager={"transport": "ipc", "ip": f"{folder}/s"}),
            )
        except papermill.PapermillExecutionError as error:
            if error.ename in (UserError.__name__, Damaged.__name__):
                raise UserError(error.evalue) from None
            store(nbformat.read(result, as_version=4), failed)
            traceback = TERMINAL_COLOURS.sub("", "\n".join(error.traceback))
            raise RuntimeError(f"{template} failed (see {failed}):\n{traceback}") from None
        except DeadKernelError as error:
            raise RuntimeError(
                f"the kernel of {template} died, perhaps for want of memory."
            ) from error
        store(notebook, executed)


@contextmanager
def _this_interpreter(folder: str) -> Iterator[None]:
    """Let `python3` name a kernel of the running interpreter that reads no user settings."""
    spec = Path(folder) / "kernels" / "python3"
    spec.mkdir(parents=True)
    source = str(Path(passband.__file__).parents[1])
    kernel = {
        "argv": [
            *(sys.executable, "-P", "-m", notebook_kernel.__name__, "-f", "{connection_file}"),
            *("--HistoryManager.enabled=False", "--log-level=CRITICAL"),
            "--InteractiveShellApp.exec_PYTHONSTARTUP=False",
        ],
        "display_name": "Python 3",
        "language": "python",
        "env": {
            "MPLBACKEND": "agg",
            "IPYTHONDIR": folder,
            "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")])),
        },
    }
    (spec / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    before = {name: os.environ.get(name) for name in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR")}
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [folder, before["JUPYTER_PATH"]]))
    os.environ["JUPYTER_RUNTIME_DIR"] = folder  # the user's may not be writable
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
