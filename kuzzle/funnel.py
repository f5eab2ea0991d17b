"""The gates of a request, in the order that clients see them.

slot or buffer → token → rights → action → SDK mark → `before` pipes → arguments → the action →
`after` pipes → wire shape. A caller without rights never learns whether an action exists. This is the
one place where an exception becomes a response. What somebody listens to is led by `request_events`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from kuzzle.api.generation import ApiGeneration
from kuzzle.catalogue import ActionDefinition
from kuzzle.controllers import Registry
from kuzzle.controllers.base import Method
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.limits import RequestSlots
from kuzzle.request import Request
from kuzzle.request_events import RequestEvents
from kuzzle.response import Response
from kuzzle.security.rights import Rights, refusal
from kuzzle.security.tokens import Tokens
from kuzzle.security.users import ANONYMOUS, User, Users

logger = logging.getLogger(__name__)


class Funnel:
    """Leads every request through the gates."""

    def __init__(
        self,
        *,
        api: ApiGeneration,
        registry: Registry,
        slots: RequestSlots,
        events: Events,
        rights: Rights,
        tokens: Tokens,
        users: Users,
    ) -> None:
        self._api = api
        self._registry = registry
        self._slots = slots
        self._watched = RequestEvents(events, _log_defect)
        self._rights = rights
        self._tokens = tokens
        self._users = users

    async def execute(self, request: Request) -> Response:
        """Run a request. Whatever happens, the answer is a response."""
        api = request.api = self._api
        try:
            if not self._slots.take_free():
                await self._slots.take(request.connection)
            try:
                outcome = await self._pass_gates(request)
                return _answer(outcome) if isinstance(outcome, Request) else api.success(request, outcome)
            finally:
                self._slots.give_back()
        except KuzzleError as error:
            return api.failure(request, error)
        except Exception:
            return api.failure(request, _log_defect(request))

    async def execute_inside(self, request: Request, user: User) -> Any:
        """Run a request of code inside the server, which says for whom it asks: no token, no slot.

        Its events are fired if the request says so.

        Returns:
            The result as the API words it.

        Raises:
            KuzzleError: What a client would be answered; a PartialError with what failed and what worked.
        """
        api = request.api = self._api
        try:
            outcome = await self._pass_gates(request, user)
            if not isinstance(outcome, Request):
                return api.word(request, outcome)
            if outcome.error is not None:
                raise outcome.error
            return outcome.result
        except KuzzleError:
            raise
        except Exception as error:
            raise _log_defect(request) from error

    async def _pass_gates(self, request: Request, user: User | None = None) -> object:
        """Lead a request through the gates.

        Args:
            user: Who asks, where that needs no token to be believed.

        Returns:
            What the action answers; where somebody listens, the request that tells the outcome.
        """
        jwt = request.jwt
        if user is not None:
            pass
        elif jwt is not None:
            # Who asked lately is found without a coroutine.
            token = request.token = self._tokens.find(jwt) or await self._tokens.authenticate(jwt)
            user = self._users.find(token.kuid) or await self._users.get(token.kuid)
        elif (identity := request.connection.identity) is not None:
            request.token = identity.token
            user = await self._users.get(identity.user.id)
        else:
            user = ANONYMOUS
        request.user = user

        if not self._rights.allows(user, request.controller, request.action, request.index, request.collection):
            if request.fires_events:
                await self._watched.unauthorized(request, refusal(user))
            raise refusal(user)
        asked = request
        if request.fires_events:
            request = await self._watched.authorized(request)

        definition, method = self._find_action(request)
        request.defaults = definition.defaults
        try:
            if request is not asked or (request.fires_events and self._watched.concern(definition)):
                return await self._watched.lead(request, definition, method)
            if request.volatile:
                request.api.check_sdk(request.volatile)
            definition.check(request.payload)
            return await method(request)
        finally:
            # From here to the protocol's sending of the answer nothing waits, so the loop comes to this after it.
            if request.after_answer is not None:
                asyncio.get_running_loop().call_soon(request.after_answer)

    def _find_action(self, request: Request) -> tuple[ActionDefinition, Method]:
        controller, action = request.controller, request.action
        method = self._registry.find(controller, action)
        definition = request.api.catalogue.find(controller, action)
        if method is None or definition is None:
            if not self._registry.has_controller(controller):
                raise KuzzleError("api.process.controller_not_found", controller or "null")
            raise KuzzleError("api.process.action_not_found", action or "null")
        return definition, method


def _answer(outcome: Request) -> Response:
    """Return the answer that a request tells by its error, or else by its result."""
    if outcome.error is not None:
        return outcome.api.failure(outcome, outcome.error)
    return outcome.api.success(outcome, outcome.result)


def _log_defect(request: Request) -> KuzzleError:
    """Log the exception that is being handled; return what is told of it: the log has all details, clients none."""
    logger.exception("%s:%s failed unexpectedly", request.controller, request.action, extra={"request_id": request.id})
    return KuzzleError("core.fatal.unexpected_error", "see the server's log")
