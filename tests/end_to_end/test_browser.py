"""The page that shows newcomers how to connect, in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import tornado.httpserver
import tornado.web
from harness import Server
from node import CLIENTS, find_chromium, node
from tornado.testing import bind_unused_port

NPM_CLIENT = CLIENTS / "node_modules" / "socket.io-client-2.0" / "dist" / "socket.io.js"


@contextmanager
def page_served(server: Server, client: str) -> Iterator[str]:
    """Serve the page, from another origin than the server's, with a client of Socket.IO; its URL."""

    class Page(tornado.web.RequestHandler):
        def get(self) -> None:
            text = (CLIENTS / "connection_page.html").read_text()
            self.finish(text.replace("7512", str(server.port("http"))).replace("CLIENT", client))

    class Client(tornado.web.RequestHandler):
        def get(self) -> None:
            self.set_header("Content-Type", "text/javascript; charset=utf-8")
            self.finish(NPM_CLIENT.read_text())

    socket, port = bind_unused_port()
    pages = tornado.httpserver.HTTPServer(tornado.web.Application([("/", Page), ("/npm/socket.io.js", Client)]))
    pages.add_sockets([socket])
    try:
        yield f"http://localhost:{port}/"
    finally:
        pages.stop()


@pytest.mark.parametrize("origin", ["the npm package", "the server"])
async def test_the_connection_page_works_in_a_browser(server: Server, origin: str) -> None:
    await server.prepare()
    client = "/npm/socket.io.js" if origin == "the npm package" else f"{server.url}/socket.io/socket.io.js"
    with page_served(server, client) as url:
        (seen,) = await node("browser.js", find_chromium(), url)
    assert seen["errors"] == []
    for protocol in ("webSocket", "socketIo"):
        created, read = seen["value"][protocol]
        assert (created["status"], created["result"]["_id"]) == (200, f"by-{protocol.lower()}")
        assert (read["status"], read["result"]["_source"]["title"]) == (200, "Ünïcödé 📚")
    assert seen["value"]["notification"]["result"]["_id"] == "heard"
    assert seen["value"]["notification"]["protocol"] == "socketio"
    assert seen["value"]["http"]["result"]["_source"]["title"] == "Ünïcödé 📚"
