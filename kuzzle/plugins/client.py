"""The client of plugins: calls that pass the gates of the funnel without a network before them."""

from __future__ import annotations

from typing import Any, Final

from kuzzle.connection import Connection
from kuzzle.encoding import JsonError, copy_json
from kuzzle.entrypoint import Entrypoint
from kuzzle.errors import KuzzleError, PartialError, ResultingError
from kuzzle.funnel import Funnel
from kuzzle.plugins.services import EmbeddedClient
from kuzzle.security.users import SERVER, Users

MAX_CALLS: Final = 1000
"""Calls of one plugin that are at work at a time. Each holds its request and a few kB; calls that make calls without
an end stop here."""

# They belong to a connection, and nothing could be pushed to a plugin.
_OF_CONNECTIONS: Final = frozenset({"subscribe", "join", "unsubscribe"})


class Inside:
    """The way of one plugin into the server.

    Attributes:
        at_work: How many of its calls are.
    """

    def __init__(self, entrypoint: Entrypoint, funnel: Funnel, users: Users) -> None:
        self.at_work = 0
        self._entrypoint = entrypoint
        self._funnel = funnel
        self._users = users
        self._connection = Connection("")

    async def call(self, payload: dict[str, Any], kuid: str | None, *, fires_events: bool) -> Any:
        """Run a call of the server itself (None), or for a user.

        Raises:
            KuzzleError: As `EmbeddedClient.execute`.
        """
        if self.at_work >= MAX_CALLS:
            raise KuzzleError("api.process.overloaded")
        self.at_work += 1
        try:
            user = SERVER if kuid is None else self._users.find(kuid) or await self._users.get(kuid)
            request = self._entrypoint.read(self._connection, payload)
            request.fires_events = fires_events
            return await self._funnel.execute_inside(request, user)
        finally:
            self.at_work -= 1


class InsideClient(EmbeddedClient):
    """Calls the API by the way of one plugin."""

    def __init__(self, inside: Inside, kuid: str | None = None) -> None:
        """`kuid` is for whom it asks; None: the server itself."""
        self._inside = inside
        self._kuid = kuid

    async def execute(
        self, controller: str, action: str, *, body: Any = None, triggers_events: bool = False, **arguments: Any
    ) -> Any:
        """Call an action and return its result."""
        if controller == "realtime" and action in _OF_CONNECTIONS:
            raise KuzzleError("plugin.context.unavailable_realtime", action)
        if "jwt" in arguments:  # `as_user` says who asks
            raise KuzzleError("api.assert.forbidden_argument", "jwt")
        # What stays with the server is nothing that the plugin could change later, and the other way round.
        try:
            payload = copy_json({**arguments, "controller": controller, "action": action, "body": body})
        except JsonError as error:
            raise KuzzleError.without_id(400, f"The arguments are no JSON: {error}") from error
        try:
            return _plain(await self._inside.call(payload, self._kuid, fires_events=triggers_events))
        except (PartialError, ResultingError) as error:
            error.result = _plain(error.result)
            if isinstance(error, PartialError):
                error.errors = _plain(error.errors)
            raise

    def as_user(self, kuid: str) -> EmbeddedClient:
        """Return a client that asks for a user."""
        if not (isinstance(kuid, str) and kuid):
            raise KuzzleError("plugin.context.invalid_user")
        return InsideClient(self._inside, kuid)


def _plain(result: Any) -> Any:
    """Return a result as a client would read it; bytes, which raw answers may be, as they are."""
    if isinstance(result, bytes):
        return result
    try:
        return copy_json(result)
    except JsonError as error:  # of another plugin's controller
        raise KuzzleError("plugin.controller.unserializable_response") from error
