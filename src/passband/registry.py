"""Registries of functions by name. To add a function, add a file to the registry's package."""

import importlib
import pkgutil
from collections.abc import Callable

from passband.errors import UserError, unknown


class Registry:
    """Functions by name, with the settings that they were registered with.

    All modules of the package are imported on the first lookup, so members are discovered
    automatically.

    Args:
        kind: what the functions are, as messages name it.
        package: dotted name of the package, or of a module that registers all members itself.
    """

    def __init__(self, kind: str, package: str):
        self.kind, self.package = kind, package
        self._functions: dict[str, Callable] = {}
        self._settings: dict[str, dict[str, object]] = {}
        self._searched = False

    def register(self, name: str, **settings: object) -> Callable[[Callable], Callable]:
        """Decorator that registers a function.

        Args:
            name: its name, as config has it.
            settings: literals that describe it, readable without importing the module (see
                `passband.dependencies.declared`).

        Raises:
            UserError: the name is taken.
        """

        def keep(function: Callable) -> Callable:
            if name in self._functions:
                places = f"in {_module(self._functions[name])} and in {_module(function)}"
                raise UserError(
                    f"{self.kind} '{name}' is registered twice, {places}; rename one of them."
                )
            self._functions[name], self._settings[name] = function, settings
            return function

        return keep

    def __getitem__(self, name: str) -> Callable:
        if name not in self.names():
            raise unknown(self.kind, name, self.names())
        return self._functions[name]

    def settings(self, name: str) -> dict[str, object]:
        """The settings that a function was registered with."""
        self[name]
        return self._settings[name]

    def names(self) -> list[str]:
        """All registered names, sorted."""
        if not self._searched:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
                importlib.import_module(f"{self.package}.{module.name}")
            self._searched = True
        return sorted(self._functions)


def _module(function: Callable) -> str:
    return getattr(function, "__module__", None) or function.func.__module__
