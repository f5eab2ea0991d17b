"""The registry: which method runs which action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kuzzle.catalogue import ALIASES
from kuzzle.controllers.base import Controller, Method


class Registry:
    """Every action of every controller, found by one look-up."""

    def __init__(self, controllers: Iterable[Controller]) -> None:
        self._controllers: set[str] = set()
        self._methods: dict[tuple[str, str], Method] = {}
        for controller in controllers:
            self._controllers.add(controller.name)
            for name, method in controller.actions():
                self._methods[controller.name, name] = method
        self._aliases = {alias: name for alias, name in ALIASES.items() if name in self._controllers}
        self._by_any_name = self._methods | {
            (alias, action): method
            for alias, name in self._aliases.items()
            for (controller_name, action), method in self._methods.items()
            if controller_name == name
        }

    def find(self, controller: str | None, action: str | None) -> Method | None:
        """Return the method of an action, None when there is none."""
        return self._by_any_name.get((controller, action))  # type: ignore[arg-type]

    def has_controller(self, controller: str | None) -> bool:
        """Tell whether a controller of that name exists."""
        return controller in self._controllers or controller in self._aliases

    @property
    def methods(self) -> Mapping[tuple[str, str], Method]:
        """All actions: (controller, action) to method."""
        return self._methods
