"""Loads the plugins that the configuration wants: their classes, manifests, options and actions, all checked.

No code of a plugin runs here but its import, its construction and `controllers`, so the description of the API is
complete before anything is started (`kuzzle check`, `kuzzle generate`). Every fault of every plugin is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kuzzle.catalogue import ActionDefinition
from kuzzle.config import Config, ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.logs import one_line
from kuzzle.plugins.actions import OwnedController, own_controllers, own_definitions
from kuzzle.plugins.base import Plugin
from kuzzle.plugins.finding import find_class, wanted_plugins
from kuzzle.plugins.manifest import Manifest, read_manifest
from kuzzle.plugins.options import read_options
from kuzzle.security.strategies.local import OWNER as LOCAL_OWNER
from kuzzle.security.strategies.oidc import OWNER as OIDC_OWNER

# Names that owners of the server's own parts have: of strategies, and of a controller.
_OWN_NAMES = (LOCAL_OWNER, OIDC_OWNER)


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that is built and not yet started.

    Attributes:
        section: Its section of the configuration.
        options: What it takes itself, checked and with defaults.
        definitions: What describes its actions.
    """

    plugin: Plugin
    manifest: Manifest
    section: Mapping[str, Any]
    options: Mapping[str, Any]
    controllers: list[OwnedController]
    definitions: list[ActionDefinition]

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def load_plugins(config: Config) -> list[LoadedPlugin]:
    """Build the plugins, in the order of their sections.

    Raises:
        ConfigError: A line per fault.
    """
    loaded: list[LoadedPlugin] = []
    faults: list[str] = []
    for name, section in wanted_plugins(config):
        try:
            loaded.append(_load(name, section, config, loaded))
        except KuzzleError as error:
            faults.append(fault_line(name, error))
        except ConfigError as error:
            faults += map(one_line, error.faults)
    if faults:
        raise ConfigError(faults)
    return loaded


def fault_line(name: str, error: KuzzleError) -> str:
    """Return the line that tells the operator of a plugin's error."""
    return one_line(f"plugins.{name}: {error.message} ({error.id})")


def _load(name: str, section: Mapping[str, Any], config: Config, loaded: list[LoadedPlugin]) -> LoadedPlugin:
    found = find_class(name, section, config)
    manifest = read_manifest(found.plugin, found.folder, found.version, {each.manifest.code for each in loaded})
    _check_name(name, manifest, loaded)
    if manifest.is_privileged and not section["privileged"]:
        raise KuzzleError("plugin.assert.privileged_not_set", manifest.name)
    if section["privileged"] and not manifest.is_privileged:
        raise KuzzleError("plugin.assert.privileged_not_supported", manifest.name)
    options = read_options(manifest, section["config"], f"plugins.{name}.config")
    try:
        plugin = found.plugin()
        controllers = own_controllers(plugin, manifest)
    except KuzzleError:
        raise
    except Exception as error:  # code of others, at a time when nothing else is told about it
        raise failed_init(manifest.name, error) from error
    definitions = own_definitions(plugin, manifest, controllers, f"plugins.{name}")
    return LoadedPlugin(plugin, manifest, section, options, controllers, definitions)


def failed_init(name: str, error: BaseException | str) -> KuzzleError:
    """Return the error that says why a plugin is not ready."""
    reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return KuzzleError("plugin.runtime.failed_init", name, reason)


def _check_name(name: str, manifest: Manifest, loaded: list[LoadedPlugin]) -> None:
    """Make sure that a plugin is the one that its section names, and no other has its name."""
    taken = {each.name.lower() for each in loaded} | {each.lower() for each in _OWN_NAMES}
    if manifest.name.lower() in taken:
        raise KuzzleError("plugin.assert.name_already_exists", manifest.name)
    if manifest.name.lower() != name.lower():
        text = f"it calls itself {manifest.name}: give its section that name"
        raise ConfigError([f"plugins.{name}: {text}"])
