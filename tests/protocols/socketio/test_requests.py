"""Requests as events, and what comes back: answers, faults, notifications."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from engineio_raw import CLOSE, PollingClient, SocketClient, fetch, join, request, service_of
from harness import Server

from kuzzle.notification import Notification
from protocols.socketio import events

GENERATIONS = (3, 4)
TEXT = 'é漢😀 "quoted"\n\u2028'


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which the server logs more than information."""
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno > logging.INFO]
    assert not loud, [record.getMessage() for record in loud]


async def event_after(socket: SocketClient, *payloads: str) -> list[object]:
    """Send events with these arguments (JSON texts) and return the next event."""
    for payload in payloads:
        await socket.say(f'42["kuzzle",{payload}]')
    return await socket.event()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what a client cannot see."""
    for _ in range(500):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_answer_is_the_event_of_its_request_without_room(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    answer = await socket.ask(requestId="mine")
    assert list(answer) == [
        "requestId",
        "status",
        "error",
        "controller",
        "action",
        "collection",
        "index",
        "volatile",
        "result",
    ]
    assert (answer["requestId"], answer["status"]) == ("mine", 200)
    polling = await PollingClient.open(server.port("socketio"), generation)
    assert (await polling.ask())["status"] == 200
    await polling.post("1")
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_request_without_id_is_answered_on_one_made_up(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    name, answer = await event_after(socket, '{"controller":"server","action":"now"}')
    assert isinstance(answer, dict)
    assert name == answer["requestId"]
    assert len(str(name)) == 36
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_acknowledgement_asked_for_is_not_given(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    await socket.say(request(requestId="first").replace("42[", "4217["))
    assert (await socket.event())[0] == "first"
    assert (await socket.ask())["status"] == 200
    await socket.say("437[1]")  # and acknowledgements of clients are passed over
    assert (await socket.ask())["status"] == 200
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_falsy_payloads_are_passed_over(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    name, _ = await event_after(socket, "null", "false", "0", "-0.0", '""', '{"requestId":"next"}')
    assert name == "next"
    await socket.close()


FAULTS = {
    '{"requestId":"x","controller":12}': 'Attribute controller must be of type "string"',
    '{"requestId":"x","body":[]}': 'Attribute body must be of type "object"',
    '{"requestId":"x","volatile":"v"}': 'Attribute volatile must be of type "object"',
}


@pytest.mark.parametrize("payload", FAULTS)
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_wrong_envelope_is_answered_by_the_event_of_its_id(
    server: Server, generation: int, payload: str
) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    assert await event_after(socket, payload) == ["x", {"status": 400, "error": {"message": FAULTS[payload]}}]
    await socket.close()


async def test_an_id_that_is_a_number_names_its_event(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 4)
    name, fault = await event_after(socket, '{"requestId":12}')
    assert name == "12"
    assert fault == {"status": 400, "error": {"message": 'Attribute requestId must be of type "string"'}}
    await socket.close()


@pytest.mark.parametrize(
    "payload", ['"text"', "12", "true", "[1]", '{"requestId":true}', '{"requestId":{}}', '{"body":1}']
)
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_wrong_envelope_without_a_name_is_answered_on_one_made_up(
    server: Server, generation: int, payload: str
) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    name, fault = await event_after(socket, payload)
    assert len(str(name)) == 36
    assert fault["status"] == 400  # type: ignore[index]
    await socket.close()


@pytest.mark.parametrize("number", ["100000000000000000000", "-9223372036854775809", "NaN", '"\\ud800"'])
@pytest.mark.parametrize("head", ["42", "427"])
async def test_a_value_that_would_be_changed_is_refused_and_the_session_goes_on(
    server: Server, head: str, number: str
) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 4)
    await socket.say(f'{head}["kuzzle",{{"requestId":"x","body":{{"n":{number}}}}}]')
    name, fault = await socket.event()
    assert name == "x"
    assert fault["status"] == 400
    assert set(fault["error"]) == {"message"}
    assert (await socket.ask())["status"] == 200
    await socket.close()


async def test_an_id_that_is_half_a_character_is_answered_all_the_same(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 4)
    name, fault = await event_after(socket, '{"requestId":"x\\ud800"}')
    assert (name, fault["status"]) == ("x?", 400)  # type: ignore[index]
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_texts_of_any_script_pass_over_polling(server: Server, generation: int) -> None:
    await server.prepare()
    client = await PollingClient.open(server.port("socketio"), generation)
    place = {"controller": "document", "index": "library", "collection": "books"}
    stored = await client.ask(**place, action="create", _id="one", body={"title": TEXT})
    assert stored["result"]["_source"]["title"] == TEXT
    await client.post("1")


async def test_texts_for_engine_io_3_are_ascii(server: Server) -> None:
    client = await PollingClient.open(server.port("socketio"), 3)
    await client.post(request(controller=TEXT))
    answer = await client.poll()
    assert answer.body.isascii()
    size, _, packet = answer.body.decode().partition(":")
    assert int(size) == len(packet)
    assert TEXT in json.loads(packet[2:])[1]["error"]["message"]
    await client.post("1")


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_jsonp_client_is_served(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    body = join(generation, request(controller="a\\nb & c + d"))
    form = urlencode({"d": body.decode().replace("\\n", "\\\\n")}).encode()
    sent = await fetch(client.port, client.query + "&j=3", form, Content_Type="application/x-www-form-urlencoded")
    assert sent.status == 200
    answer = await fetch(client.port, client.query + "&j=3")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    script = answer.body.decode()
    assert script.startswith("___eio[3](")
    assert script.endswith(");")
    payload = json.loads(script[len("___eio[3](") : -2])
    assert '42["one",' in payload
    refused = await fetch(client.port, client.query + "&j=alert(1)")
    assert refused.status == 400
    await client.post("1")


# --- notifications


async def test_a_notification_is_the_event_of_its_channel_for_all_kinds_of_clients(server: Server) -> None:
    port = server.port("socketio")
    sockets = [await SocketClient.open_session(port, generation) for generation in GENERATIONS]
    pollers = [await PollingClient.open(port, generation) for generation in GENERATIONS]
    entrypoint = server.app.entrypoint
    for connection_id in tuple(entrypoint._connections):
        entrypoint.join_channel("room-1", connection_id)
        entrypoint.join_channel("room-2", connection_id)
    waiting = [asyncio.ensure_future(client.event()) for client in pollers]
    await asyncio.sleep(0.1)
    entrypoint.broadcast(["room-1", "nobody's"], Notification({"text": TEXT}))
    for future in waiting:
        assert await future == ["room-1", {"text": TEXT}]
    for socket in sockets:
        assert await socket.event() == ["room-1", {"text": TEXT}]
    for connection_id in tuple(entrypoint._connections):
        entrypoint.leave_channel("room-1", connection_id)
        entrypoint.notify(connection_id, ["room-1"], Notification({"to": "one"}))
    entrypoint.broadcast(["room-1", "room-2"], Notification({"text": "later"}))
    for socket in sockets:
        assert await socket.event() == ["room-1", {"to": "one"}]
        assert await socket.event() == ["room-2", {"text": "later"}]
        await socket.close()
    for client in pollers:
        assert await client.event() == ["room-1", {"to": "one"}]
        assert await client.event() == ["room-2", {"text": "later"}]
        await client.post("1")


async def test_a_client_that_left_follows_nothing(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 3)
    entrypoint = server.app.entrypoint
    (connection_id,) = entrypoint._connections
    entrypoint.join_channel("room-1", connection_id)
    await socket.close()
    await until(lambda: not entrypoint.connection_counts)
    service = service_of(server)
    assert (len(service._followers), service._sessions) == (0, {})
    entrypoint.broadcast(["room-1"], Notification({}))


# --- limits of one client


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_client_is_not_read_while_too_many_of_its_requests_wait(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    slots = server.app.slots
    taken = 0
    while slots.take_free():
        taken += 1
    for number in range(400):
        await socket.say(request(requestId=f"r{number}"))
    (link,) = service_of(server).links
    await until(lambda: not link._transport.is_reading())
    other = await SocketClient.open_session(server.port("socketio"), generation)
    for _ in range(taken):
        slots.give_back()
    assert {(await socket.event())[0] for _ in range(400)} == {f"r{number}" for number in range(400)}
    assert (await other.ask())["status"] == 200
    await socket.close()
    await other.close()


async def test_a_client_of_engine_io_4_that_does_not_join_is_let_go(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "JOIN_TIMEOUT_S", 0.2)
    socket = await SocketClient.connect_to(server.port("socketio"), "EIO=4&transport=websocket")
    await socket.packet()
    assert (await socket.frame()).opcode == CLOSE
    await socket.close()
