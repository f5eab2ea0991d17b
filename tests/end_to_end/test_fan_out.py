"""One message to many subscribers of every protocol: worded, serialised and framed once for all that can share it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from engineio_raw import SocketClient
from harness import Server
from mqtt_raw import Peers
from ws_raw import RawWebSocket

from protocols.mqtt.packets import encode_publish_parts
from protocols.mqtt.wire import MqttSocket
from protocols.websocket.frames import encode_frame

TARGET = {"index": "index", "collection": "collection"}
SUBSCRIBE = {"controller": "realtime", "action": "subscribe", **TARGET, "body": {"equals": {"n": 1}}}
PUBLISH = {"controller": "realtime", "action": "publish", **TARGET, "body": {"n": 1}, "requestId": "publishing"}
KINDS = ((4, 0), (4, 1), (5, 0), (5, 1))


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], list[Any]]:
    """Count the calls of a function by the name it is called by: `count("module.name", function)`."""

    def counted(name: str, function: Any) -> list[Any]:
        calls: list[Any] = []

        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(arguments)
            return function(*arguments, **options)

        monkeypatch.setattr(name, call)
        return calls

    return counted


async def test_a_message_is_serialised_once_and_framed_once_for_each_kind_of_subscriber(
    server: Server, count: Callable[[str, Any], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.prepare("index", "collection")
    websockets = [await RawWebSocket.open(server.port("websocket")) for _ in range(4)]
    for websocket in websockets:
        await websocket.text(SUBSCRIBE)
    (channel,) = {(await websocket.json())["result"]["channel"] for websocket in websockets}
    sockets = [await SocketClient.open_session(server.port("socketio"), 3 + number % 2) for number in range(4)]
    for socket in sockets:
        assert (await socket.ask(**SUBSCRIBE))["result"]["channel"] == channel
    async with Peers(server.port("mqtt")) as peers:
        heard = [await peers.join(f"{version}-{qos}-{number}", version) for version, qos in KINDS for number in (1, 2)]
        for peer, (_, qos) in zip(heard, (kind for kind in KINDS for _ in (1, 2)), strict=True):
            assert await peer.subscribe((channel, qos)) == [qos]
        publisher = await RawWebSocket.open(server.port("websocket"))

        texts: list[Any] = []
        serialise = SimpleNamespace(dumps=lambda content: texts.append(content) or orjson.dumps(content))
        monkeypatch.setattr("kuzzle.notification.orjson", serialise)
        web_frames = count("protocols.websocket.server.encode_frame", encode_frame)
        socketio_frames = count("protocols.socketio.packets.encode_frame", encode_frame)
        mqtt_packets = count("protocols.mqtt.message.encode_publish_parts", encode_publish_parts)
        await publisher.text(PUBLISH)
        assert (await publisher.json())["status"] == 200

        contents = [await websocket.json() for websocket in websockets]
        assert [content.pop("room") for content in contents] == [channel] * 4
        for socket in sockets:
            name, content = await socket.event()
            assert name == channel
            contents.append(content)
        contents += [(await peer.message()).json for peer in heard]
        assert len(contents) == 16
        assert all(content == contents[0] for content in contents)
        assert contents[0]["requestId"] == "publishing"

    assert [text for text in texts if isinstance(text, dict)] == [contents[0]], "the name of the channel is a text"
    assert len(web_frames) == len(socketio_frames) == 1
    assert len(mqtt_packets) == len(KINDS)
    for client in (*websockets, *sockets, publisher):
        await client.close()


@pytest.mark.parametrize("version", [4, 5])
async def test_mqtt_subscribers_of_qos_0_share_the_bytes_of_a_packet(
    server: Server, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.prepare("index", "collection")
    websocket = await RawWebSocket.open(server.port("websocket"))
    await websocket.text(SUBSCRIBE)
    channel = (await websocket.json())["result"]["channel"]
    async with Peers(server.port("mqtt")) as peers:
        heard = [await peers.join(f"{number}", version) for number in range(3)]
        for peer in heard:
            await peer.subscribe((channel, 0))
        sent: list[bytes] = []
        send = MqttSocket.send
        monkeypatch.setattr(MqttSocket, "send", lambda wire, data: sent.append(data) or send(wire, data))
        await websocket.text(PUBLISH)
        for peer in heard:
            assert (await peer.message()).json["result"]["_source"]["n"] == 1
        assert len(sent) == 3
        assert len({id(data) for data in sent}) == 1
    await websocket.close()
