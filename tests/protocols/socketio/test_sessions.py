"""The life of sessions: signs of life, upgrades, goodbyes, and clients that do not read."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from engineio_raw import CLOSE, TEXT, PollingClient, SocketClient, cut, event_of, fetch, request, service_of
from harness import Server
from tornado.ioloop import IOLoop
from web_stage import RawClient, request_bytes, until
from ws_raw import frame

from kuzzle.notification import Notification

pytestmark = pytest.mark.usefixtures("silence")
GENERATIONS = (3, 4)
Scene = Callable[[Server], Coroutine[Any, Any, None]]


@pytest.fixture
def play(start_server: Callable[..., Server], io_loop: IOLoop) -> Callable[..., None]:
    """Run a scene on a server with options of Socket.IO: `play(scene, pingTimeout=100)`."""

    def run(scene: Scene, **options: Any) -> None:
        server = start_server({"protocols": {"socketio": options}})
        io_loop.run_sync(lambda: scene(server), timeout=50)

    return run


async def until_gone(server: Server) -> None:
    """Wait until no session is left, in any table."""
    service = service_of(server)
    for _ in range(500):
        if not (service.engine.sockets or server.app.entrypoint.connection_counts or service.links):
            return
        await asyncio.sleep(0.02)
    raise AssertionError((service.engine.sockets, server.app.entrypoint.connection_counts, service.links))


async def code_of_poll(client: PollingClient) -> tuple[int, int]:
    """Poll a session that is gone: status and code of the fault."""
    answer = await client.poll()
    return answer.status, answer.json["code"]


# --- signs of life


async def test_a_ping_of_engine_io_3_is_answered_with_its_content(server: Server) -> None:
    client = await PollingClient.open(server.port("socketio"), 3)
    await client.post("2", "2hello")
    assert [await client.packet(), await client.packet()] == ["3", "3hello"]
    socket = await SocketClient.open_session(server.port("socketio"), 3)
    await socket.say("2probe")
    assert await socket.packet() == "3probe"
    await socket.close()


def test_a_client_of_engine_io_4_is_pinged_and_stays_while_it_answers(play: Callable[..., None]) -> None:
    async def scene(server: Server) -> None:
        client = await PollingClient.open(server.port("socketio"), 4)
        socket = await SocketClient.open_session(server.port("socketio"), 4)
        for _ in range(5):
            assert await client.packet() == "2"
            assert await socket.packet() == "2"
            await client.post("3")
            await socket.say("3")
        assert (await client.ask())["status"] == 200
        await socket.close()
        await client.post("1")
        await until_gone(server)

    play(scene, pingInterval=100, pingTimeout=2_000)


def test_a_client_of_engine_io_3_stays_while_it_pings(play: Callable[..., None]) -> None:
    async def scene(server: Server) -> None:
        socket = await SocketClient.open_session(server.port("socketio"), 3)
        for _ in range(10):
            await asyncio.sleep(0.1)
            await socket.say("2")
            assert await socket.packet() == "3"
        await socket.close()
        await until_gone(server)

    play(scene, pingInterval=200, pingTimeout=500)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_silent_clients_are_let_go(play: Callable[..., None], generation: int) -> None:
    async def scene(server: Server) -> None:
        client = await PollingClient.open(server.port("socketio"), generation)
        socket = await SocketClient.open_session(server.port("socketio"), generation)
        await until_gone(server)
        await socket.close()
        assert await code_of_poll(client) == (400, 1)

    play(scene, pingInterval=100, pingTimeout=100)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_abandoned_handshakes_leave_nothing_behind(play: Callable[..., None], generation: int) -> None:
    async def scene(server: Server) -> None:
        for _ in range(300):
            await fetch(server.port("socketio"), f"EIO={generation}&transport=polling")
        await until_gone(server)

    play(scene, pingInterval=100, pingTimeout=100)


# --- goodbyes


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_client_that_closes_ends_its_waiting_poll(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    waiting = asyncio.ensure_future(client.poll())
    await asyncio.sleep(0.1)
    assert (await client.post("1")).status == 200
    answer = await waiting
    assert answer.status == 200
    assert cut(generation, answer.body)[0] in ("6", "1")
    assert await code_of_poll(client) == (400, 1)
    await until_gone(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_client_that_closes_its_websocket_session_is_answered_in_kind(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    await socket.say("1")
    assert (await socket.frame()).opcode == CLOSE
    await socket.close()
    await until_gone(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_client_may_leave_the_namespace(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    await socket.say("41")
    await socket.say("2" if generation == 3 else "3")
    for _ in range(100):
        if not server.app.entrypoint.connection_counts:
            break
        await asyncio.sleep(0.02)
    assert server.app.entrypoint.connection_counts == {}
    await socket.close()
    await until_gone(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_client_that_vanishes_is_forgotten(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    socket.writer.transport.abort()
    client = await PollingClient.open(server.port("socketio"), generation)
    raw = await RawClient.connect(server.port("socketio"))
    await raw.send(request_bytes("GET", f"/socket.io/?{client.query}"))
    await asyncio.sleep(0.1)
    raw.writer.transport.abort()
    await until_gone(server)
    assert await code_of_poll(client) == (400, 1)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_disconnected_client_is_told_that_the_server_wants_it(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    client = await PollingClient.open(server.port("socketio"), generation)
    waiting = asyncio.ensure_future(client.poll())
    await asyncio.sleep(0.1)
    for connection_id in tuple(server.app.entrypoint._connections):
        server.app.entrypoint.disconnect(connection_id, "enough")
    assert await socket.packet() == "41"
    answer = await waiting
    assert cut(generation, answer.body)[:2] == ["41", "1"]
    while (await socket.frame()).opcode != CLOSE:
        pass
    await socket.close()
    await until_gone(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_server_that_stops_tells_its_clients(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    client = await PollingClient.open(server.port("socketio"), generation)
    await PollingClient.open(server.port("socketio"), generation)  # comes too late to be told
    waiting = asyncio.ensure_future(client.poll())
    await asyncio.sleep(0.1)
    stopping = asyncio.ensure_future(server.stop())
    assert cut(generation, (await waiting).body) == ["1"]
    while (await socket.frame()).opcode != CLOSE:
        pass
    await socket.close()
    await stopping
    await until_gone(server)


# --- polls


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_two_polls_at_a_time_end_the_session(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    first = asyncio.ensure_future(client.poll())
    await asyncio.sleep(0.1)
    second = await client.poll()
    assert second.status == 400
    answer = await first
    assert (answer.status, cut(generation, answer.body)) == (200, ["1"])
    await until_gone(server)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_what_is_sent_between_two_polls_leaves_with_the_next(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    await client.post(*[request(requestId=f"r{number}") for number in range(3)])
    names = [(await client.event())[0] for _ in range(3)]
    assert names == ["r0", "r1", "r2"]
    await client.post("1")


# --- upgrades


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_session_moves_from_polling_to_websocket(server: Server, generation: int) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    waiting = asyncio.ensure_future(client.poll())
    await asyncio.sleep(0.1)
    socket = await SocketClient.connect_to(client.port, client.query.replace("polling", "websocket"))
    await socket.say("2probe")
    assert await socket.packet() == "3probe"
    assert cut(generation, (await waiting).body) == ["6"]
    await client.post(request(requestId="between"))
    await socket.say("5")
    assert (await socket.event())[0] == "between"
    assert (await socket.ask())["status"] == 200
    assert (await client.poll()).json["code"] == 3
    assert (await client.post("6")).json["code"] == 3
    second = await SocketClient.connect_to(client.port, client.query.replace("polling", "websocket"))
    assert (await second.frame()).opcode == CLOSE
    await second.close()
    assert (await socket.ask())["status"] == 200
    await socket.close()
    await until_gone(server)


@pytest.mark.parametrize("first", ["4hello", "2", "3probe", "abc"])
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_websocket_that_does_not_prove_itself_is_closed(server: Server, generation: int, first: str) -> None:
    client = await PollingClient.open(server.port("socketio"), generation)
    socket = await SocketClient.connect_to(client.port, client.query.replace("polling", "websocket"))
    await socket.say(first)
    assert (await socket.frame()).opcode == CLOSE
    await socket.close()
    assert (await client.ask())["status"] == 200
    await client.post("1")
    await until_gone(server)


@pytest.mark.parametrize("is_probed", [False, True])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_half_open_upgrade_ends_and_polling_goes_on(
    play: Callable[..., None], generation: int, is_probed: bool
) -> None:
    async def scene(server: Server) -> None:
        client = await PollingClient.open(server.port("socketio"), generation)
        socket = await SocketClient.connect_to(client.port, client.query.replace("polling", "websocket"))
        if is_probed:
            await socket.say("2probe")
            assert await socket.packet() == "3probe"
        second = await SocketClient.connect_to(client.port, client.query.replace("polling", "websocket"))
        assert (await second.frame()).opcode == CLOSE
        await second.close()
        assert (await socket.frame()).opcode == CLOSE
        await socket.close()
        await asyncio.sleep(0.1)
        await client.post(request())
        while (packet := await client.packet()) == "6":
            pass
        assert packet.startswith('42["one"')
        await client.post("1")
        await until_gone(server)

    play(scene, pingInterval=20_000, pingTimeout=200)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_websocket_of_an_unknown_session_is_closed(server: Server, generation: int) -> None:
    socket = await SocketClient.connect_to(server.port("socketio"), f"EIO={generation}&transport=websocket&sid=nobody")
    assert (await socket.frame()).opcode == CLOSE
    await socket.close()
    await until_gone(server)


@pytest.mark.parametrize("query", ["EIO=2&transport=websocket", "transport=websocket", "EIO=3&transport=smoke"])
async def test_a_refused_websocket_does_not_stay_open(server: Server, query: str) -> None:
    socket = await SocketClient.connect_to(server.port("socketio"), query)
    assert (await socket.frame()).opcode == CLOSE
    await socket.close()
    await until_gone(server)


# --- clients that do not read


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_polling_client_that_does_not_fetch_is_let_go(play: Callable[..., None], generation: int) -> None:
    async def scene(server: Server) -> None:
        client = await PollingClient.open(server.port("socketio"), generation)
        for _ in range(3):
            await client.post(*[request() for _ in range(20)])
        await until_gone(server)
        assert await code_of_poll(client) == (400, 1)

    play(scene, maxQueuedMessages=50)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_waits_for_a_polling_client_is_bounded_in_bytes(play: Callable[..., None], generation: int) -> None:
    async def scene(server: Server) -> None:
        client = await PollingClient.open(server.port("socketio"), generation)
        for _ in range(5):
            await client.post(request(controller="x" * 9_000))
        await until_gone(server)
        assert await code_of_poll(client) == (400, 1)

    play(scene, maxQueuedBytes=20_000)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_websocket_client_that_does_not_read_is_let_go(play: Callable[..., None], generation: int) -> None:
    async def scene(server: Server) -> None:
        socket = await SocketClient.open_session(server.port("socketio"), generation)
        socket.writer.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        socket.writer.transport.pause_reading()
        follower = next(iter(server.app.entrypoint._connections))
        server.app.entrypoint.join_channel("news", follower)
        for _ in range(2_000):
            server.app.entrypoint.broadcast(["news"], Notification({"text": "x" * 9_000}))
        await until_gone(server)
        await socket.close()

    play(scene, maxQueuedBytes=100_000)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_websocket_client_that_leaves_too_many_messages_unread_is_let_go_and_told_why(
    play: Callable[..., None], generation: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("protocols.socketio.link._CLOSING_TIMEOUT_S", 60)

    async def scene(server: Server) -> None:
        deaf = await SocketClient.open_session(server.port("socketio"), generation)
        quick = await SocketClient.open_session(server.port("socketio"), generation)
        deaf.writer.transport.pause_reading()
        for follower in server.app.entrypoint._connections:
            server.app.entrypoint.join_channel("news", follower)
        number = 0
        while "Let go of" not in caplog.text:
            server.app.entrypoint.broadcast(["news"], Notification({"number": number, "text": "x" * 9_000}))
            assert (await quick.event())[1]["number"] == number
            number += 1
        server.app.entrypoint.broadcast(["news"], Notification({"number": "last"}))
        assert (await quick.event())[1]["number"] == "last"
        await until(lambda: len(server.app.entrypoint._connections) == 1)
        deaf.writer.transport.resume_reading()
        heard = 0
        while (got := await deaf.frame()).opcode == 1:
            assert event_of(got.payload.decode())[1]["number"] == heard
            heard += 1
        assert heard == number - 51, "fifty waited, and one was too many"
        assert (got.opcode, got.payload[:2]) == (8, (1008).to_bytes(2, "big"))
        assert await quick.ask()
        await quick.close()
        await deaf.close()

    play(scene, maxQueuedMessages=50)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_websocket_client_that_reads_late_gets_everything_in_order(
    play: Callable[..., None], generation: int
) -> None:
    async def scene(server: Server) -> None:
        slow = await SocketClient.open_session(server.port("socketio"), generation)
        slow.writer.transport.pause_reading()
        (follower,) = server.app.entrypoint._connections
        server.app.entrypoint.join_channel("news", follower)
        for number in range(1_500):
            server.app.entrypoint.broadcast(["news"], Notification({"number": number, "text": "x" * 9_000}))
        (link,) = service_of(server).links
        assert len(link._waiting) > 100
        slow.writer.transport.resume_reading()
        for number in range(1_500):
            assert (await slow.event())[1]["number"] == number
        assert await slow.ask()
        assert link._waiting is None
        await slow.close()

    play(scene)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_client_that_says_goodbye_while_much_waits_gets_all_of_it_and_the_answer(
    play: Callable[..., None], generation: int
) -> None:
    async def scene(server: Server) -> None:
        slow = await SocketClient.open_session(server.port("socketio"), generation)
        slow.writer.transport.pause_reading()
        (follower,) = server.app.entrypoint._connections
        server.app.entrypoint.join_channel("news", follower)
        (link,) = service_of(server).links
        number = 0
        while not link._waiting:
            server.app.entrypoint.broadcast(["news"], Notification({"number": number, "text": "x" * 9_000}))
            number += 1
        link.data_received(frame(8, (1000).to_bytes(2, "big")))  # read before it became slow
        slow.writer.transport.resume_reading()
        for each in range(number):
            assert (await slow.event())[1]["number"] == each
        assert (await slow.frame()).opcode == 8
        await until(lambda: service_of(server).links == set())
        await slow.close()

    play(scene)


async def test_answers_leave_at_once(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 4)
    (link,) = service_of(server).links
    assert link._transport.get_extra_info("socket").getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)
    await socket.close()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_requests_sent_together_with_a_goodbye_are_answered_first(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation)
    await socket.send(frame(TEXT, request().encode()) * 3 + frame(CLOSE, b"\x03\xe8"))
    for _ in range(3):
        assert (await socket.event())[0] == "one"
    assert await socket.frame() == (CLOSE, b"\x03\xe8")
    await socket.close()
    await until_gone(server)


async def test_a_ping_of_the_websocket_itself_is_answered(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 3)
    await socket.send(frame(9, b"hello"))
    assert await socket.frame() == (10, b"hello")
    await socket.close()
