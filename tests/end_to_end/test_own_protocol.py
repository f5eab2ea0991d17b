"""A protocol of one's own, the example of the documentation, is as good as the shipped ones.

What it has in common with them is tested with them: interoperation, order, recovery, tokens and rights as they change.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tornado.httpclient
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, login
from prometheus_client.parser import text_string_to_metric_families as parse
from talkers import LINES, LineTalker, line_talker

from kuzzle.access_log import LOGGER_NAME
from kuzzle.connection import Connection
from kuzzle.response import Response

BOOKS = {"index": "library", "collection": "books"}
ON = {"protocols": {"lines": LINES}, "security": {"passwords": CHEAP_PASSWORDS}}
ASKING = {**ON, "protocols": {"lines": {**LINES, "authentication": True}}}


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server that speaks lines too."""
    return start_server(ON)


@pytest.fixture
def asking(start_server: Callable[..., Server]) -> Server:
    """A server whose lines begin with who one is."""
    return start_server(ASKING)


# --- requests


async def test_its_clients_ask_and_are_answered(server: Server) -> None:
    await server.prepare()
    async with line_talker(server) as client:
        assert (await client.create("one", {"title": "Notes"}))["status"] == 200
        assert (await server.http("GET", "/library/books/one")).result["_source"]["title"] == "Notes"
        assert (await client.ask("nobody", "now"))["error"]["id"] == "api.process.controller_not_found"


async def test_many_lines_at_once_are_answered_in_their_order(server: Server) -> None:
    async with line_talker(server) as client:
        asked = [{"controller": "server", "action": "now", "requestId": str(number)} for number in range(500)]
        client.writer.write(b"\n\n" + b"\n".join(json.dumps(each).encode() for each in asked) + b"\n")
        answers = [await client.hear() for _ in asked]
        assert [answer and answer["room"] for answer in answers] == [str(number) for number in range(500)]


async def test_the_last_line_needs_no_end(server: Server) -> None:
    async with line_talker(server) as client:
        client.writer.write(b'{"controller": "server", "action": "now"}')
        client.writer.write_eof()
        answer = await client.hear()
        assert answer is not None
        assert answer["status"] == 200
        assert await client.hear() is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"no JSON", "The line is no JSON: "),
        (b'"no object"', "Input request data must be a non-null object"),
        (b'{"controller": 5}', 'Attribute controller must be of type "string"'),
        (b"\xff\x00", "The line is no JSON: "),
    ],
)
async def test_what_is_no_request_is_refused_and_costs_nothing_else(server: Server, line: bytes, told: str) -> None:
    async with line_talker(server) as client:
        client.say(line)
        refused = await client.hear()
        assert refused is not None
        assert refused["status"] == 400
        assert refused["error"]["message"].startswith(told)
        assert (await client.ask("server", "now"))["status"] == 200


async def test_a_line_that_is_too_long_ends_the_connection(tmp_path: Path) -> None:
    options = {**ON, "limits": {"maxRequestSize": "1kb"}}
    async with Server(tmp_path, options) as server, line_talker(server) as client:
        padding = "x" * 900
        assert (await client.ask("server", "now", volatile={"padding": padding}))["volatile"] == {"padding": padding}
        client.writer.write(b"x" * 1025)
        refused = await client.hear()
        assert refused is not None
        assert (refused["status"], refused["error"]["message"]) == (413, "The line is too long")
        assert await client.hear() is None


async def test_who_sends_much_at_once_lets_others_have_their_turns(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = server.app.entrypoint.execute
    begun = 0

    async def count(connection: Connection, payload: Any) -> Response:
        nonlocal begun
        begun += 1
        return await execute(connection, payload)

    monkeypatch.setattr(server.app.entrypoint, "execute", count)
    async with line_talker(server) as client:
        client.writer.write((json.dumps({"controller": "server", "action": "now"}).encode() + b"\n") * 100)
        before, most = begun, 0
        while begun < 100:
            await asyncio.sleep(0)  # a turn of the loop
            most, before = max(most, begun - before), begun
    assert most <= 2


# --- notifications


async def test_its_clients_and_those_of_others_hear_each_other(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    async with line_talker(server) as client:
        channel = (await client.subscribe({}))["result"]["channel"]
        await websocket.request("realtime", "subscribe", **BOOKS, body={})
        await server.http("POST", "/library/books/by-http/_create", {})
        notification = await client.notification()
        assert (notification["room"], notification["result"]["_id"]) == (channel, "by-http")
        await client.create("by-line", {})
        heard = [await websocket.notification() for _ in range(2)]
        assert [(one["protocol"], one["result"]["_id"]) for one in heard] == [("http", "by-http"), ("lines", "by-line")]


async def test_a_client_that_unsubscribes_hears_nothing_more(server: Server) -> None:
    await server.prepare()
    async with line_talker(server) as client:
        room = (await client.subscribe({}))["result"]["roomId"]
        await client.ask("realtime", "unsubscribe", body={"roomId": room})
        await client.create("unheard", {})
        await client.ask("server", "now")
        assert client.notifications == []


async def test_a_client_that_goes_leaves_its_rooms(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    room = await websocket.request("realtime", "subscribe", **BOOKS, body={}, users="out")
    async with line_talker(server) as client:
        await client.subscribe({})
        counted = await websocket.request("realtime", "count", body={"roomId": room["result"]["roomId"]})
        assert counted["result"]["count"] == 2
    gone = await websocket.notification()
    assert (gone["user"], gone["protocol"], gone["result"]["count"]) == ("out", "lines", 1)


@pytest.fixture
def strict(start_server: Callable[..., Server]) -> Server:
    """A server that lets little wait for a client."""
    return start_server({"protocols": {"lines": {**LINES, "maxQueuedBytes": "64kb"}}})


async def test_a_client_that_does_not_read_is_let_go_and_delays_nobody(
    strict: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await strict.prepare()
    websocket = await strict.websocket()
    await websocket.request("realtime", "subscribe", **BOOKS, body={}, users="out")
    async with line_talker(strict) as client:
        await client.subscribe({})
        client.stop_reading()
        with caplog.at_level(logging.INFO, "line_protocol"):
            for _ in range(1000):  # what the sockets themselves take is the system's business
                await websocket.request("realtime", "publish", **BOOKS, body={"text": "x" * 100_000})
                if "it leaves too much unread" in caplog.text:
                    break
            else:
                raise AssertionError("a hundred megabytes wait for a client")
    while (notification := await websocket.notification())["type"] != "user":
        assert notification["action"] == "publish"
    assert (notification["user"], notification["protocol"]) == ("out", "lines")


# --- who one is


async def test_what_a_client_may_do_is_said_by_the_token_of_each_request(server: Server) -> None:
    await server.prepare()
    await server.http("PUT", "/roles/reader", {"controllers": {"document": {"actions": {"get": True}}}})
    await server.http("PUT", "/profiles/readers", {"policies": [{"roleId": "reader"}]})
    await add_user(server, "ada", "readers")
    token = (await login(server, "ada"))["jwt"]
    async with line_talker(server) as client:
        assert (await client.create("one", {}))["status"] == 200
        assert (await client.ask("document", "get", **BOOKS, _id="one", jwt=token))["status"] == 200
        refused = await client.ask("document", "delete", **BOOKS, _id="one", jwt=token)
        assert (refused["status"], refused["error"]["id"]) == (403, "security.rights.forbidden")


async def test_a_client_may_log_in_once_and_then_acts_as_that_user(asking: Server) -> None:
    await add_user(asking, "ada")
    async with line_talker(asking) as client:
        client.say({"username": "ada", "password": PASSWORD})
        assert (await client.ask("auth", "getCurrentUser"))["result"]["_id"] == "ada"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b'{"username": "ada", "password": "wrong"}', 401),
        (b'{"username": "ada", "password": 5}', 401),
        (b'{"controller": "server", "action": "now"}', 401),
        (b"no JSON", 401),
        (b"", 401),
    ],
)
async def test_who_does_not_say_who_he_is_is_turned_away(asking: Server, line: bytes, status: int) -> None:
    await add_user(asking, "ada")
    async with line_talker(asking) as client:
        client.say(line)
        client.say({"controller": "server", "action": "now"})
        refused = await client.hear()
        assert refused is not None
        assert (refused["status"], refused["result"]) == (status, None)
        with pytest.raises((AssertionError, ConnectionError)):  # what is left unread may reset the connection
            await client.ask("server", "now")


async def test_the_end_of_the_token_that_let_a_client_in_closes_its_connection(asking: Server) -> None:
    await add_user(asking, "ada")
    token = (await login(asking, "ada"))["jwt"]
    async with line_talker(asking) as client:
        client.say({"username": "ada", "password": token})
        assert (await client.ask("auth", "getCurrentUser"))["result"]["_id"] == "ada"
        await asking.http("POST", "/_logout", headers={"Authorization": f"Bearer {token}"})
        assert await client.hear() == {"goodbye": "Token expired"}
        assert await client.hear() is None


# --- what operators see


@pytest.fixture
def watched(start_server: Callable[..., Server]) -> Server:
    """A server that counts requests and writes an access log."""
    return start_server({**ON, "logs": {"access": {"enabled": True}}, "metrics": {"enabled": True, "port": 0}})


async def test_its_requests_are_in_the_access_log(watched: Server, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(LOGGER_NAME).addHandler(caplog.handler)
    try:
        async with line_talker(watched) as client:
            await client.ask("server", "now")
    finally:
        logging.getLogger(LOGGER_NAME).removeHandler(caplog.handler)
    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER_NAME]
    assert any('"CALL server/now lines" 200' in line and line.startswith(("127.0.0.1 ", "::1 ")) for line in lines)


async def test_its_requests_and_connections_are_counted(watched: Server) -> None:
    async with line_talker(watched) as client:
        await client.ask("server", "now")
        assert watched.app.metrics is not None
        url = f"http://localhost:{watched.app.metrics.number}/metrics"
        page = (await tornado.httpclient.AsyncHTTPClient(force_instance=True).fetch(url)).body.decode()
        samples = [sample for family in parse(page) for sample in family.samples if "lines" in sample.labels.values()]
        assert {sample.name: sample.value for sample in samples} == {
            "kuzzle_requests_total": 1,
            "kuzzle_connections": 1,
        }
        statistics = (await client.ask("server", "getLastStats"))["result"]
        assert statistics["connections"]["lines"] == 1


@pytest.mark.parametrize("kind", ["openapi", "asyncapi", "swagger", "schema"])
async def test_the_documents_of_the_api_leave_it_out(server: Server, kind: str) -> None:
    reply = await server.http("GET", f"/{kind}.json", checks=False)
    assert reply.status == 200
    servers = reply.json.get("servers", {})
    assert "lines" not in json.dumps(servers)
    if kind == "asyncapi":
        assert set(servers) == {"websocket", "socketio", "mqtt"}


# --- the end


async def test_its_clients_are_told_when_the_server_stops(server: Server) -> None:
    async with line_talker(server) as client:
        await client.ask("server", "now")
        await server.stop()
        assert await client.hear() == {"goodbye": "The server is stopping"}
        assert await client.hear() is None


async def test_a_client_that_does_not_read_does_not_keep_the_server_from_stopping(server: Server) -> None:
    async with line_talker(server) as client:
        client.stop_reading()
        await fill(client)
        await server.stop()


async def fill(client: LineTalker) -> None:
    """Ask without reading until the server reads no more."""
    request = json.dumps({"controller": "server", "action": "publicApi"}).encode() + b"\n"
    for _ in range(200):
        client.writer.write(request * 100)
        await asyncio.sleep(0)


# --- its section of the configuration


def section(tmp_path: Path, **options: Any) -> Any:
    """Return the options that the protocol has."""
    server = Server(tmp_path, {"protocols": {"lines": {**LINES, **options}}})
    (protocol,) = (each for each in server.app.protocols if each.name == "lines")
    return protocol.options


def test_what_its_section_leaves_out_has_the_default_of_its_class(tmp_path: Path) -> None:
    assert dict(section(tmp_path)) == {
        "class": "line_protocol:LineProtocol",
        "enabled": True,
        "port": 0,
        "maxQueuedBytes": 1_048_576,
        "authentication": False,
    }
    assert section(tmp_path, maxQueuedBytes="2kb")["maxQueuedBytes"] == 2048
