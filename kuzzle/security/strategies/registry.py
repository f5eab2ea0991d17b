"""The strategies of a server, and the boundary between their code and ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final, TypeVar

from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.security.strategies.base import Strategy

# Whoever registers them: programmers. A loop that never ends should meet an error.
MAX_STRATEGIES: Final = 100

ResultType = TypeVar("ResultType")

logger = logging.getLogger(__name__)


class Strategies:
    """The registered strategies by name; each belongs to who has registered it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._strategies: dict[str, Strategy] = {}
        self._owners: dict[str, str] = {}

    async def register(self, strategy: Strategy, owner: str) -> None:
        """Let people log in by a strategy from now on; it takes the place of the owner's own of that name.

        Raises:
            KuzzleError: `plugin.strategy.failed_registration`: the name is somebody else's, or there are too many.
        """
        name = strategy.name
        if not name:
            raise KuzzleError("plugin.strategy.failed_registration", name, "it has no name")
        if self._owners.get(name, owner) != owner:
            raise KuzzleError("plugin.strategy.failed_registration", name, f"it belongs to {self._owners[name]}")
        if name not in self._strategies and len(self._strategies) >= MAX_STRATEGIES:
            raise KuzzleError("plugin.strategy.failed_registration", name, f"there are {MAX_STRATEGIES} already")
        self._strategies[name] = strategy
        self._owners[name] = owner
        await strategy.after_register()
        await self._events.fire("core:auth:strategyAdded", {"name": name, "strategy": strategy, "pluginName": owner})

    async def unregister(self, name: str, owner: str) -> None:
        """Refuse logins by a strategy from now on; credentials and tokens stay.

        Raises:
            KuzzleError: `plugin.strategy.strategy_not_found`, `plugin.strategy.unauthorized_removal`.
        """
        if name not in self._strategies:
            raise KuzzleError("plugin.strategy.strategy_not_found", name)
        if self._owners[name] != owner:
            raise KuzzleError("plugin.strategy.unauthorized_removal", name)
        del self._strategies[name]
        del self._owners[name]
        await self._events.fire("core:auth:strategyRemoved", {"name": name, "pluginName": owner})

    def get(self, name: str) -> Strategy:
        """Return a strategy.

        Raises:
            KuzzleError: `security.credentials.unknown_strategy`.
        """
        strategy = self._strategies.get(name)
        if strategy is None:
            raise KuzzleError("security.credentials.unknown_strategy", name)
        return strategy

    def owned_by(self, owner: str) -> list[str]:
        """Return the names of the strategies that somebody has registered, in the order of their registration."""
        return [name for name in self._strategies if self._owners[name] == owner]

    @property
    def names(self) -> list[str]:
        """Names of the registered strategies, in the order of their registration."""
        return list(self._strategies)


async def guarded(strategy: str, call: Awaitable[ResultType]) -> ResultType:
    """Await a method of a strategy: what it did not mean to raise becomes a documented error.

    Raises:
        KuzzleError: The strategy's own, or `plugin.runtime.unexpected_error`.
    """
    try:
        # In a task of its own, since a request has none before its first wait, and `asyncio.timeout` needs one.
        return await asyncio.ensure_future(call)
    except KuzzleError:
        raise
    except Exception as error:  # code of others: its defects are to be told from ours
        logger.exception("The strategy %s failed unexpectedly", strategy)
        raise KuzzleError("plugin.runtime.unexpected_error", f"the strategy {strategy} failed") from error
