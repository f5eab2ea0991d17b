"""MQTT with the whole server behind it: the connection page, documents and notifications."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import wire
from harness import Server
from mqtt_raw import Peer, Peers
from node import node_running

PAGE = (
    '{"index":"index","collection":"collection","controller":"document",'
    '"action":"createOrReplace","body":{"firstName":"John","lastName":"Doe"}}'
)


@asynccontextmanager
async def shell(server: Server, *arguments: str) -> AsyncIterator[Any]:
    """The npm command `mqtt`, at the server's port."""
    command, *rest = arguments
    port = str(server.port("mqtt"))
    async with node_running("node_modules/.bin/mqtt", command, "-h", "localhost", "-p", port, *rest) as running:
        yield running


async def test_the_connection_page_works_literally(server: Server) -> None:
    await server.prepare("index", "collection")
    async with Peers(server.port("mqtt")) as peers:
        watcher = await peers.join("watcher")
        async with shell(server, "subscribe", "-v", "-t", "Kuzzle") as first:
            await until_subscribed(server, "Kuzzle")
            async with shell(server, "publish", "-t", "Kuzzle", "-m", PAGE) as second:
                assert await second.rest() == []
            topic, _, text = (await first.line()).partition(" ")
        assert await watcher.is_silent(), "only subscribers see it"
    answer = json.loads(text)
    assert topic == "Kuzzle"
    assert (answer["status"], answer["error"]) == (200, None)
    result = answer["result"]
    assert len(result["_id"]) == 36
    assert (result["_index"], result["created"], result["_version"]) == ("index", True, 1)
    assert "_type" in result
    assert (result["_source"]["firstName"], result["_source"]["lastName"]) == ("John", "Doe")
    assert (result["action"], result["collection"], result["controller"]) == (
        "createOrReplace",
        "collection",
        "document",
    )
    assert result["volatile"] is None
    assert result["requestId"] == answer["requestId"]
    stored = await server.http("GET", f"/index/collection/{result['_id']}")
    assert stored.result["_source"]["firstName"] == "John"


async def until_subscribed(server: Server, topic: str) -> None:
    """Return once somebody has subscribed to the shared topic: its answers are seen then."""
    async with Peers(server.port("mqtt")) as peers:
        asker = await peers.join("asker")
        (protocol,) = [protocol for protocol in server.app.protocols if protocol.name == "mqtt"]
        while protocol._broker.subscribers(topic) is None:  # type: ignore[attr-defined]
            assert await asker.is_silent()


async def test_the_pages_misprint_gets_its_error_as_an_answer(server: Server) -> None:
    await server.prepare("index", "collection")
    async with Peers(server.port("mqtt")) as peers:
        watcher = await peers.join("watcher")
        await watcher.subscribe(("Kuzzle", 0))
        sender = await peers.join("sender")
        sender.publish("Kuzzle", PAGE.replace('"index":"index"', '"collection":"index"'))
        for peer in (sender, watcher):
            answer = (await peer.message()).json
            assert answer["error"]["id"] == "api.assert.missing_argument"
            assert answer["status"] == 400
            assert answer["result"] is None


async def test_an_id_given_on_the_shared_topic_is_kept(server: Server) -> None:
    await server.prepare("index", "collection")
    async with Peers(server.port("mqtt")) as peers:
        peer = await peers.join()
        peer.publish("Kuzzle", {**json.loads(PAGE), "_id": "mine"})
        assert (await peer.message()).json["result"]["_id"] == "mine"
        peer.publish("Kuzzle/request", json.loads(PAGE))
        answer = (await peer.message()).json
        wire.check_response(answer)
        assert answer["error"]["id"] == "api.assert.missing_argument"


async def ask(peer: Peer, controller: str, action: str, **members: Any) -> Any:
    """Run a request over MQTT and return its result."""
    answer = await peer.request({"controller": controller, "action": action, **members})
    wire.check_response(answer)
    assert answer["error"] is None, answer["error"]
    return answer["result"]


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_documents_are_written_and_subscribers_told(server: Server, version: int) -> None:
    async with Peers(server.port("mqtt")) as peers:
        writer = await peers.join("writer", version)
        await ask(writer, "index", "create", index="library")
        await ask(writer, "collection", "create", index="library", collection="books")
        place = {"index": "library", "collection": "books"}
        reader = await peers.join("reader", version)
        room = await ask(reader, "realtime", "subscribe", **place, body={"exists": {"field": "title"}})
        await reader.subscribe((room["channel"], 1))
        await ask(writer, "document", "create", **place, _id="one", body={"title": "Emma"}, volatile={"a": 1})
        message = await reader.message()
        await reader.acknowledge(message)
        assert (message.topic, message.qos, message.retain) == (room["channel"], 1, False)
        wire.check_notification(message.json)
        assert "room" not in message.json
        assert (message.json["protocol"], message.json["volatile"]) == ("mqtt", {"a": 1})
        assert message.json["result"]["_source"]["title"] == "Emma"
        await ask(writer, "document", "create", **place, _id="two", body={"name": "no title"})
        await ask(writer, "document", "delete", **place, _id="one")
        message = await reader.message()
        assert (message.json["action"], message.json["scope"]) == ("delete", "out")


async def test_the_end_of_a_connection_ends_its_subscriptions(server: Server) -> None:
    await server.prepare()
    place = {"index": "library", "collection": "books"}
    async with Peers(server.port("mqtt")) as peers:
        reader = await peers.join("reader", clean=False)
        room = await ask(reader, "realtime", "subscribe", **place, body={})
        asker = await peers.join("asker")
        assert await ask(asker, "realtime", "count", body={"roomId": room["roomId"]}) == {"count": 1}
        reader.send(b"\xe0\0")
        await reader.closed()
        envelope = {"controller": "realtime", "action": "count", "body": {"roomId": room["roomId"]}}
        while (await asker.request(envelope))["error"] is None:
            pass
        assert (await asker.request(envelope))["error"]["id"] == "core.realtime.room_not_found"


async def test_mqtt_and_websocket_hear_of_each_other(server: Server) -> None:
    await server.prepare()
    place = {"index": "library", "collection": "books"}
    websocket = await server.websocket()
    room = (await websocket.request("realtime", "subscribe", **place, body={}))["result"]
    async with Peers(server.port("mqtt")) as peers:
        peer = await peers.join()
        assert (await ask(peer, "realtime", "subscribe", **place, body={}))["roomId"] == room["roomId"]
        channel = room["channel"]
        await peer.subscribe((channel, 0))
        await websocket.request("realtime", "publish", **place, body={"from": "websocket"})
        assert (await peer.message()).json["result"]["_source"]["from"] == "websocket"
        assert (await websocket.notification())["result"]["_source"]["from"] == "websocket"
        peer.publish(
            "Kuzzle/request", {"controller": "realtime", "action": "publish", **place, "body": {"from": "mqtt"}}
        )
        assert {(await peer.message()).topic for _ in range(2)} == {channel, "Kuzzle/response"}
        assert (await websocket.notification())["result"]["_source"]["from"] == "mqtt"


async def test_a_faulty_envelope_names_the_fault(server: Server) -> None:
    async with Peers(server.port("mqtt")) as peers:
        peer = await peers.join()
        for payload, text in (
            (b"[]", "Input request data must be a non-null object"),
            (b'{"controller":1}', 'Attribute controller must be of type "string"'),
            (b'{"body":[]}', 'Attribute body must be of type "object"'),
        ):
            peer.publish("Kuzzle/request", payload)
            answer = (await peer.message()).json
            wire.check_response(answer)
            assert answer["error"]["id"] == "network.mqtt.unexpected_error"
            assert text in answer["error"]["message"]
            assert answer["controller"] is None


async def test_a_server_that_stops_answers_503(server: Server) -> None:
    async with Peers(server.port("mqtt")) as peers:
        peer = await peers.join()
        server.app.entrypoint.is_shutting_down = True
        answer = await peer.request({"controller": "server", "action": "now"})
        wire.check_response(answer)
        assert (answer["status"], answer["error"]["message"]) == (503, "Kuzzle is shutting down")


async def test_the_end_of_the_server_is_told_to_its_clients(server: Server) -> None:
    async with Peers(server.port("mqtt")) as peers:
        peer = await peers.join("a", 5)
        await server.stop()
        assert await peer.closed() == b"\xe0\x02\x8b\0"
