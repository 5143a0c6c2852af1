"""The kernel that notebooks run in: it reads nobody's start-up files, profiles and settings.

    python -P -m passband.figures.notebook_kernel -f <connection file> ...

IPYTHONDIR names an empty folder for this kernel alone.
"""

import os
from pathlib import Path


def main() -> None:
    """Start IPython's kernel with matplotlib's own defaults."""
    from ipykernel import kernelapp
    from IPython.core import application

    application.ENV_CONFIG_DIRS.clear()  # of the environment and of the machine; the user's
    application.SYSTEM_CONFIG_DIRS.clear()  # own are where IPYTHONDIR does not point
    here, folder = Path.cwd(), Path(os.environ["IPYTHONDIR"])
    (folder / "matplotlibrc").touch()  # one in the current folder is the only one that is read
    os.chdir(folder)
    import matplotlib  # noqa: F401 (its settings are read once, here)

    os.chdir(here)
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
