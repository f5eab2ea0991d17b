"""What administrators do with the whole server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuzzle.api.results import AcknowledgedOrder, FailedImport
from kuzzle.config import Config
from kuzzle.controllers.arguments import waits_for_refresh
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.background import Background
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.importing import Importer
from kuzzle.controllers.loading import load_fixtures, load_mappings, read_places
from kuzzle.controllers.locks import Locks
from kuzzle.dump import describe_server, snapshot_name, write_snapshot
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.statistics import Statistics
from kuzzle.storage.base import Storage
from kuzzle.storage.errors import UnknownIndexError

logger = logging.getLogger(__name__)


class AdminController(Controller):
    """What administrators do with the whole server.

    `load*` answer at once, and go on by themselves, unless the client waits with `refresh: wait_for`.
    """

    name = "admin"

    def __init__(
        self,
        storage: Storage,
        importer: Importer,
        auto_refresh: AutoRefresh,
        background: Background,
        statistics: Statistics,
        config: Config,
        *,
        caches: Mapping[str, Callable[[], Awaitable[None]]],
        stop_server: Callable[[], None],
    ) -> None:
        """Keep the parts.

        Args:
            caches: Name of a cache to what empties it.
            stop_server: Begins to stop the server, and returns at once.
        """
        self._storage = storage
        self._importer = importer
        self._auto_refresh = auto_refresh
        self._background = background
        self._statistics = statistics
        self._config = config
        self._caches = caches
        self._stop_server = stop_server
        self._locks = Locks()

    @action("loadMappings")
    async def load_mappings(self, request: Request) -> AcknowledgedOrder:
        """Make indexes and collections, and merge mappings into existing ones."""
        places = read_places(request.body, dict)
        if waits_for_refresh(request):
            await load_mappings(self._storage, places)
        else:
            await self._background.start("admin:loadMappings", lambda: load_mappings(self._storage, places))
        return AcknowledgedOrder()

    @action("loadFixtures")
    async def load_fixtures(self, request: Request) -> AcknowledgedOrder | FailedImport:
        """Import documents into existing collections."""
        places = read_places(request.body, list)
        if waits_for_refresh(request):
            return await load_fixtures(self._storage, self._importer, request, places) or AcknowledgedOrder()
        await self._background.start(
            "admin:loadFixtures", lambda: load_fixtures(self._storage, self._importer, request, places)
        )
        return AcknowledgedOrder()

    @action("resetDatabase")
    async def reset_database(self, request: Request) -> AcknowledgedOrder:
        """Delete every index of users."""
        with self._locks.hold("resetDatabase"):
            indexes = await self._storage.list_indexes()
            for index in indexes:
                with contextlib.suppress(UnknownIndexError):  # somebody else deleted it meanwhile
                    await self._storage.delete_index(index)
            await self._auto_refresh.forget(indexes)
        return AcknowledgedOrder()

    @action("resetCache")
    async def reset_cache(self, request: Request) -> AcknowledgedOrder:
        """Empty a cache."""
        database = request.required("database")
        if database not in self._caches:
            raise KuzzleError("services.cache.database_not_found", database)
        await self._caches[database]()
        return AcknowledgedOrder()

    @action("dump")
    async def dump(self, request: Request) -> AcknowledgedOrder:
        """Write a diagnostic snapshot of the server to the disk."""
        self._locks.take("dump")
        name = snapshot_name(time.time(), request.argument("suffix"))
        if waits_for_refresh(request):
            await self._write_dump(name)
        else:
            await self._background.start("admin:dump", lambda: self._write_dump(name))
        return AcknowledgedOrder()

    async def _write_dump(self, name: str) -> None:
        options = self._config.section("dump")
        files: dict[str, Any] = describe_server(self._config.public(), await self._statistics.known())
        folder, kept = self._config.path(options["path"]), options["history"]["reports"]
        try:
            await asyncio.to_thread(write_snapshot, folder, name, files, kept=kept)
        except OSError as error:
            logger.error("The dump %s cannot be written: %s", folder / name, error.strerror)
            raise KuzzleError(
                "core.fatal.unexpected_error", "the dump cannot be written, see the server's log"
            ) from error
        finally:
            self._locks.give_back("dump")

    @action("shutdown")
    async def shutdown(self, request: Request) -> AcknowledgedOrder:
        """Stop the server once running requests are done; the lock is never released."""
        self._locks.take("shutdown")
        self._stop_server()
        return AcknowledgedOrder()
