"""The events on the way of a request, for those that somebody listens to; all others pass by here.

`request:onAuthorized` or `request:onUnauthorized`, then `generic:document:before*`, `<controller>:before*`, the
action, `<controller>:after*`, `generic:document:after*`, `request:onSuccess`. Where any of that fails,
`<controller>:error*`, and unless its pipes have cleared the error `request:onError`.

Listeners see a request's result as its API generation words it: JSON values of their own, which they may change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from kuzzle.catalogue import ActionDefinition
from kuzzle.errors import KuzzleError, PartialError, ResultingError
from kuzzle.events import Events
from kuzzle.request import Request

_ON_AUTHORIZED: Final = "request:onAuthorized"
_ON_UNAUTHORIZED: Final = "request:onUnauthorized"
_ON_SUCCESS: Final = "request:onSuccess"
_ON_ERROR: Final = "request:onError"

Method = Callable[[Request], Awaitable[Any]]


class RequestEvents:
    """Fires the events of requests."""

    def __init__(self, events: Events, log_defect: Callable[[Request], KuzzleError]) -> None:
        """`log_defect` logs the exception that is being handled and returns what clients are told of it."""
        self._events = events
        self._log_defect = log_defect

    def concern(self, definition: ActionDefinition) -> bool:
        """Tell whether somebody listens to anything that requests of an action fire once they are allowed."""
        return self._events.has_any_listeners(definition.events)

    async def authorized(self, request: Request) -> Request:
        """Tell that a request is allowed; return the request to go on with.

        Raises:
            KuzzleError: A pipe's.
        """
        if not self._events.has_listeners(_ON_AUTHORIZED):
            return request
        return await self._fire(_ON_AUTHORIZED, request)

    async def unauthorized(self, request: Request, refusal: KuzzleError) -> None:
        """Tell that a request is refused.

        Raises:
            KuzzleError: A pipe's, in place of the refusal.
        """
        if self._events.has_listeners(_ON_UNAUTHORIZED):
            request.set_error(refusal)
            await self._events.fire(_ON_UNAUTHORIZED, request)

    async def lead(self, request: Request, definition: ActionDefinition, method: Method) -> Request:
        """Run an action with all its events, from the check of the SDK on.

        Returns:
            The request that tells the outcome, by its `error` or else its `result`; a PartialError has the result too.

        Raises:
            KuzzleError: That of a pipe on `request:onError`.
        """
        current = request
        try:
            if current.volatile:
                current.api.check_sdk(current.volatile)
            current = await self._before(current, definition)
            definition.check(current.payload)
            _keep_result(current, await method(current))
            request.after_answer = current.after_answer
            current = await self._after(current, definition)
            _check_result(current)
        except KuzzleError as error:
            failure = error
        except Exception:  # as the funnel does, but listeners hear of it too
            failure = self._log_defect(current)
        else:
            return current
        return await self._failed(current, definition, failure)

    async def _before(self, request: Request, definition: ActionDefinition) -> Request:
        generic = definition.document_events
        if generic is not None and generic.before is not None and self._events.has_listeners(generic.before):
            documents = generic.documents_of(request)
            if documents is not None:
                generic.put_into(request, await self._events.fire(generic.before, documents, request))
        request = await self._fire(definition.before_event, request)
        request.defaults = definition.defaults
        return request

    async def _after(self, request: Request, definition: ActionDefinition) -> Request:
        request = await self._fire(definition.after_event, request)
        generic = definition.document_events
        if generic is not None and self._events.has_listeners(generic.after):
            documents = generic.results_of(request)
            if documents is not None:
                generic.put_into_result(request, await self._events.fire(generic.after, documents, request))
        return await self._fire(_ON_SUCCESS, request)

    async def _failed(self, request: Request, definition: ActionDefinition, failure: KuzzleError) -> Request:
        request.set_error(failure)
        try:
            answer = await self._fire(definition.error_event, request)
            if answer.error is None:
                _check_result(answer)
                return answer
            failure = answer.error
        except KuzzleError as error:
            failure = error
        request.set_error(failure)
        answer = await self._fire(_ON_ERROR, request)
        if answer is request:  # it has failed, whatever became of its members
            request.set_error(failure)
        else:
            _check_result(answer)
        return answer

    async def _fire(self, event: str, request: Request) -> Request:
        """Fire an event; another request that its pipes answer takes the place of this one."""
        answer: Request = await self._events.fire(event, request)
        if answer is not request:
            answer.id = request.id  # by which the client knows the answer
            answer.api = request.api
            answer.user = request.user
            answer.token = request.token
        return answer


def _keep_result(request: Request, result: Any) -> None:
    """Let listeners see what an action has answered."""
    try:
        request.result = _plain(request.api.word(request, result))
    except PartialError as error:
        request.set_error(error)
        request.result = _plain(error.result)


def _plain(result: Any) -> Any:
    """Return a result as JSON values that belong to nobody else; texts and bytes that go out as they are stay so."""
    if result is None or isinstance(result, bool | int | float | str | bytes):
        return result
    return orjson.loads(orjson.dumps(result))


def _check_result(request: Request) -> None:
    """Make sure that what listeners have left can be sent; a partial answer takes the result along.

    Raises:
        KuzzleError: `plugin.controller.unserializable_response`.
    """
    if not isinstance(request.result, bytes):
        try:
            orjson.dumps(request.result)
        except TypeError as error:
            raise KuzzleError("plugin.controller.unserializable_response") from error
    if isinstance(request.error, PartialError | ResultingError):
        request.error.result = request.result
