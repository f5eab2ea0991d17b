"""The actions that the configuration wants: of the shipped controllers, and of plugins."""

from __future__ import annotations

from collections.abc import Iterable

from kuzzle.catalogue import Catalogue
from kuzzle.config import Config
from kuzzle.controllers.passwords import PasswordController
from kuzzle.plugins.loading import LoadedPlugin


def controllers_switched_off(config: Config) -> list[str]:
    """Return the controllers that the configuration leaves out."""
    return [] if config.section("security")["local"]["passwordReset"] else [PasswordController.name]


def build_catalogue(config: Config, plugins: Iterable[LoadedPlugin]) -> Catalogue:
    """Return the actions of API 1 that the server has, those of plugins included."""
    shipped = Catalogue.load(1).without(controllers_switched_off(config))
    return shipped.extended(definition for plugin in plugins for definition in plugin.definitions)
