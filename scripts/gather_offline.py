"""Gather what a machine without network lacks to run the workflow: wheels and data sets.

    python -m pip list --format freeze > packages.txt       # there, in the Python that has PyTorch
    .venv/bin/python scripts/gather_offline.py packages.txt --python 3.12 fashion-mnist    # here

The second command fills the folder .offline, which scripts/on_gpu.sh reads: copy the project there
together with this folder. Versions are those of requirements.lock, except for packages that are
installed there already.
"""

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from passband.data import registry
from passband.data.download import fetch

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".venv/uv/bin/uv"
NOT_THERE = ("torch", "torchvision", "snakemake-executor-plugin-slurm")  # PyTorch is there already
INSTEAD = {"jupyter": "ipykernel"}  # notebooks run there, but are not opened
UNUSED = ("pulp", "jedi", "parso", "debugpy")  # large; Snakemake and IPython work without them
FROM_SOURCE = ("connection-pool",)  # published without a wheel
GLIBC = range(5, 29)  # versions 2.x for which wheels may be built


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("installed", type=Path, help="list of the packages installed there")
    parser.add_argument("datasets", nargs="*", help="data sets that will be used there")
    parser.add_argument("--python", default="3.12", help="the version of Python there")
    parser.add_argument("--folder", type=Path, default=ROOT / ".offline")
    arguments = parser.parse_args()
    installed = names(arguments.installed.read_text(encoding="utf-8"))
    gather_wheels(arguments.folder / "wheels", installed, arguments.python)
    for name in arguments.datasets:
        gather_dataset(registry.get(name), arguments.folder / "data" / name)
    size = sum(file.stat().st_size for file in arguments.folder.rglob("*") if file.is_file())
    print(f"{arguments.folder}: {size / 2**20:.1f} MiB")


def names(listed: str) -> set[str]:
    """The names of packages in the output of `pip list --format freeze` or `pip freeze`."""
    lines = (line.strip() for line in listed.splitlines())
    return {canonicalize_name(Requirement(line).name) for line in lines if line}


def needed() -> list[str]:
    """The requirements of the workflow on such a machine, without those that come with PyTorch."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(one) for one in project["dependencies"]]
    return [INSTEAD.get(one.name, str(one)) for one in found if one.name not in NOT_THERE]


def gather_wheels(folder: Path, installed: set[str], python: str) -> None:
    """Fill a folder with the wheels that the workflow needs and such a machine does not have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join(needed()), encoding="utf-8")
    without = [f"--no-emit-package={name}" for name in sorted({*installed, *UNUSED, *NOT_THERE})]
    target = ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    plain = ["--no-header", "--no-annotate", "--quiet"]
    pins = _output(
        *(UV, "pip", "compile", wanted, "--constraints", _constraints(folder)),
        *(*target, *plain, *without),
    )
    pins = [line for line in pins.splitlines() if "==" in line]
    built = [pin for pin in pins if pin.partition("==")[0] in FROM_SOURCE]
    pip = (sys.executable, "-m", "pip")
    if built:
        _output(*pip, "wheel", "--no-deps", "--wheel-dir", folder, *built)
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in GLIBC]
    _output(
        *(*pip, "download", "--no-deps", "--only-binary=:all:", "--find-links", folder),
        *("--implementation", "cp", "--python-version", python, *platforms),
        *("--platform=manylinux2014_x86_64", "--dest", folder, *pins),
    )
    for file in folder.glob("*.txt"):
        file.unlink()


def _constraints(folder: Path) -> Path:
    """requirements.lock without its hashes, else uv would require them of every requirement."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix("\\") for line in lines if line[:1].isalnum()]
    path = folder / "constraints.txt"
    path.write_text("\n".join(pins), encoding="utf-8")
    return path


def gather_dataset(dataset: registry.Dataset, folder: Path) -> None:
    """Fill a folder with the published files of a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in dataset.files:
        path = fetch(dataset, file, folder)
        if path.parent != folder:
            shutil.copyfile(path, folder / file.name)


def _output(*command: object) -> str:
    done = subprocess.run([str(one) for one in command], stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{command[0]} failed; its message is above.")
    return done.stdout


if __name__ == "__main__":
    main()
