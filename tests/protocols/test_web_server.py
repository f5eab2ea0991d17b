"""HTTP and WebSocket of a whole server, side by side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from harness import Server
from web_stage import RawClient, request_bytes, until
from ws_raw import RawWebSocket

BOOK = {"title": "Momo", "pages": 304}


async def test_a_document_written_over_http_is_read_and_announced_over_websocket(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    subscribed = await websocket.request("realtime", "subscribe", index="library", collection="books", body={})
    written = await server.http("POST", "/library/books/momo/_create", BOOK)
    assert written.status == 200
    notification = await websocket.notification()
    assert notification["room"] == subscribed["result"]["channel"]
    assert notification["protocol"] == "http"
    assert notification["requestId"] == written.json["requestId"]
    assert notification["result"]["_id"] == "momo"
    read = await websocket.request("document", "get", index="library", collection="books", _id="momo")
    assert read["result"]["_source"]["title"] == "Momo"


async def test_a_document_written_over_websocket_is_read_over_http(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    written = await websocket.request(
        "document", "create", index="library", collection="books", _id="a b/c", body=BOOK, refresh="wait_for"
    )
    assert written["status"] == 200
    read = await server.http("GET", "/library/books/a%20b%2Fc")
    assert read.result["_source"]["pages"] == 304
    found = await server.http("GET", "/library/books?size=1", {"query": {"match_all": {}}})  # SDK 6 searches so
    assert found.result["total"] == 1


async def test_a_client_that_leaves_ends_its_subscriptions(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    leaving = await RawWebSocket.open(server.port("websocket"))
    subscription = {"index": "library", "collection": "books", "body": {}}
    room = (await websocket.request("realtime", "subscribe", **subscription, users="all"))["result"]["roomId"]
    await leaving.text({"controller": "realtime", "action": "subscribe", "requestId": "a", **subscription})
    assert (await websocket.notification())["user"] == "in"
    leaving.writer.transport.abort()
    left = await websocket.notification()
    assert (left["user"], left["result"]["count"]) == ("out", 1)
    counted = await websocket.request("realtime", "count", body={"roomId": room})
    assert counted["result"]["count"] == 1


def test_an_overloaded_server_refuses_says_it_is_not_ready_and_drops_who_left(
    start_server: Callable[..., Server], io_loop: Any
) -> None:
    limits = {"concurrentRequests": 1, "requestsBufferSize": 2, "requestsBufferWarningThreshold": 1}
    server = start_server({"limits": limits})

    async def overload() -> None:
        slots = server.app.slots
        assert slots.take_free()  # somebody's long request
        waiting = [await RawClient.connect(server.port("http")) for _ in range(2)]
        for client in waiting:
            await client.send(request_bytes("GET", "/_now"))
        await until(lambda: slots.waiting == 2)
        refused = await server.http("GET", "/_now")
        assert (refused.status, refused.error_id) == (503, "api.process.overloaded")
        assert (await server.http("GET", "/_ready")).status == 503
        assert (await server.http("GET", "/_healthcheck")).status == 200
        websocket = await server.websocket()
        answer = await websocket.request("server", "now")
        assert (answer["status"], answer["error"]["id"]) == (503, "api.process.overloaded")

        gone, patient = waiting
        await gone.close()
        await until(lambda: server.app.entrypoint.connection_counts["http"] == 1)
        slots.give_back()
        status, _, body = await patient.answer()
        assert (status, json.loads(body)["error"]) == (200, None)
        await patient.close()
        assert (await server.http("GET", "/_ready")).status == 200

    io_loop.run_sync(overload, timeout=30)


async def test_a_stopping_server_ends_running_requests_and_tells_its_clients(server: Server) -> None:
    slots = server.app.slots
    assert slots.take_free()
    client = await RawWebSocket.open(server.port("websocket"))
    stopping = asyncio.ensure_future(server.stop())
    await until(lambda: server.app.entrypoint.is_shutting_down)
    ready = await server.http("GET", "/_ready")
    assert ready.status == 503
    assert (await server.http("GET", "/_now")).status == 200  # HTTP is still served
    await client.text({"controller": "server", "action": "now", "requestId": "late"})
    assert (await client.json())["error"]["message"] == "Kuzzle is shutting down"
    slots.give_back()
    goodbye = await client.frame()
    assert (goodbye.opcode, int.from_bytes(goodbye.payload[:2], "big")) == (8, 1001)
    await client.rest()
    await stopping


async def test_oversize_over_http_is_a_413_and_over_websocket_the_end(server: Server) -> None:
    large = b'{"a":"%s"}' % (b"x" * 1_048_577)
    refused = await server.http("POST", "/library/books/_create", large)
    assert (refused.status, refused.error_id) == (413, "network.http.request_too_large")
    websocket = await server.websocket()
    await websocket.send(large.decode())
    assert await websocket.other() is None
    assert websocket.connection.close_code is None  # clients see 1006
    assert (await server.http("GET", "/_now")).status == 200
