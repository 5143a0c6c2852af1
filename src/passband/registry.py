"""Registries: a function under a name; adding one is one new file in the package's folder."""

import importlib
import pkgutil
from collections.abc import Callable

from passband.errors import unknown


class Registry:
    """Functions by name. `package` is searched for modules on the first look-up."""

    def __init__(self, kind: str, package: str):
        self.kind, self.package = kind, package
        self._functions: dict[str, Callable] = {}
        self._searched = False

    def register(self, name: str) -> Callable[[Callable], Callable]:
        """Decorator: make the function known as `name`."""

        def keep(function: Callable) -> Callable:
            self._functions[name] = function
            return function

        return keep

    def __getitem__(self, name: str) -> Callable:
        if name not in self.names():
            raise unknown(self.kind, name, self.names())
        return self._functions[name]

    def names(self) -> list[str]:
        """All registered names, sorted."""
        if not self._searched:
            folder = importlib.import_module(self.package).__path__
            for module in pkgutil.iter_modules(folder):
                importlib.import_module(f"{self.package}.{module.name}")
            self._searched = True
        return sorted(self._functions)
