"""The people behind requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kuzzle.storage.internal import INTERNAL_INDEX
from kuzzle.storage.query import Term

if TYPE_CHECKING:
    from kuzzle.storage.base import Storage

USERS_COLLECTION: Final = "users"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who asks.

    Attributes:
        id: The kuid; `"-1"` for anonymous.
        profile_ids: Profiles whose rights add up.
    """

    id: str
    profile_ids: tuple[str, ...]


ANONYMOUS: Final = User("-1", ("anonymous",))


class Users:
    """The stored users."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def admin_exists(self) -> bool:
        """Tell whether at least one user holds the profile `admin`."""
        if not await self._storage.collection_exists(INTERNAL_INDEX, USERS_COLLECTION):
            return False
        return await self._storage.count(INTERNAL_INDEX, USERS_COLLECTION, Term("profileIds", "admin")) > 0
