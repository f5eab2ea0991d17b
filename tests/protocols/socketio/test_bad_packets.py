"""What no decent client sends: it costs its sender the session, and nothing else.

Each test also watches the log: a client's faults are no news there.
"""

from __future__ import annotations

import asyncio

import pytest
from engineio_raw import BINARY, CLOSE, PollingClient, SocketClient, fetch, join, request
from harness import Server
from ws_raw import frame

pytestmark = pytest.mark.usefixtures("silence")
GENERATIONS = (3, 4)


async def check_alive(server: Server) -> None:
    """The server serves a newcomer, and keeps nothing of those before."""
    for _ in range(100):
        if not server.app.entrypoint.connection_counts:
            break
        await asyncio.sleep(0.02)
    assert server.app.entrypoint.connection_counts == {}
    client = await PollingClient.open(server.port("socketio"), 3)
    assert (await client.ask())["status"] == 200
    await client.post("1")


async def refused_by_socket(server: Server, generation: int, *frames: bytes) -> None:
    """Send frames over a WebSocket and see it closed."""
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    try:
        for each in frames:
            await socket.send(each)
        assert (await socket.frame()).opcode == CLOSE
    finally:
        await socket.close()
    await check_alive(server)


async def refused_by_post(server: Server, generation: int, body: bytes) -> None:
    """Post a body and see it refused, and the session gone."""
    client = await PollingClient.open(server.port("socketio"), generation)
    answer = await client.post_raw(body)
    assert answer.status == 400
    assert answer.json == {"code": 3, "message": "Bad request"}
    again = await client.poll()
    assert (again.status, again.json["code"]) == (400, 1)
    await check_alive(server)


BAD_PACKETS = {
    "an unknown kind": "abc",
    "nothing": "",
    "a ping of the wrong side": "{wrong}",
    "an unknown Socket.IO kind": "4abc",
    "a Socket.IO kind beyond the last": "49",
    "broken JSON": '42["kuzzle",{',
    "JSON nested without end": "42" + "[" * 100_000,
    "JSON nested without end, to be acknowledged": "421" + "[" * 100_000,
    "an endless acknowledgement number": "42" + "1" * 200 + '["kuzzle",{}]',
    "an error from a client": '44"x"',
    "a binary event that is never completed": '451-["kuzzle",{"_placeholder":true,"num":0}]',
    "a binary event of very many attachments": '459999999999-["kuzzle",{"_placeholder":true,"num":0}]',
    "a binary acknowledgement": "461-1[]",
    "attachments without a number": "45-",
}


def bad_packet(case: str, generation: int) -> str:
    return BAD_PACKETS[case].replace("{wrong}", "2" if generation == 4 else "3")


@pytest.mark.parametrize("case", BAD_PACKETS)
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_bad_packet_over_websocket_ends_the_session(server: Server, generation: int, case: str) -> None:
    await refused_by_socket(server, generation, frame(1, bad_packet(case, generation).encode()))


@pytest.mark.parametrize("case", [case for case in BAD_PACKETS if case != "nothing"])
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_bad_packet_in_a_post_ends_the_session(server: Server, generation: int, case: str) -> None:
    await refused_by_post(server, generation, join(generation, bad_packet(case, generation)))


BAD_BODIES = {
    3: {
        "no length": b"hello",
        "a length that is no number": b"x:4hello",
        "an endless length": b"1" * 1000 + b":4",
        "a length of exotic digits": "²:40".encode(),
        "a packet shorter than its length": b"100:4hello",
        "a length in the middle of a character": "2:4😀".encode(),
        "no UTF-8": b"3:4\xff\xfe",
        "a binary form without length": b"\x00",
        "a binary form with a digit of 10": b"\x00\x0a\xff40",
        "a binary form shorter than its length": b"\x00\x09\xff40",
        "a binary form of an unknown sort": b"\x00\x01\xff6\x07\x01\xff6",
        "a binary packet that is no message": b"\x01\x02\xff\x02x",
        "no base64": b"5:b4???",
    },
    4: {
        "an unknown kind": b"hello",
        "nothing between separators": b"40\x1e\x1e40",
        "no UTF-8": b"4\xff\xfe",
        "no base64": b"b???",
    },
}


@pytest.mark.parametrize(
    ("generation", "case"), [(generation, case) for generation, cases in BAD_BODIES.items() for case in cases]
)
async def test_a_bad_body_ends_the_session(server: Server, generation: int, case: str) -> None:
    await refused_by_post(server, generation, BAD_BODIES[generation][case])


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_empty_post_ends_the_session(server: Server, generation: int) -> None:
    await refused_by_post(server, generation, b"")


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_post_of_very_many_packets_ends_the_session(server: Server, generation: int) -> None:
    await refused_by_post(server, generation, join(generation, *["6"] * 1_001))


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_post_of_many_packets_is_served(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    answer = await client.post(*[request(requestId=f"r{number}") for number in range(200)])
    assert (answer.status, answer.body) == (200, b"ok")
    names = {(await client.event())[0] for _ in range(200)}
    assert names == {f"r{number}" for number in range(200)}
    await client.post("1")
    await check_alive(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_binary_message_over_websocket_ends_the_session(server: Server, generation: int) -> None:
    await refused_by_socket(server, generation, frame(BINARY, b"\x04\x00\x01"))


async def test_a_binary_frame_of_engine_io_3_that_is_no_message_ends_the_session(server: Server) -> None:
    await refused_by_socket(server, 3, frame(BINARY, b"\x02\x00\x01"))


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_message_beyond_the_largest_request_ends_the_session(server: Server, generation: int) -> None:
    await refused_by_socket(server, generation, frame(1, b"4" * 1_048_577))


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_body_beyond_the_largest_request_is_refused(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    answer = await client.post_raw(b"4" * 1_048_577)
    assert answer.status == 413
    await client.post("1")
    await check_alive(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_flood_of_malformed_posts_leaves_nothing_behind(server: Server, generation: int) -> None:
    for number in range(140):
        client = await PollingClient.open(server.port("socketio"), generation)
        answer = await client.post_raw(bytes([number]) * (number % 7 + 1))
        assert answer.status in (200, 400)
        if answer.status == 200:
            await client.post("1")
    await check_alive(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_events_of_other_names_are_passed_over(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    for event in (
        '["other",{}]',
        '["connect",{}]',
        '["disconnect"]',
        '["connect_error",1]',
        "[1,{}]",
        '["kuzzle"]',
        "[]",
        '{"kuzzle":{}}',
    ):
        await socket.say("42" + event)
    assert (await socket.ask())["status"] == 200
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_unknown_namespace_is_refused_and_the_session_goes_on(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    await socket.say("40/admin,")
    text = '"Invalid namespace"' if generation == 3 else '{"message":"Invalid namespace"}'
    assert await socket.packet() == f"44/admin,{text}"
    await socket.say('42/admin,["kuzzle",{"requestId":"no"}]')
    assert (await socket.ask())["status"] == 200
    await socket.close()


async def test_a_client_of_engine_io_4_that_has_not_joined_is_not_served(server: Server) -> None:
    socket = await SocketClient.connect_to(server.port("socketio"), "EIO=4&transport=websocket")
    await socket.packet()
    await socket.say(request(requestId="early"))
    await socket.say("40")
    assert (await socket.packet()).startswith("40{")
    assert (await socket.ask(requestId="late"))["status"] == 200
    await socket.close()


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH"])
async def test_other_verbs_are_refused(server: Server, verb: str) -> None:
    client = await PollingClient.open(server.port("socketio"), 3)
    answer = await fetch(client.port, client.query, b"1:6", verb)
    assert (answer.status, answer.json["code"]) == (400, 2)
    await client.post("1")
    await check_alive(server)
