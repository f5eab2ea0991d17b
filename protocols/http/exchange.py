"""One HTTP request and its answer.

The body is read first, then the path is routed, then the four sources of arguments become one
envelope: path, then query string, then headers; the body is the body. The HTTP connection is asked for
nothing but `httputil.HTTPConnection` and `tornado_seams`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from kuzzle.catalogue import ActionDefinition
from kuzzle.connection import Connection
from kuzzle.encoding import JsonError, decode_json
from kuzzle.entrypoint import Entrypoint, EnvelopeError
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.tasks import start_now
from protocols import tornado_seams
from protocols.http.bodies import BodyLimits, BodyReader, declared_size, describes_body
from protocols.http.compression import choose_encoding, compress
from protocols.http.heads import Heads, start_line
from protocols.http.pages import PageMaker
from protocols.http.routes import RouteTree, shown_path
from protocols.web_clients import LowerCaseHeaders, addresses

VERBS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})

_EVENTS: Final = {verb: f"http:{verb.lower()}" for verb in VERBS}
_BEARER: Final = "Bearer "
# Members of the envelope that a query string cannot set.
_NOT_FROM_QUERY: Final = ("controller", "action", "requestId", "body", "timestamp")
# How much of a refused body is read, so that the client sees the answer rather than a broken connection.
_MAX_DISCARDED_BYTES: Final = 16_777_216
# Larger answers are compressed in a thread; under it the hop costs more than it spares.
_MAX_INLINE_COMPRESSION_BYTES: Final = 65_536
# A client that does not take its answer in this time, and a second for each so many bytes, is cut.
_WRITE_TIMEOUT_S: Final = 60.0
_WRITE_BYTES_PER_S: Final = 16_384

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpService:
    """What the exchanges of one server share.

    Attributes:
        name: The protocol's name in requests and notifications.
        unsent: Exchanges whose answer has not wholly left yet.
    """

    name: str
    entrypoint: Entrypoint
    routes: RouteTree[ActionDefinition | PageMaker]
    limits: BodyLimits
    heads: Heads
    unsent: set[Exchange]


class Exchange(HTTPMessageDelegate):
    """Reads one request and answers it."""

    def __init__(self, service: HttpService, request: HTTPServerRequest) -> None:
        assert request.connection is not None
        self._service = service
        self._request = request
        self._http: HTTPConnection = request.connection
        self._body: BodyReader | None = None
        self._is_answered = False
        self._discarded_bytes = 0
        self._client: Connection | None = None
        self._patience: asyncio.TimerHandle | None = None

    # --- reading

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Refuse at once what the headers alone give away."""
        if describes_body(headers):
            try:
                self._body = BodyReader(headers, self._service.limits)
            except KuzzleError as error:
                self._refuse(error)
                if "Expect" in headers or declared_size(headers) > _MAX_DISCARDED_BYTES:
                    self._http.finish()  # closes the connection: the body is not waited for
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take a piece of the body."""
        if self._is_answered:
            self._discarded_bytes += len(chunk)
            if self._discarded_bytes > _MAX_DISCARDED_BYTES:
                self._http.finish()
            return None
        assert self._body is not None  # only headers that describe a body lead here
        try:
            self._body.receive(chunk)
        except KuzzleError as error:
            self._refuse(error)
        return None

    def finish(self) -> None:
        """Serve the request, now that it is whole."""
        if self._is_answered:
            self._http.finish()
            return
        content = None
        if self._body is not None:
            try:
                content = self._body.close()
            except KuzzleError as error:
                self._refuse(error)
                self._http.finish()
                return
        if start_now(self._serve(content)) is not None:
            tornado_seams.on_close(self._http, self._client_left)

    def on_connection_close(self) -> None:
        """The client left before its request was whole: nothing began, nothing is to be undone."""
        self._is_answered = True
        self._forget_answer()

    def _client_left(self) -> None:
        """The client left before its answer: a request that still waits is dropped."""
        self._is_answered = True
        if self._client is not None:
            self._service.entrypoint.remove_connection(self._client.id)

    # --- serving

    async def _serve(self, content: bytes | dict[str, Any] | None) -> None:
        try:
            await self._route(content)
        except Exception:  # a defect costs this answer, not the server
            logger.exception("%s %s could not be answered", self._request.method, self._request.path)
            if not self._is_answered:
                self._refuse(KuzzleError("core.fatal.unexpected_error", "see the server's log"))
                self._http.finish()

    async def _route(self, content: bytes | dict[str, Any] | None) -> None:
        request = self._request
        request_line = f"{request.method} {request.uri} {request.version}"
        client = Connection(self._service.name, addresses(request), LowerCaseHeaders(request.headers), request_line)
        verb = request.method or ""
        if verb == "OPTIONS":
            await self._answer(await self._options(client))
            return
        try:
            if verb not in VERBS:
                raise KuzzleError("network.http.unsupported_verb", verb)
            found = self._find_route(verb)
            if found is None:
                raise KuzzleError("network.http.url_not_found", shown_path(request.path))
        except KuzzleError as error:
            await self._answer(self._failure(client, {}, error))
            return
        target, parameters = found
        if isinstance(target, ActionDefinition):
            await self._execute(client, target, parameters, content)
        else:
            page = await target()
            await self._send(page.status, {"Content-Type": page.content_type}, page.body)

    async def _options(self, client: Connection) -> Response:
        entrypoint = self._service.entrypoint
        request = Request({"requestId": client.id}, client)
        try:
            return entrypoint.api.success(await entrypoint.announce(request, "http:options"), {})
        except KuzzleError as error:
            return entrypoint.api.failure(request, error)

    def _find_route(self, verb: str) -> tuple[ActionDefinition | PageMaker, dict[str, str]] | None:
        try:
            return self._service.routes.find(verb, self._request.path)
        except UnicodeDecodeError:
            raise KuzzleError("network.http.unexpected_error", "the path is not UTF-8") from None

    async def _execute(
        self,
        client: Connection,
        action: ActionDefinition,
        parameters: Mapping[str, str],
        content: bytes | dict[str, Any] | None,
    ) -> None:
        entrypoint = self._service.entrypoint
        payload = self._arguments(action, parameters)
        try:
            self._add_headers(payload)
            if content is not None:
                payload["body"] = _decode_body(content) if isinstance(content, bytes) else content
        except KuzzleError as error:
            await self._answer(self._failure(client, payload, error))
            return
        payload["requestId"] = client.id
        payload["controller"] = action.controller
        payload["action"] = action.name
        self._client = client
        entrypoint.new_connection(client)
        try:
            response = await entrypoint.execute(client, payload, event=_EVENTS[self._request.method or ""])
        except EnvelopeError as error:
            response = self._failure(client, payload, error)
        finally:
            entrypoint.remove_connection(client.id)
        await self._answer(response)

    def _arguments(self, action: ActionDefinition, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Merge query string and path into typed arguments; the path wins."""
        given = self._request.arguments
        if not given and not parameters:
            return {}
        texts: dict[str, str | list[str]] = {}
        for name, values in given.items():
            if not name.isascii():  # Tornado takes names for Latin-1
                name = name.encode("latin-1").decode(errors="replace")
            decoded = [value.decode(errors="replace") for value in values]
            texts[name] = decoded[0] if len(decoded) == 1 else decoded
        for name in _NOT_FROM_QUERY:
            texts.pop(name, None)
        texts.update(parameters)
        return action.from_texts(texts)

    def _add_headers(self, payload: dict[str, Any]) -> None:
        """Add what headers say, where the query string did not.

        Raises:
            KuzzleError: `network.http.volatile_parse_failed`.
        """
        headers = self._request.headers
        if "Authorization" in headers and "jwt" not in payload:
            authorization = headers["Authorization"]
            if authorization.startswith(_BEARER):
                payload["jwt"] = authorization[len(_BEARER) :]
        if "X-Kuzzle-Volatile" in headers and "volatile" not in payload:
            try:
                # Header values arrive as Latin-1 texts of the bytes that were sent.
                payload["volatile"] = decode_json(headers["X-Kuzzle-Volatile"].encode("latin-1"))
            except JsonError as error:
                raise KuzzleError("network.http.volatile_parse_failed", str(error)) from None

    def _failure(self, client: Connection, payload: Mapping[str, Any], error: KuzzleError) -> Response:
        """Word a fault met before the action: the envelope shows the members that are known and sound."""
        known: dict[str, Any] = {"requestId": client.id}
        for name in ("controller", "action", "index", "collection"):
            if isinstance(payload.get(name), str):
                known[name] = payload[name]
        if isinstance(payload.get("volatile"), dict):
            known["volatile"] = payload["volatile"]
        request = Request(known, client)
        response = self._service.entrypoint.api.failure(request, error)
        self._service.entrypoint.log_access(request, response)
        return response

    # --- answering

    def _refuse(self, error: KuzzleError) -> None:
        """Send a bare error for a fault met before routing; the body that still comes is not looked at."""
        self._is_answered = True
        self._write(error.status, self._service.heads.fault(), orjson.dumps(self._service.entrypoint.api.error(error)))

    async def _answer(self, response: Response) -> None:
        content = response.content
        if response.raw and (content is None or isinstance(content, str | bytes)):
            body = content.encode() if isinstance(content, str) else content or b""
        else:
            body = response.encode(pretty="pretty" in self._request.arguments)
        await self._send(response.status, response.headers, body)

    async def _send(self, status: int, own_headers: Mapping[str, str], body: bytes) -> None:
        headers = self._service.heads.routed()
        for name, value in own_headers.items():
            headers[name] = value
        if "Accept-Encoding" in self._request.headers and body and self._service.limits.allows_compression:
            encoding = choose_encoding(self._request.headers["Accept-Encoding"])
            if encoding is not None:
                if len(body) > _MAX_INLINE_COMPRESSION_BYTES:
                    body = await asyncio.to_thread(compress, encoding, body)
                else:
                    body = compress(encoding, body)
                headers["Content-Encoding"] = encoding
        if not self._is_answered:
            self._write(status, headers, body)
            self._is_answered = True
            self._http.finish()

    def _write(self, status: int, headers: HTTPHeaders, body: bytes) -> None:
        """Send head and body in one piece, and do not wait for ever until they are gone."""
        is_head = self._request.method == "HEAD"
        if body or not is_head:
            headers["Content-Length"] = str(len(body))
        sent = self._http.write_headers(start_line(status), headers, None if is_head else body)
        if not sent.done():
            timeout_s = _WRITE_TIMEOUT_S + len(body) / _WRITE_BYTES_PER_S
            self._patience = asyncio.get_running_loop().call_later(timeout_s, self._lose_patience)
            self._service.unsent.add(self)
            sent.add_done_callback(lambda _: self._forget_answer())
            tornado_seams.on_close(self._http, self._forget_answer)

    def _lose_patience(self) -> None:
        self._forget_answer()
        tornado_seams.close(self._http)

    def _forget_answer(self) -> None:
        """The answer has left, or nobody is there to take it."""
        self._service.unsent.discard(self)
        if self._patience is not None:
            self._patience.cancel()


def _decode_body(text: bytes) -> Any:
    """Return the body of a request that sends JSON; `null` counts as none.

    Raises:
        KuzzleError: `network.http.body_parse_failed`.
    """
    try:
        body = decode_json(text)
    except JsonError as error:
        raise KuzzleError("network.http.body_parse_failed", str(error)) from None
    if not isinstance(body, dict | None):
        raise KuzzleError("network.http.body_parse_failed", 'Attribute body must be of type "object"')
    return body
