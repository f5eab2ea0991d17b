"""Making a user together with its credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuzzle.connection import new_id
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.credentials import Credentials
from kuzzle.security.stored import SecurityObject
from kuzzle.security.users import Users
from kuzzle.storage.base import Source

Store = Callable[[str, Source], Awaitable[SecurityObject]]


class UserMaker:
    """Makes users with credentials: both or nothing."""

    def __init__(self, users: Users, credentials: Credentials) -> None:
        self.users = users
        self._credentials = credentials

    async def make(
        self,
        kuid: str | None,
        source: Source,
        credentials: Mapping[str, Any] | None,
        *,
        store: Store | None = None,
        request: Request,
    ) -> SecurityObject:
        """Store a user and its credentials.

        Args:
            kuid: None or empty: a new UUID.
            source: The content, with its metadata.
            credentials: Strategy to what it is given.
            store: Stores the user, `Users.create` unless given.

        Raises:
            KuzzleError: What is wrong with the user, or with its credentials.
        """
        if kuid and await self.users.exists(kuid):
            raise KuzzleError("security.user.already_exists", kuid)
        await self._credentials.validate(credentials or {}, kuid or None, request=request)
        kuid = kuid or new_id()
        created = await (store or self.users.create)(kuid, source)
        try:
            await self._credentials.create(kuid, credentials or {}, request=request)
        except BaseException:  # a cancelled request leaves nothing behind either
            await self.users.delete(kuid)
            raise
        return created
