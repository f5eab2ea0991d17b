"""What subscribers get over the wire where there is no history, byte by byte.

Each expectation is written from the protocol's notes alone: the members of an envelope and of each kind of
notification, in their order, and nothing else. Only what the server makes up (ids of rooms, metadata of documents) is
taken from it.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from engineio_raw import SocketClient
from engineio_raw import request as event_of_request
from harness import Server, WebSocket
from mqtt_raw import Peer, Peers, packet, text
from people import CHEAP_PASSWORDS, add_user, login
from ws_raw import RawWebSocket

BOOKS = {"index": "library", "collection": "books"}
MADE = {"requestId": "made é", "timestamp": 1700000000000, "volatile": {"by": "ä", "n": 1}}
GUEST = {"requestId": "guest", "timestamp": 1700000000001, "volatile": {"name": "gäst"}}
NOVELS = {"equals": {"kind": "novel"}}
EVERYTHING = {"scope": "all", "users": "all", "state": "all"}
SUBSCRIBE = {"controller": "realtime", "action": "subscribe", **BOOKS, "body": NOVELS, **EVERYTHING}
EXPIRED = {
    "status": 200,
    "info": "This is an automated server notification",
    "message": "Authentication Token Expired",
    "type": "TokenExpired",
}


def encode(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


class Reader(ABC):
    """A subscriber that looks at bytes."""

    channel: str

    @abstractmethod
    async def read(self) -> bytes:
        """Return the next message as it came, without what is of the transport below it."""

    @abstractmethod
    async def send(self, request: dict[str, Any]) -> None:
        """Send a request."""

    @abstractmethod
    def answer(self, content: dict[str, Any]) -> bytes:
        """Return the bytes of an answer."""

    @abstractmethod
    def notification(self, content: dict[str, Any]) -> bytes:
        """Return the bytes of a notification on the channel."""

    async def follow(self, answer: bytes) -> None:
        """Read the names of room and channel in the answer to a subscription, and listen."""
        found = re.search(rb'"channel":"([0-9a-f]{32}-[0-9a-f]{32})"', answer)
        assert found is not None
        self.channel = found[1].decode()


class WebSocketReader(Reader):
    def __init__(self, socket: RawWebSocket) -> None:
        self.socket = socket

    async def read(self) -> bytes:
        opcode, payload = await self.socket.frame()
        assert opcode == 1
        return payload

    async def send(self, request: dict[str, Any]) -> None:
        await self.socket.text(request)

    def answer(self, content: dict[str, Any]) -> bytes:
        return encode({**content, "room": content["requestId"]})

    def notification(self, content: dict[str, Any]) -> bytes:
        return encode({**content, "room": self.channel})


class SocketioReader(Reader):
    def __init__(self, socket: SocketClient) -> None:
        self.socket = socket

    async def read(self) -> bytes:
        return (await self.socket.packet()).encode()

    async def send(self, request: dict[str, Any]) -> None:
        await self.socket.say(event_of_request(**request))

    def answer(self, content: dict[str, Any]) -> bytes:
        return b"42[%s,%s]" % (encode(content["requestId"]), encode(content))

    def notification(self, content: dict[str, Any]) -> bytes:
        return b'42["%s",%s]' % (self.channel.encode(), encode(content))


class MqttReader(Reader):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def read(self) -> bytes:
        return packet(*await self.peer.packet())

    async def send(self, request: dict[str, Any]) -> None:
        self.peer.publish("Kuzzle/request", request)

    def answer(self, content: dict[str, Any]) -> bytes:
        return packet(0x30, text("Kuzzle/response") + encode(content))

    def notification(self, content: dict[str, Any]) -> bytes:
        return packet(0x30, text(self.channel) + encode(content))

    async def follow(self, answer: bytes) -> None:
        await super().follow(answer)
        assert await self.peer.subscribe((self.channel, 0)) == [0]


@asynccontextmanager
async def reader_of(server: Server, protocol: str) -> AsyncIterator[Reader]:
    port = server.port(protocol)
    if protocol == "websocket":
        socket = await RawWebSocket.open(port)
        yield WebSocketReader(socket)
        await socket.close()
    elif protocol == "socketio":
        client = await SocketClient.open_session(port, 3)
        yield SocketioReader(client)
        await client.close()
    else:
        async with Peers(port) as peers:
            yield MqttReader(await peers.join("reader"))


def answer_of(request: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """An envelope."""
    return {
        "requestId": request["requestId"],
        "status": 200,
        "error": None,
        "controller": request["controller"],
        "action": request["action"],
        "collection": request["collection"],
        "index": request["index"],
        "volatile": request["volatile"],
        "result": result,
    }


def told(action: str, scope: str, result: dict[str, Any], *, controller: str = "document") -> dict[str, Any]:
    """A notification of a document or message that the writer has caused."""
    return {
        "status": 200,
        "requestId": MADE["requestId"],
        "timestamp": MADE["timestamp"],
        "volatile": MADE["volatile"],
        "index": "library",
        "collection": "books",
        "controller": controller,
        "action": action,
        "protocol": "websocket",
        "scope": scope,
        "state": "pending" if scope == "unknown" else "done",
        "result": result,
        "type": "document",
    }


def told_of_guest(action: str, user: str, count: int) -> dict[str, Any]:
    """A notification of a user."""
    return {
        "status": 200,
        "timestamp": GUEST["timestamp"],
        "volatile": GUEST["volatile"],
        "index": "library",
        "collection": "books",
        "controller": "realtime",
        "action": action,
        "protocol": "websocket",
        "user": user,
        "result": {"count": count},
        "type": "user",
    }


async def write(writer: WebSocket, action: str, *, controller: str = "document", **members: Any) -> None:
    answer = await writer.request(controller, action, **BOOKS, **MADE, **members)
    assert answer["status"] == 200, answer


async def stored(writer: WebSocket, name: str, *, include_trash: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document as it is, and its metadata with the members that they have, in their order."""
    reply = await writer.request("document", "get", **BOOKS, _id=name, includeTrash=include_trash)
    source = reply["result"]["_source"]
    names = ("author", "createdAt", "updatedAt", "updater", "active", "deletedAt")
    return source, {member: source["_kuzzle_info"][member] for member in names}


async def read_life(writer: WebSocket, reader: Reader) -> None:
    """Let a document live and die, and hold each notification of it against what is due."""
    novel, poem = {"kind": "novel", "título": "Emma"}, {"kind": "poem"}
    await write(writer, "create", _id="b", body=novel)
    source, meta = await stored(writer, "b")
    assert await reader.read() == reader.notification(told("create", "unknown", {"_source": novel, "_id": "b"}))
    assert await reader.read() == reader.notification(
        told("create", "in", {"_meta": meta, "_source": source, "_id": "b"})
    )
    await write(writer, "update", _id="b", body={"year": 1815})
    source, meta = await stored(writer, "b")
    assert await reader.read() == reader.notification(
        told("update", "in", {"_meta": meta, "_id": "b", "_source": source, "_updatedFields": ["year"]})
    )
    await write(writer, "update", _id="b", body=poem)
    assert await reader.read() == reader.notification(told("update", "out", {"_id": "b"}))
    for _ in range(2):
        await write(writer, "createOrReplace", _id="b", body=novel)
        source, meta = await stored(writer, "b")
        pending = told("createOrReplace", "unknown", {"_source": novel, "_id": "b"})
        assert await reader.read() == reader.notification(pending)
        replaced = told("replace", "in", {"_meta": meta, "_source": source, "_id": "b"})
        assert await reader.read() == reader.notification(replaced)
    await write(writer, "mUpdate", body={"documents": [{"_id": "b", "body": {"year": 1816}}]})
    source, _ = await stored(writer, "b")
    assert await reader.read() == reader.notification(told("mUpdate", "in", {"_source": source, "_id": "b"}))
    await write(writer, "delete", _id="b")  # the pending one is tested against an empty document
    _, meta = await stored(writer, "b", include_trash=True)
    assert await reader.read() == reader.notification(told("delete", "out", {"_meta": meta, "_id": "b"}))


async def read_messages(writer: WebSocket, reader: Reader) -> None:
    """Publish with and without id."""
    for members in ({}, {"_id": "m"}):
        await write(writer, "publish", controller="realtime", body={"kind": "novel"}, **members)
        came = await reader.read()
        made_at = re.search(rb'"createdAt":(\d{13})', came)
        assert made_at is not None
        source = {"kind": "novel", "_kuzzle_info": {"author": "-1", "createdAt": int(made_at[1])}}
        message = told("publish", "in", {"_source": source, "_id": members.get("_id")}, controller="realtime")
        assert came == reader.notification(message)


WITHOUT: dict[str, Any] = {}
ELSEWHERE = {"collections": {"shop": {"*": {"size": 5, "time": 1000}}, "*": {"songs": {"size": 5, "time": 1000}}}}


@pytest.mark.parametrize("history", [WITHOUT, ELSEWHERE], ids=["without", "elsewhere"])
@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt"])
async def test_what_is_sent_without_history_is_what_clients_of_kuzzle_know_to_the_byte(
    tmp_path: Path, protocol: str, history: dict[str, Any]
) -> None:
    options = {"realtime": {"history": history}, "security": {"passwords": CHEAP_PASSWORDS}}
    async with Server(tmp_path, options) as server, reader_of(server, protocol) as reader:
        await server.prepare()
        await add_user(server, "ada", "admin")
        token = (await login(server, "ada"))["jwt"]
        writer, guest = await server.websocket(), await server.websocket()

        asked = {"requestId": "sübscribe", "volatile": {"me": "é"}, **SUBSCRIBE}
        await reader.send({**asked, "jwt": token})
        answer = await reader.read()
        await reader.follow(answer)
        room_id = reader.channel.partition("-")[0]
        made = {"roomId": room_id, "channel": reader.channel}
        assert answer == reader.answer(answer_of(asked, made))
        again = {**asked, "requestId": "again"}
        await reader.send({**again, "jwt": token})
        assert await reader.read() == reader.answer(answer_of(again, made))

        await guest.request("realtime", "subscribe", **BOOKS, **GUEST, body=NOVELS)
        assert await reader.read() == reader.notification(told_of_guest("subscribe", "in", 2))
        await read_life(writer, reader)
        await read_messages(writer, reader)
        left = {**GUEST, "volatile": None}
        await guest.request("realtime", "unsubscribe", **left, body={"roomId": room_id})
        assert await reader.read() == reader.notification(told_of_guest("unsubscribe", "out", 1))

        known = server.app.tokens.find(token)
        assert known is not None
        server.app.realtime.end_token(known.id, is_expired=True)
        assert await reader.read() == reader.notification(EXPIRED)
