"""The roles of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from kuzzle.errors import KuzzleError
from kuzzle.security.definitions import PROTECTED_NAMES, RoleDefinition, read_role
from kuzzle.security.stored import Definitions
from kuzzle.storage.base import Source, Storage
from kuzzle.storage.internal import InternalCollection

ROLES_COLLECTION: Final = "roles"
_PROPERTIES: Final = {"controllers": {"type": "object", "enabled": False}}


class Roles(Definitions[RoleDefinition]):
    """The roles of a server.

    Attributes:
        is_used: Tells whether a profile refers to a role; set before requests come.
    """

    is_used: Callable[[str], bool]

    def __init__(self, storage: Storage, turn: asyncio.Lock) -> None:
        super().__init__(InternalCollection(storage, ROLES_COLLECTION, _PROPERTIES, dynamic="true"), turn)

    def _read(self, object_id: str, source: Source, *, is_stored: bool = False) -> RoleDefinition:
        return read_role(object_id, source, is_stored=is_stored)

    def _missing(self, object_id: str) -> KuzzleError:
        return KuzzleError("security.role.not_found", object_id)

    def naming(self, controllers: Collection[str] | None) -> list[RoleDefinition]:
        """Return the roles that have an entry for one of these controllers or for all, sorted by id.

        None: every role.
        """
        wanted = None if controllers is None else {*controllers, "*"}
        return [
            role
            for _, role in sorted(self.active.items())
            if wanted is None or not wanted.isdisjoint(role.source["controllers"])
        ]

    async def delete(self, role_id: str) -> None:
        """Remove a role.

        Raises:
            KuzzleError: 404 `security.role.not_found`, 400 `cannot_delete`, 412 `in_use`.
        """
        async with self._turn:
            self.get(role_id)
            if role_id in PROTECTED_NAMES:
                raise KuzzleError("security.role.cannot_delete")
            if self.is_used(role_id):
                raise KuzzleError("security.role.in_use", role_id)
            await self._remove(role_id)
