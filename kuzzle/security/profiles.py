"""The profiles of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.security.definitions import PROTECTED_NAMES, ProfileDefinition, read_profile
from kuzzle.security.roles import Roles
from kuzzle.security.stored import Definitions
from kuzzle.storage.base import Source, Storage, WriteKind
from kuzzle.storage.internal import InternalCollection

PROFILES_COLLECTION: Final = "profiles"
_PROPERTIES: Final = {"policies": {"properties": {"roleId": {"type": "keyword"}}}}


class Profiles(Definitions[ProfileDefinition]):
    """The profiles of a server.

    Attributes:
        is_used: Tells whether a user has a profile; set before requests come.
    """

    is_used: Callable[[str], Awaitable[bool]]

    def __init__(self, storage: Storage, turn: asyncio.Lock, roles: Roles) -> None:
        super().__init__(InternalCollection(storage, PROFILES_COLLECTION, _PROPERTIES, dynamic="true"), turn)
        self._roles = roles
        roles.is_used = self.uses_role

    def uses_role(self, role_id: str) -> bool:
        """Tell whether a profile refers to a role."""
        return any(policy.role_id == role_id for profile in self.active.values() for policy in profile.policies)

    def _read(self, object_id: str, source: Source, *, is_stored: bool = False) -> ProfileDefinition:
        return read_profile(object_id, source, None if is_stored else self._roles.active.__contains__)

    def _missing(self, object_id: str) -> KuzzleError:
        return KuzzleError("security.profile.not_found", object_id)

    def _resolve(self, kind: WriteKind, object_id: str, source: Source) -> tuple[WriteKind, Source]:
        """Return what to write: of an update, members change whole, but for the metadata."""
        if kind is not WriteKind.UPDATE:
            return kind, source
        before = self.get(object_id).source
        metadata = {**before.get("_kuzzle_info", {}), **source["_kuzzle_info"]}
        return WriteKind.REPLACE, {**before, **source, "_kuzzle_info": metadata}

    async def delete(self, profile_id: str) -> None:
        """Remove a profile.

        Raises:
            KuzzleError: 404 `security.profile.not_found`, 400 `cannot_delete`, 412 `in_use`.
        """
        async with self._turn:
            self.get(profile_id)
            if profile_id in PROTECTED_NAMES:
                raise KuzzleError("security.profile.cannot_delete")
            if await self.is_used(profile_id):
                raise KuzzleError("security.profile.in_use", profile_id)
            await self._remove(profile_id)


def with_policies(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of a profile where an empty list of policies has become the role `default`."""
    return {**content, "policies": [{"roleId": "default"}]} if content.get("policies") == [] else content
