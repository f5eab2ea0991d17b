"""The plugins of a server that runs: started one after another, described, and closed in the opposite order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from kuzzle.config import Config, ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.plugins.base import Listener, Listeners
from kuzzle.plugins.context import PluginContext, ServerParts
from kuzzle.plugins.loading import LoadedPlugin, failed_init, fault_line
from kuzzle.plugins.services import EmbeddedClient, PluginStorage
from kuzzle.security.strategies.base import Strategy
from kuzzle.security.strategies.registry import Strategies

# How long a plugin may take to close when the server stops.
_CLOSE_S: Final = 5.0

logger = logging.getLogger(__name__)


class Plugins:
    """The plugins of one server."""

    def __init__(
        self,
        loaded: Iterable[LoadedPlugin],
        config: Config,
        *,
        events: Events,
        strategies: Strategies,
        parts: ServerParts,
        client: Callable[[], EmbeddedClient],
        storage: Callable[[str], PluginStorage],
    ) -> None:
        """Take what contexts are made of.

        Args:
            client: Makes the client of a plugin; first called when the server is whole.
            storage: Makes the storage of the plugin of a name.
            parts: What privileged plugins get.
        """
        self._loaded = list(loaded)
        self._config = config
        self._events = events
        self._strategies = strategies
        self._parts = parts
        self._client = client
        self._storage = storage
        self._begun: list[LoadedPlugin] = []

    async def start(self) -> None:
        """Let each plugin get ready, and put its pipes, hooks and strategies into place.

        Raises:
            ConfigError: One line: a plugin failed, took too long, or declares something that cannot be.
        """
        public = self._config.public()
        for each in self._loaded:
            self._begun.append(each)
            try:
                await self._init(each, public)
                await self._register(each)
            except KuzzleError as error:
                logger.debug("The plugin %s did not start", each.name, exc_info=True)
                raise ConfigError([fault_line(each.name, error)]) from error

    async def stop(self) -> None:
        """Close the plugins that were begun with, the last first; what one does wrong keeps no other from it."""
        while self._begun:
            each = self._begun.pop()
            self._events.remove_owner(each.name)
            task = asyncio.ensure_future(each.plugin.close())
            done, _ = await asyncio.wait((task,), timeout=_CLOSE_S)
            if not done:
                task.cancel()
                logger.warning("The plugin %s did not close in %g s", each.name, _CLOSE_S)
            elif not task.cancelled() and (error := task.exception()) is not None:
                logger.error("The plugin %s did not close cleanly", each.name, exc_info=error)

    def describe(self) -> dict[str, Any]:
        """Return what `server:info` tells of the plugins, by name."""
        return {each.name: self._description(each) for each in self._loaded}

    # --- starting

    async def _init(self, each: LoadedPlugin, public: dict[str, Any]) -> None:
        context = PluginContext(
            each.manifest,
            config=public,
            client=self._client(),
            storage=self._storage(each.name),
            strategies=self._strategies,
            events=self._events,
            server=self._parts if each.manifest.is_privileged else None,
        )
        limit_ms = self._config.section("plugins")["common"]["initTimeout"]
        task = asyncio.ensure_future(each.plugin.init(each.options, context))
        # Not `wait_for`, which would wait for one that does not let itself be cancelled.
        done, _ = await asyncio.wait((task,), timeout=limit_ms / 1000)
        if not done:
            task.cancel()
            raise failed_init(each.name, f"it takes longer than plugins.common.initTimeout ({limit_ms} ms)")
        if task.cancelled():
            raise failed_init(each.name, "it was cancelled")
        error = task.exception()
        if isinstance(error, KuzzleError):
            raise failed_init(each.name, f"{error.message} ({error.id})") from error
        if error is not None:
            logger.error("The plugin %s failed to get ready", each.name, exc_info=error)
            raise failed_init(each.name, error) from error
        if task.result() is False:  # as plugins of Kuzzle say it
            raise failed_init(each.name, "it answered false")

    async def _register(self, each: LoadedPlugin) -> None:
        try:
            pipes, hooks = each.plugin.pipes(), each.plugin.hooks()
            strategies = list(each.plugin.strategies())
        except Exception as error:  # code of others, before anything depends on it
            logger.exception("The plugin %s failed to say what it contributes", each.name)
            raise failed_init(each.name, error) from error
        warn_time_ms, timeout_ms = each.section["pipeWarnTime"], each.section["pipeTimeout"]
        for event, pipe in _listeners(pipes, "plugin.assert.invalid_pipe"):
            self._events.add_pipe(event, pipe, owner=each.name, warn_time_ms=warn_time_ms, timeout_ms=timeout_ms)
        for event, hook in _listeners(hooks, "plugin.assert.invalid_hook"):
            self._events.add_hook(event, hook, owner=each.name)
        for strategy in strategies:
            if not isinstance(strategy, Strategy):
                label = f"[{each.name}]"
                raise KuzzleError("plugin.strategy.invalid_description", label, type(strategy).__name__)
            await self._strategies.register(strategy, each.name)

    def _description(self, each: LoadedPlugin) -> dict[str, Any]:
        pipes, hooks = self._events.listened(each.name)
        routes = [
            {
                "verb": route.verb.lower(),
                "url": route.path.lstrip("/"),
                "controller": definition.controller,
                "action": definition.name,
            }
            for definition in each.definitions
            for route in definition.routes
        ]
        return {
            "version": each.manifest.version,
            "manifest": each.manifest.shown(),
            "hooks": hooks,
            "pipes": pipes,
            "controllers": [controller.name for controller in each.controllers],
            "routes": routes,
            "strategies": self._strategies.owned_by(each.name),
        }


def _listeners(listeners: Listeners, error_id: str) -> Iterator[tuple[str, Listener]]:
    """Yield what listens to what, one by one."""
    if not isinstance(listeners, dict):
        raise KuzzleError(error_id, "", type(listeners).__name__, "Expected events, each with what listens to it.")
    for event, given in listeners.items():
        for listener in given if isinstance(given, list | tuple) else (given,):
            yield event, listener
