"""The only door that protocols use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from harness import Server

from kuzzle.connection import Connection
from kuzzle.entrypoint import EnvelopeError
from kuzzle.notification import Notification

NOW = {"controller": "server", "action": "now"}


@pytest.mark.parametrize("payload", [None, 1, "x", [], True])
async def test_an_envelope_that_is_no_object_is_refused(server: Server, payload: Any) -> None:
    with pytest.raises(EnvelopeError) as caught:
        await server.app.entrypoint.execute(Connection("test"), payload)
    assert (caught.value.status, caught.value.id) == (400, None)
    assert caught.value.message == "Input request data must be a non-null object"


@pytest.mark.parametrize("member", ["requestId", "jwt", "controller", "action", "index", "collection", "_id"])
@pytest.mark.parametrize("value", [1, True, {}, []])
async def test_a_text_member_of_another_type_is_refused(server: Server, member: str, value: Any) -> None:
    with pytest.raises(EnvelopeError) as caught:
        await server.app.entrypoint.execute(
            Connection("test"), {"controller": "server", "action": "now", member: value}
        )
    assert caught.value.message == f'Attribute {member} must be of type "string"'


@pytest.mark.parametrize("member", ["volatile", "body"])
@pytest.mark.parametrize("value", [1, True, "x", []])
async def test_an_object_member_of_another_type_is_refused(server: Server, member: str, value: Any) -> None:
    with pytest.raises(EnvelopeError) as caught:
        await server.app.entrypoint.execute(
            Connection("test"), {"controller": "server", "action": "now", member: value}
        )
    assert caught.value.message == f'Attribute {member} must be of type "object"'


async def test_null_equals_absent(server: Server) -> None:
    nulls = dict.fromkeys(["requestId", "jwt", "index", "collection", "_id", "volatile", "body", "timestamp", "scope"])
    response = await server.app.entrypoint.execute(
        Connection("test"), {"controller": "server", "action": "now", **nulls}
    )
    assert response.status == 200
    assert len(response.content["requestId"]) == 36


async def test_an_empty_request_id_is_replaced_by_a_uuid(server: Server) -> None:
    envelope = {"controller": "server", "action": "now", "requestId": ""}
    answers = [(await server.app.entrypoint.execute(Connection("test"), envelope)).request_id for _ in range(2)]
    assert answers[0] != answers[1]
    assert [len(answer) for answer in answers] == [36, 36]


async def test_once_the_server_stops_only_http_is_still_served(server: Server) -> None:
    server.app.entrypoint.is_shutting_down = True
    envelope = NOW
    refused = (await server.app.entrypoint.execute(Connection("websocket"), envelope)).content
    assert refused["status"] == 503
    assert refused["error"] == {"message": "Kuzzle is shutting down", "status": 503}
    assert (await server.app.entrypoint.execute(Connection("http"), envelope)).status == 200


async def test_a_protocol_that_fails_does_not_silence_the_others(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    class Carrier:
        def __init__(self, name: str) -> None:
            self.name = name
            self.sent: list[tuple[Sequence[str], Notification]] = []

        def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
            self.sent.append((channels, notification))
            if self.name == "broken":
                raise RuntimeError("broken")

        def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None: ...

        def join_channel(self, channel: str, connection_id: str) -> None: ...

        def leave_channel(self, channel: str, connection_id: str) -> None: ...

        def disconnect(self, connection_id: str, message: str) -> None: ...

    broken, sound = Carrier("broken"), Carrier("sound")
    server.app.entrypoint.add_protocol(broken)
    server.app.entrypoint.add_protocol(sound)
    notification = Notification({"type": "document"})
    with caplog.at_level(logging.ERROR):
        server.app.entrypoint.broadcast(iter(["a-1", "a-2"]), notification)
    assert broken.sent == sound.sent == [(("a-1", "a-2"), notification)]
    assert "The protocol broken failed to broadcast" in caplog.text


async def test_a_removed_connection_is_closed_and_loses_its_subscriptions(server: Server) -> None:
    entrypoint = server.app.entrypoint
    connection = Connection("websocket")
    entrypoint.new_connection(connection)
    assert entrypoint.connection_counts == {"websocket": 1}
    subscribe = {"controller": "realtime", "action": "subscribe", "index": "i", "collection": "c", "body": {}}
    await entrypoint.execute(connection, subscribe)
    rooms = {"controller": "realtime", "action": "list"}
    assert (await entrypoint.execute(Connection("test"), rooms)).content["result"] != {}
    entrypoint.remove_connection(connection.id)
    assert not connection.is_open
    assert entrypoint.connection_counts == {}
    assert (await entrypoint.execute(Connection("test"), rooms)).content["result"] == {}


def test_a_notification_gets_its_room_as_last_member_of_the_shared_text() -> None:
    notification = Notification({"type": "document", "result": {"_id": "é"}})
    text = notification.encode()
    assert notification.encode() is text
    assert notification.encode_for_room('a"b') == text[:-1] + rb',"room":"a\"b"}'
