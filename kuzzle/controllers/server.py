"""What the server tells about itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import kuzzle
from kuzzle import host
from kuzzle.cache.base import Cache
from kuzzle.config import Config
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.moments import moment_ms
from kuzzle.errors import ResultingError
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.request import Request
from kuzzle.security.users import Users
from kuzzle.statistics import Frame, Statistics
from kuzzle.storage.base import Storage


class ServerController(Controller):
    """What the server tells about itself."""

    name = "server"

    def __init__(
        self,
        storage: Storage,
        memory_storage: MemoryStorage,
        cache: Cache,
        users: Users,
        statistics: Statistics,
        config: Config,
        *,
        plugins: Callable[[], dict[str, Any]],
    ) -> None:
        """`plugins` describes the plugins, by name."""
        self._storage = storage
        self._memory_storage = memory_storage
        self._cache = cache
        self._users = users
        self._statistics = statistics
        self._config = config
        self._plugins = plugins
        self._started_at = time.monotonic()

    @action("now")
    async def now(self, request: Request) -> dict[str, int]:
        """Return the time, in milliseconds since the epoch."""
        return {"now": int(time.time() * 1000)}

    @action("info")
    async def info(self, request: Request) -> dict[str, Any]:
        """Describe the server, its API, its machine and its services."""
        total, free = host.machine_memory_bytes()
        return {
            "serverInfo": {
                "kuzzle": {
                    "version": kuzzle.__version__,
                    "api": {"routes": request.api.public_actions()},
                    "nodeVersion": host.runtime_version(),
                    "memoryUsed": host.memory_used_bytes(),
                    "uptime": f"{int(time.monotonic() - self._started_at)}s",
                    "plugins": self._plugins(),
                    "system": {"memory": {"total": total, "free": free}, "cpus": host.processors()},
                },
                "services": {
                    "internalCache": await self._cache.describe(),
                    "memoryStorage": await self._memory_storage.describe(),
                    "storageEngine": await self._storage.describe(),
                },
            }
        }

    @action("healthCheck")
    async def health_check(self, request: Request) -> dict[str, Any]:
        """Tell whether what the server depends on works."""
        services = {
            "internalCache": "green" if await self._cache.is_healthy() else "red",
            "memoryStorage": "green" if await self._memory_storage.is_healthy() else "red",
            "storageEngine": "green" if await self._storage.is_healthy() else "red",
        }
        red = [name for name, colour in services.items() if colour == "red"]
        result = {"status": "red" if red else "green", "services": services}
        if red:
            raise ResultingError("core.fatal.service_unavailable", ", ".join(red), result=result)
        return result

    @action("adminExists")
    async def admin_exists(self, request: Request) -> dict[str, bool]:
        """Tell whether somebody has the profile of an administrator."""
        return {"exists": await self._users.admin_exists()}

    @action("publicApi")
    async def public_api(self, request: Request) -> Any:
        """List the actions with their routes."""
        return request.api.public_actions()

    @action("getConfig")
    async def get_config(self, request: Request) -> dict[str, Any]:
        """Return the configuration in force, secrets left out."""
        return {"version": kuzzle.__version__, **self._config.public()}

    # --- statistics

    @action("getLastStats")
    async def get_last_stats(self, request: Request) -> Frame:
        """Return the last frame of the statistics."""
        return await self._statistics.last()

    @action("getStats")
    async def get_stats(self, request: Request) -> dict[str, Any]:
        """Return the frames of a time."""
        return _frames(await self._statistics.between(moment_ms(request, "startTime"), moment_ms(request, "stopTime")))

    @action("getAllStats")
    async def get_all_stats(self, request: Request) -> dict[str, Any]:
        """Return all frames."""
        return _frames(await self._statistics.between(None, None))


def _frames(frames: list[Frame]) -> dict[str, Any]:
    return {"total": len(frames), "hits": frames}
