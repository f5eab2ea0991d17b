"""Who a connection acts for, where a protocol asks for credentials when a client connects.

A connection that was let in acts as its user in every request that brings no token of its own. It is
closed when its user is deleted or loses all tokens, and, if a token let it in, when that token ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.durations import MAX_MOMENT_MS
from kuzzle.security.logins import Logins
from kuzzle.security.rights import Rights
from kuzzle.security.strategies.base import Redirected
from kuzzle.security.tokens import Tokens
from kuzzle.security.users import User, Users
from kuzzle.security.verified_tokens import Token
from kuzzle.tasks import start_now

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Identity:
    """Who a connection acts for.

    Attributes:
        user: As it is now: its profiles follow changes.
        token: What let the connection in. Where a password did, one without a text, that nobody can ask by and that
            has no end: subscriptions hang on it as they do on others.
        connection_id: The connection.
        on_changed: Called when the user's rights may have changed.
    """

    user: User
    token: Token
    connection_id: str
    on_changed: Callable[[], None] = field(default=lambda: None)


class Doorman:
    """The connections that were let in.

    Attributes:
        disconnect: Closes a connection by its id, with a text for the client.
    """

    def __init__(self, logins: Logins, tokens: Tokens, users: Users, rights: Rights) -> None:
        self.disconnect: Callable[[str, str], None] = lambda _connection_id, _text: None
        self._logins = logins
        self._tokens = tokens
        self._users = users
        self._rights = rights
        self._by_user: dict[str, set[Identity]] = {}
        self._by_token: dict[str, set[Identity]] = {}

    async def let_in(self, connection: Connection, username: str, password: str) -> None:
        """Find out who a connection acts for: by a token in place of the password, else by strategy `local`.

        Raises:
            KuzzleError: 401: the token is not good, or name and password are wrong; 429: too many logins have
                failed; 503: too many wait.
        """
        if self._tokens.is_token(password):
            token = await self._tokens.authenticate(password)
            user = await self._users.get(token.kuid)
        else:
            body = {"username": username, "password": password}
            payload = {"controller": "auth", "action": "login", "strategy": "local", "body": body}
            found = await self._logins.verify(Request(payload, connection), "local")
            if isinstance(found, Redirected):
                raise KuzzleError("security.rights.unauthorized")
            user = found
            token = Token(f"connection {connection.id}", user.id, "", MAX_MOMENT_MS, MAX_MOMENT_MS)
        identity = connection.identity = Identity(user, token, connection.id)
        self._by_user.setdefault(user.id, set()).add(identity)
        if token.text:
            self._by_token.setdefault(token.id, set()).add(identity)
            self._tokens.watch(token)

    def leave(self, identity: Identity) -> None:
        """Forget a connection."""
        is_known = _drop(self._by_user, identity.user.id, identity)
        if identity.token.text and is_known:
            _drop(self._by_token, identity.token.id, identity)
            self._tokens.unwatch(identity.token)

    # --- what it may do

    def allows(self, identity: Identity, action: str, index: str | None, collection: str | None) -> bool:
        """Tell whether a user may run an action of `realtime` on an index and collection."""
        return self._rights.allows(identity.user, "realtime", action, index, collection)

    async def still_allows(self, identity: Identity, action: str, index: str | None, collection: str | None) -> bool:
        """Tell the same of somebody whose connection is gone: by the rights of now."""
        try:
            identity.user = await self._users.get(identity.user.id)
        except KuzzleError:
            return False
        return self.allows(identity, action, index, collection)

    # --- what ends it

    def rights_changed(self, kuid: str | None) -> None:
        """Take note that the rights of a user may have changed, or those of all (None)."""
        users = tuple(self._by_user) if kuid is None else (kuid,)
        for user in users:
            for identity in tuple(self._by_user.get(user, ())):
                start_now(self._renew(identity))

    def token_ended(self, token_id: str) -> None:
        """Close the connections that a token let in."""
        for identity in tuple(self._by_token.get(token_id, ())):
            self.disconnect(identity.connection_id, "Token expired")

    def user_revoked(self, kuid: str) -> None:
        """Close the connections of a user whose sessions are all over."""
        for identity in tuple(self._by_user.get(kuid, ())):
            self.disconnect(identity.connection_id, "Session revoked")

    async def _renew(self, identity: Identity) -> None:
        try:
            identity.user = await self._users.get(identity.user.id)
        except KuzzleError as error:
            if error.status != 404:
                logger.warning("The rights of a connected user cannot be read: %s", error.message)
            self.disconnect(identity.connection_id, "Session revoked")
            return
        identity.on_changed()


def _drop(table: dict[str, set[Identity]], key: str, identity: Identity) -> bool:
    """Take an identity out of a table; tell whether it was there."""
    identities = table.get(key, set())
    if identity not in identities:
        return False
    identities.remove(identity)
    if not identities:
        del table[key]
    return True
