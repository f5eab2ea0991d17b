"""What a plugin may use of the server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.plugins.services import EmbeddedClient, PluginStorage
from kuzzle.security.strategies.base import Strategy
from kuzzle.security.strategies.registry import Strategies

if TYPE_CHECKING:
    from kuzzle.memory_storage.base import MemoryStorage
    from kuzzle.plugins.manifest import Manifest
    from kuzzle.realtime.subscriptions import Realtime
    from kuzzle.security.model import SecurityModel
    from kuzzle.security.tokens import Tokens
    from kuzzle.storage.base import Storage


@dataclass(frozen=True, slots=True)
class ServerParts:
    """The server's own parts, for privileged plugins. They change from version to version without notice."""

    storage: Storage
    memory_storage: MemoryStorage
    security: SecurityModel
    tokens: Tokens
    realtime: Realtime
    events: Events


class PluginStrategies:
    """The strategies of one plugin."""

    def __init__(self, strategies: Strategies, owner: str) -> None:
        self._strategies = strategies
        self._owner = owner

    async def add(self, strategy: Strategy) -> None:
        """Let people log in by a strategy from now on; it takes the place of the plugin's own of that name.

        Raises:
            KuzzleError: `plugin.strategy.failed_registration`: the name is somebody else's, or there are too many.
        """
        await self._strategies.register(strategy, self._owner)

    async def remove(self, name: str) -> None:
        """Refuse logins by a strategy of this plugin from now on.

        Raises:
            KuzzleError: `plugin.strategy.strategy_not_found`, `plugin.strategy.unauthorized_removal`.
        """
        await self._strategies.unregister(name, self._owner)


class PluginContext:
    """What a plugin may use.

    Attributes:
        name: The plugin's name.
        log: Its logger, `plugin.<name>`.
        config: The configuration of the server, without secrets.
        client: Calls the API inside the server.
        storage: Collections of its own.
        strategies: Its ways to log in.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        config: Mapping[str, Any],
        client: EmbeddedClient,
        storage: PluginStorage,
        strategies: Strategies,
        events: Events,
        server: ServerParts | None,
    ) -> None:
        """`server` is for privileged plugins; None for others."""
        self.name = manifest.name
        self.log = logging.getLogger(f"plugin.{manifest.name}")
        self.config = config
        self.client = client
        self.storage = storage
        self.strategies = PluginStrategies(strategies, manifest.name)
        self._manifest = manifest
        self._events = events
        self._server = server

    @property
    def server(self) -> ServerParts:
        """The server's own parts.

        Raises:
            RuntimeError: The plugin is not privileged.
        """
        if self._server is None:
            raise RuntimeError(f"the plugin {self.name} is not privileged")
        return self._server

    def error(self, name: str, *placeholders: object) -> KuzzleError:
        """Return an error of the manifest's table, to be raised.

        Args:
            placeholders: Stand in the places of %s in its message.

        Raises:
            KeyError: There is none of that name.
        """
        error_id = self._manifest.error_id(name)
        return KuzzleError.of_definition(error_id, self._manifest.error_table[error_id], *placeholders)

    async def trigger(self, event: str, payload: Any = None) -> Any:
        """Fire an event of the plugin's own, `plugin-<name>:<event>`, and return what its pipes leave of the payload.

        Raises:
            KuzzleError: `plugin.context.invalid_event`: colons have no place in the name; what a pipe raises.
        """
        if ":" in event:
            raise KuzzleError("plugin.context.invalid_event", event)
        return await self._events.fire(f"plugin-{self.name}:{event}", payload)
