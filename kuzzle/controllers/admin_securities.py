"""What administrators do with all securities at once: load them, reset them."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kuzzle.api.results import AcknowledgedOrder, ResetSecurities
from kuzzle.controllers.arguments import waits_for_refresh
from kuzzle.controllers.background import Background
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.locks import Locks
from kuzzle.controllers.security.creating import UserMaker
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.model import SecurityModel
from kuzzle.security.profiles import with_policies
from kuzzle.security.stored import stamped
from kuzzle.storage.base import Source, WriteKind

logger = logging.getLogger(__name__)

_PARTS = ("roles", "profiles", "users")

Parts = Mapping[str, Mapping[str, dict[str, Any]]]
"""Kind of security to id to content."""


class AdminSecuritiesController(Controller):
    """What administrators do with all securities at once: load them, reset them."""

    name = "admin"

    def __init__(
        self,
        model: SecurityModel,
        maker: UserMaker,
        background: Background,
        limits: Mapping[str, Any],
        *,
        reload: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        """Keep the parts.

        Args:
            limits: `documentsWriteCount` bounds the users of a load.
            reload: What keeps something in the internal index: each reads it anew.
        """
        self._model = model
        self._maker = maker
        self._background = background
        self._max_users: int = limits["documentsWriteCount"]
        self._reload = reload
        self._locks = Locks()

    @action("loadSecurities")
    async def load_securities(self, request: Request) -> AcknowledgedOrder:
        """Create or replace roles, profiles and users."""
        parts = self._read_parts(request.body)
        if waits_for_refresh(request):
            await self._load(parts, request)
        else:
            await self._background.start("admin:loadSecurities", lambda: self._load(parts, request))
        return AcknowledgedOrder()

    def _read_parts(self, body: Mapping[str, Any]) -> Parts:
        """Check the form of the body, two levels deep and of users three.

        Raises:
            KuzzleError: 400 `api.assert.invalid_argument`, `unexpected_argument`, `invalid_id`; 413, too many users.
        """
        for name in body:
            if name not in _PARTS:
                raise KuzzleError("api.assert.unexpected_argument", f"body.{name}", ", ".join(_PARTS))
        parts = {name: _objects(body.get(name), f"body.{name}") for name in _PARTS}
        for name in (*parts["profiles"], *parts["users"]):
            if name.startswith("_"):
                raise KuzzleError("api.assert.invalid_id")
        for kuid, user in parts["users"].items():
            for member in user:
                if member not in ("content", "credentials"):
                    raise KuzzleError(
                        "api.assert.unexpected_argument", f"body.users.{kuid}.{member}", "content, credentials"
                    )
            if not isinstance(user.get("content"), dict):
                raise KuzzleError("api.assert.invalid_argument", f"body.users.{kuid}.content", "an object")
            _objects(user.get("credentials"), f"body.users.{kuid}.credentials")
        if len(parts["users"]) > self._max_users:
            raise KuzzleError("services.storage.write_limit_exceeded", self._max_users)
        return parts

    async def _load(self, parts: Parts, request: Request) -> None:
        """Write the parts, one by one; the first fault ends it, what was written stays.

        Raises:
            KuzzleError: What is wrong with a role, profile or user.
        """
        for role_id, role in parts["roles"].items():
            await self._model.roles.write(WriteKind.CREATE_OR_REPLACE, role_id, _content(role))
        for profile_id, profile in parts["profiles"].items():
            content = _content(with_policies(profile))
            await self._model.profiles.write(WriteKind.CREATE_OR_REPLACE, profile_id, content)
        users = self._model.users
        await users.delete_many([kuid for kuid in parts["users"] if await users.exists(kuid)])
        for kuid, user in parts["users"].items():
            await self._maker.make(kuid, _content(user["content"]), user.get("credentials"), request=request)

    @action("resetSecurity")
    async def reset_security(self, request: Request) -> ResetSecurities:
        """Delete users, profiles and roles; what is left is what a new server has."""
        with self._locks.hold("resetSecurity"):
            return ResetSecurities(**await self._model.reset())

    @action("resetKuzzleData")
    async def reset_kuzzle_data(self, request: Request) -> AcknowledgedOrder:
        """Empty the index of the server itself, and make it as that of a new server."""
        with self._locks.hold("resetKuzzleData"):
            await self._model.drop(self._reload)
        return AcknowledgedOrder()


def _content(content: Mapping[str, Any]) -> Source:
    return stamped(content, None, int(time.time() * 1000))


def _objects(value: Any, path: str) -> dict[str, dict[str, Any]]:
    """Return an object of objects, an empty one for null.

    Raises:
        KuzzleError: 400 `api.assert.invalid_argument`.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KuzzleError("api.assert.invalid_argument", path, "an object")
    for name, entry in value.items():
        if not isinstance(entry, dict):
            raise KuzzleError("api.assert.invalid_argument", f"{path}.{name}", "an object")
    return value
