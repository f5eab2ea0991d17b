"""Which connections hold subscriptions by which token, so that these end with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kuzzle.security.verified_tokens import Token


class TokenWatcher(Protocol):
    """Who tells when a token ends, handed in by the application."""

    def watch(self, token: Token) -> None:
        """Watch a token: subscriptions hang on it from now on."""

    def unwatch(self, token: Token) -> None:
        """Watch a token no longer."""


class NoWatcher:
    """Watches nothing: for realtime by itself."""

    def watch(self, token: Token) -> None:
        """Do nothing."""

    def unwatch(self, token: Token) -> None:
        """Do nothing."""


@dataclass(slots=True)
class _Held:
    token: Token
    rooms: dict[str, int] = field(default_factory=dict)
    """Connection id to the number of its rooms that hang on the token."""


class Holders:
    """The tokens that subscriptions hang on.

    Attributes:
        watcher: Is told of each token that is held, and of each that is held no longer.
    """

    def __init__(self) -> None:
        self.watcher: TokenWatcher = NoWatcher()
        self._held: dict[str, _Held] = {}
        self._of_user: dict[str, set[str]] = {}

    def hold(self, token: Token | None, connection_id: str) -> None:
        """Count one more room of a connection to a token."""
        if token is None:
            return
        held = self._held.get(token.id)
        if held is None:
            held = self._held[token.id] = _Held(token)
            self._of_user.setdefault(token.kuid, set()).add(token.id)
            self.watcher.watch(token)
        held.rooms[connection_id] = held.rooms.get(connection_id, 0) + 1

    def drop(self, token: Token | None, connection_id: str) -> None:
        """Count one room of a connection less."""
        held = None if token is None else self._held.get(token.id)
        if held is None:
            return
        held.rooms[connection_id] -= 1
        if not held.rooms[connection_id]:
            del held.rooms[connection_id]
        if not held.rooms:
            del self._held[held.token.id]
            tokens = self._of_user[held.token.kuid]
            tokens.discard(held.token.id)
            if not tokens:
                del self._of_user[held.token.kuid]
            self.watcher.unwatch(held.token)

    def connections(self, token_id: str) -> Iterable[str]:
        """Return the connections whose subscriptions hang on a token."""
        held = self._held.get(token_id)
        return () if held is None else tuple(held.rooms)

    def tokens_of(self, kuid: str) -> Iterable[str]:
        """Return the ids of the tokens of a user that subscriptions hang on."""
        return tuple(self._of_user.get(kuid, ()))
