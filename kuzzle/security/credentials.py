"""The credentials of users, over all strategies."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.strategies.base import Secrets
from kuzzle.security.strategies.registry import Strategies, guarded
from kuzzle.storage.errors import StorageError

logger = logging.getLogger(__name__)


class Credentials:
    """What is done to credentials of several strategies at once.

    Attributes:
        strategies: Those that are registered.
    """

    def __init__(self, strategies: Strategies) -> None:
        self.strategies = strategies

    async def validate(
        self, credentials: Mapping[str, Secrets], kuid: str | None, *, request: Request | None = None
    ) -> None:
        """Refuse credentials that cannot be created for a new user.

        Args:
            credentials: Strategy name to what it is given.
            kuid: None: that of a user who does not exist yet and has no id.

        Raises:
            KuzzleError: `security.credentials.unknown_strategy`, `security.credentials.database_inconsistency`
                (there are some of that kuid already), or what the strategy refuses.
        """
        for name in credentials:
            self.strategies.get(name)
        if kuid is not None:
            for name in credentials:
                if await guarded(name, self.strategies.get(name).exists(request, kuid)):
                    raise KuzzleError("security.credentials.database_inconsistency", kuid)
        for name, secrets in credentials.items():
            strategy = self.strategies.get(name)
            await guarded(name, strategy.validate(request, secrets, kuid, is_update=False))

    async def create(self, kuid: str, credentials: Mapping[str, Secrets], *, request: Request | None = None) -> None:
        """Store a user's first credentials: all or none.

        Raises:
            KuzzleError: `security.credentials.unknown_strategy`, or what a strategy refuses.
        """
        created: list[str] = []
        try:
            for name, secrets in credentials.items():
                await guarded(name, self.strategies.get(name).create(request, secrets, kuid))
                created.append(name)
        except BaseException:  # a cancelled request leaves nothing behind either
            for name in created:
                with contextlib.suppress(KuzzleError):  # the first fault is the one to tell
                    await guarded(name, self.strategies.get(name).delete(request, kuid))
            raise

    async def delete_all(self, kuid: str, *, request: Request | None = None) -> None:
        """Remove a user's credentials of every strategy; one that refuses does not stop the others.

        Raises:
            KuzzleError: `security.credentials.rejected`: some could not be removed.
            StorageError: The store is in trouble; what is left can be removed later.
        """
        failures: list[str] = []
        for name in self.strategies.names:
            strategy = self.strategies.get(name)
            try:
                if await guarded(name, strategy.exists(request, kuid)):
                    await guarded(name, strategy.delete(request, kuid))
            except StorageError:  # no refusal: to be tried again, not to be put right
                raise
            except KuzzleError as error:
                failures.append(f"{name}: {error.message}")
        if failures:
            raise KuzzleError("security.credentials.rejected", "; ".join(failures))

    async def strategies_of(self, kuid: str, *, request: Request | None = None) -> list[str]:
        """Return the names of the strategies that a user has credentials of."""
        return [
            name
            for name in self.strategies.names
            if await guarded(name, self.strategies.get(name).exists(request, kuid))
        ]
