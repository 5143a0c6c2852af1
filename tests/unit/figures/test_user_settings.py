"""Nobody's settings change a figure: rc files, styles, start-up files, profiles, environment."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from passband.figures.render import render
from passband.figures.save import save_figure
from passband.figures.style import new_figure

WHITE = "text.color: white\naxes.labelcolor: white\nsavefig.transparent: True\nlines.linewidth: 9\n"
FATAL = "raise SystemExit('somebody else spoke')\n"
TEMPLATE = """# %%
from passband.figures.save import save_figure
from passband.figures.style import new_figure

figure = new_figure(2, 1)
axes = figure.subplots()
axes.plot([0, 1000], [1, 2], label="line")
axes.set_title("title")
axes.legend()
save_figure(figure, {ending: f"out.{ending}" for ending in ("svg", "pdf", "png")}, "mark")
"""


def drawn(folder: Path, home: Path, **environment: str) -> dict[str, bytes]:
    """What the notebook of TEMPLATE writes when `folder` is the working folder."""
    (folder / "template.py").write_text(TEMPLATE)
    code = (
        "from pathlib import Path\nfrom passband.figures.render import render\n"
        "render(Path('template.py'), {}, Path('out.ipynb'), Path('out.json'))"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        env=os.environ | {"HOME": str(home)} | environment,
        check=True,
    )
    return {path.suffix: path.read_bytes() for path in folder.glob("out.*g")} | {
        ".pdf": (folder / "out.pdf").read_bytes()
    }


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> dict[str, bytes]:
    return drawn(tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("content", [WHITE, b"text.color: \xff\n"], ids=["white", "no UTF-8"])
def test_settings_of_every_kind_change_no_byte(reference, tmp_path, content):
    home, here = tmp_path / "home", tmp_path / "here"
    write(here / "matplotlibrc", content)
    write(here / "numpy.py", FATAL)
    write(here / "ipython_kernel_config.py", FATAL)
    write(home / ".config/matplotlib/matplotlibrc", content)
    write(home / ".ipython/profile_default/startup/00-mine.py", FATAL)
    write(home / ".ipython/profile_default/ipython_config.py", FATAL)
    write(home / ".jupyter/jupyter_config.py", FATAL)
    settings = {
        "MATPLOTLIBRC": str(write(tmp_path / "rc", content)),
        "MPLBACKEND": "no-such-backend",
        "PYTHONSTARTUP": str(write(tmp_path / "startup.py", FATAL)),
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "0",
        "TZ": "Asia/Tokyo",
        "NO_COLOR": "1",
        "COLUMNS": "20",
    }
    assert drawn(here, home, **settings) == reference


def test_a_home_that_cannot_be_written_changes_no_byte(reference, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    assert drawn(folder, Path("/proc/nobody")) == reference


def test_start_up_files_of_the_environment_are_not_read(tmp_path, monkeypatch):
    from IPython.core import application

    etc = Path(application.ENV_CONFIG_DIRS[0])
    kernel = tmp_path / "template.py"
    kernel.write_text(
        "# %%\nfrom IPython.core import application as one\n\n"
        "assert not one.ENV_CONFIG_DIRS + one.SYSTEM_CONFIG_DIRS\n"
    )
    assert etc.name == "ipython"
    render(kernel, {}, tmp_path / "out.ipynb", tmp_path / "out.json")


def test_a_style_in_use_ends_with_the_next_figure(tmp_path):
    def written(name: str) -> bytes:
        figure = new_figure(1, 1)
        figure.subplots().set_title("title")
        matplotlib.style.use("dark_background")
        save_figure(figure, {"svg": tmp_path / name})
        return (tmp_path / name).read_bytes()

    with matplotlib.rc_context():
        assert written("first.svg") == written("second.svg")
