"""Tokens in memory: what is known of one, and those that were verified lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_VERIFIED: Final = 10_000
"""Tokens kept in memory (some 600 bytes each); those beyond are verified and read again, 50 us each."""


@dataclass(slots=True, eq=False)
class Token:
    """A token that was issued.

    Attributes:
        id: Its own id, under which the store keeps it.
        kuid: The user it was issued to.
        text: As clients send it; empty: nobody sends it, it stands for a connection that a password let in.
        expires_at_ms: Milliseconds since the epoch.
        ttl_ms: How long it lives from its issue on.
        is_refreshed: True once another one took its place; it is good for a short time more.
    """

    id: str
    kuid: str
    text: str
    expires_at_ms: int
    ttl_ms: int
    is_refreshed: bool = False


class VerifiedTokens:
    """Tokens by their texts and by their users; the longest known go first."""

    def __init__(self, size: int = MAX_VERIFIED) -> None:
        self._size = size
        self._by_text: dict[str, Token] = {}
        self._by_user: dict[str, dict[str, Token]] = {}
        self.find = self._by_text.get

    def add(self, token: Token) -> None:
        """Keep a token."""
        if len(self._by_text) >= self._size and token.text not in self._by_text:
            self.remove(self._by_text[next(iter(self._by_text))])
        self._by_text[token.text] = token
        self._by_user.setdefault(token.kuid, {})[token.id] = token

    def remove(self, token: Token) -> None:
        """Forget a token."""
        if self._by_text.pop(token.text, None) is not None:
            tokens = self._by_user[token.kuid]
            del tokens[token.id]
            if not tokens:
                del self._by_user[token.kuid]

    def find_of_user(self, kuid: str, token_id: str) -> Token | None:
        """Return a token of a user by its id."""
        return self._by_user.get(kuid, {}).get(token_id)

    def of_user(self, kuid: str) -> list[Token]:
        """Return the tokens of a user."""
        return list(self._by_user.get(kuid, {}).values())

    def __iter__(self) -> Iterator[Token]:
        return iter(self._by_text.values())
