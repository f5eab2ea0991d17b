"""Users on their way out: the event `security:formatUserForSerialization`, for those who listen to it."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Final

import orjson

from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.request import Request
from kuzzle.security.stored import SecurityObject, SecurityPage
from kuzzle.storage.base import Source
from kuzzle.storage.stored_content import StoredContent

_EVENT: Final = "security:formatUserForSerialization"


class UserShower:
    """Lets pipes change how users are shown; what is stored stays as it is."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def show(self, request: Request, user: SecurityObject) -> SecurityObject:
        """Return a user as pipes leave it.

        Raises:
            KuzzleError: A pipe's; `plugin.runtime.unexpected_error`, one has left no user;
                `plugin.controller.unserializable_response`, what one has left is no JSON.
        """
        if not self._is_watched(request):
            return user
        return SecurityObject(user.id, await self._piped(user.id, user.source))

    async def show_page(self, request: Request, found: SecurityPage) -> SecurityPage:
        """Return a page of users as pipes leave them, one after the other.

        Raises:
            KuzzleError: As of `show`.
        """
        if not self._is_watched(request):
            return found
        hits = [
            dataclasses.replace(hit, content=StoredContent.of(await self._piped(hit.id, hit.source or {})))
            for hit in found.page.hits
        ]
        return SecurityPage(dataclasses.replace(found.page, hits=hits))

    def _is_watched(self, request: Request) -> bool:
        return request.fires_events and self._events.has_listeners(_EVENT)

    async def _piped(self, kuid: str, source: Source) -> Source:
        # A copy: the content may be one that the server goes on with.
        user = await self._events.fire(_EVENT, {"_id": kuid, "_source": copy.deepcopy(source)})
        shown: Any = user.get("_source")
        if not isinstance(shown, dict):
            text = f'the pipes on the event "{_EVENT}" left no "_source"'
            raise KuzzleError("plugin.runtime.unexpected_error", text)
        try:
            orjson.dumps(shown)
        except TypeError as error:
            raise KuzzleError("plugin.controller.unserializable_response") from error
        return shown
