"""A WebSocket server that answers from a table and keeps what it was asked: for actions that end or lock a server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class ScriptedServer:
    """What was said.

    Attributes:
        port: Where it listens.
        requests: Every request, in order.
    """

    def __init__(self, results: Mapping[str, Any]) -> None:
        """Take the result of each `controller:action`; all others do not exist."""
        self.results = results
        self.requests: list[dict[str, Any]] = []
        self.port = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer as a server does."""
        self.requests.append(request)
        name = f"{request['controller']}:{request['action']}"
        shape = {"requestId": request["requestId"], "room": request["requestId"]}
        if name in self.results:
            return {**shape, "status": 200, "error": None, "result": self.results[name]}
        error = {"status": 404, "message": f"API action {name} not found.", "id": "api.process.action_not_found"}
        return {**shape, "status": 404, "error": error, "result": None}


@contextmanager
def scripted(results: Mapping[str, Any]) -> Iterator[ScriptedServer]:
    """Serve in a thread until the block ends."""
    server = ScriptedServer(results)
    loop = asyncio.new_event_loop()
    stands, ends = threading.Event(), asyncio.Event()

    class Handler(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            self.ping(b"still there?")
            self.write_message(json.dumps({"room": "somebody else's", "result": {}}))
            self.write_message(json.dumps(server.answer(json.loads(message))))

    async def serve() -> None:
        listener, server.port = bind_unused_port()
        http = HTTPServer(Application([("/", Handler)]))
        http.add_socket(listener)
        stands.set()
        await ends.wait()
        http.stop()
        await http.close_all_connections()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert stands.wait(30)
        yield server
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(30)
        loop.close()
