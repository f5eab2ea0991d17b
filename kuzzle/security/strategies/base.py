"""What a strategy is: one way to prove who one is, and the keeper of the credentials that it needs.

A user may have credentials of any number of strategies. Methods get the request that is served, None
where the server acts by itself; what a method refuses it refuses with a KuzzleError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.request import Request

Secrets = Mapping[str, Any]
"""Credentials as a client writes them."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request proves who asks."""

    kuid: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The request does not prove it; `message` is shown, None for a general one."""

    message: str | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """The proof goes on elsewhere: the client is answered this HTTP status with these headers."""

    status: int
    headers: Mapping[str, str]


Verdict = Accepted | Refused | Redirected


@dataclass(frozen=True, slots=True)
class FoundCredentials:
    """What a search of credentials found: what may be shown of each, its `kuid` included, and how many match."""

    hits: list[dict[str, Any]]
    total: int


class Strategy(ABC):
    """One way to log in.

    Attributes:
        name: As requests name it.
        fields: Names of the members of its credentials, for interfaces that ask people for them.
    """

    name: str
    fields: Sequence[str] = ()

    async def after_register(self) -> None:
        """Get ready; called when the strategy has been registered."""
        return

    @abstractmethod
    async def verify(self, request: Request) -> Verdict:
        """Judge a login: `request.payload` holds the arguments, `request.body` the body."""

    def login_name(self, request: Request) -> str | None:
        """Return whom a login is about, as far as the request tells; failed logins are counted by it."""
        return None

    @abstractmethod
    async def exists(self, request: Request | None, kuid: str) -> bool:
        """Tell whether a user has credentials of this strategy."""

    @abstractmethod
    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        """Refuse credentials that cannot be stored for a user; None: for some user.

        Raises:
            KuzzleError: Why not.
        """

    @abstractmethod
    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Store credentials; return what may be shown of them.

        Raises:
            KuzzleError: Why they are not stored; nothing is then.
        """

    @abstractmethod
    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Change stored credentials; return what may be shown of them.

        Raises:
            KuzzleError: Why they are not changed.
        """

    @abstractmethod
    async def delete(self, request: Request | None, kuid: str) -> None:
        """Remove a user's credentials.

        Raises:
            KuzzleError: Why they are not removed.
        """

    async def get_info(self, request: Request | None, kuid: str) -> dict[str, Any]:
        """Return what may be shown of a user's credentials.

        Raises:
            KuzzleError: The user has none.
        """
        return {}

    async def get_by_id(self, request: Request | None, login: str) -> dict[str, Any]:
        """Return what may be shown of the credentials that the strategy knows by an id of its own.

        Raises:
            KuzzleError: There are none.
        """
        return {}

    async def search(self, body: Mapping[str, Any], offset: int | None, size: int | None) -> FoundCredentials:
        """Find users by their credentials.

        Args:
            body: `query` and `sort`, in the query language of documents.

        Raises:
            KuzzleError: 500 without id: the strategy has no search; what is wrong with the search.
        """
        text = f'"search" method is optional. The {self.name} strategy plugin has not yet implemented it.'
        raise KuzzleError.without_id(500, text)
