"""A protocol that goes wrong is named, and stops no other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from running import FREE_PORTS, ROOT, run
from talkers import LineTalker, line_talker

import kuzzle.doors
from kuzzle.doors import DoorError
from kuzzle.notification import Notification
from protocols.ports import PortError

EXAMPLES = ROOT / "docs" / "examples" / "protocols"
BOOKS = {"index": "library", "collection": "books"}


def broken(where: str, **options: Any) -> dict[str, Any]:
    """Return the options of a server with a protocol that breaks somewhere."""
    section = {"class": "broken_protocols:Broken", "port": 0, "breaks": where, **options}
    history = {"collections": {"library": {"*": {"size": 10, "time": 60_000}}}}
    return {"protocols": {"lines": section}, "realtime": {"history": history}}


# --- the start


async def test_a_protocol_that_does_not_start_stops_the_start_and_leaves_nothing_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path, broken("start"))
    with pytest.raises(DoorError) as refusal:
        await server.start()
    assert str(refusal.value) == r"protocols.lines: did not start: ZeroDivisionError: broken in\nstart"
    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.exc_info] == [
        ("ERROR", "The protocol lines did not start")
    ]
    assert server.app.ports.numbers == {}
    async with Server(tmp_path, {}):  # the store was let go, too
        pass


async def test_a_protocol_that_never_ends_to_start_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kuzzle.doors, "START_TIMEOUT_S", 0.05)
    server = Server(tmp_path, broken("start for ever"))
    with pytest.raises(DoorError) as refusal:
        await server.start()
    assert str(refusal.value) == "protocols.lines: did not start within 0.05 s"
    assert server.app.ports.numbers == {}


async def test_a_port_that_is_taken_is_told_as_for_every_protocol(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with Server(tmp_path, broken("")) as first:
        second = Server(tmp_path / "other", broken("", port=first.port("lines")))
        with pytest.raises(PortError, match=r"^protocols\.lines\.port: cannot listen on localhost:\d+: "):
            await second.start()


async def test_only_what_began_to_start_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path, broken("start"))
    stopped: list[str] = []
    for protocol in server.app.protocols:
        stop = protocol.stop

        async def note(name: str = protocol.name, stop: Any = stop) -> None:
            stopped.append(name)
            await stop()

        monkeypatch.setattr(protocol, "stop", note)
    server.app.protocols.sort(key=lambda each: ["mqtt", "websocket", "lines", "http", "socketio"].index(each.name))
    with pytest.raises(DoorError):
        await server.start()
    assert stopped == ["lines", "websocket", "mqtt"]


# --- while it runs


async def goes_on(server: Server, client: LineTalker) -> None:
    """Everybody is served as ever: the others, and whoever came by the broken protocol."""
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", **BOOKS, body={})
    assert (await client.create("b", {}))["status"] == 200
    assert (await websocket.notification())["result"]["_id"] == "b"


@pytest.mark.parametrize("where", ["broadcast", "join a channel", "leave a channel"])
async def test_a_defect_in_what_a_request_leads_to_is_logged_and_fails_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    async with Server(tmp_path, broken(where)) as server, line_talker(server) as client:
        await server.prepare()
        room = (await client.subscribe({}))["result"]["roomId"]
        assert (await client.create("a", {}))["status"] == 200
        assert (await client.ask("realtime", "unsubscribe", body={"roomId": room}))["status"] == 200
        await goes_on(server, client)
    assert f"The protocol lines failed to {where}" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("where", ["hold a channel", "replay"])
async def test_a_defect_in_sending_what_was_missed_costs_nobody_else_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    async with Server(tmp_path, broken(where)) as server, line_talker(server) as client:
        await server.prepare()
        made = (await client.subscribe({}))["result"]
        await client.create("a", {})
        recover = {"epoch": made["epoch"], "offset": made["offset"]}
        assert (await client.subscribe({}, recover=recover))["status"] == 200
        await goes_on(server, client)
    assert f"The protocol lines failed to {where}" in caplog.text


async def test_a_defect_in_notifying_one_connection_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Server(tmp_path, broken("notify")) as server, line_talker(server) as client:
        await server.prepare()
        notification = Notification({"type": "document"})
        server.app.entrypoint.notify(await declared(server, client), ["channel"], notification)
        await goes_on(server, client)
    assert "The protocol lines failed to notify" in caplog.text


async def declared(server: Server, client: LineTalker) -> str:
    """Return the id of the client's connection once the server knows it."""
    await client.ask("server", "now")
    (connection,) = [each for each in server.app.entrypoint._connections.values() if each.protocol == "lines"]
    return connection.id


async def test_a_defect_in_closing_a_connection_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Server(tmp_path, broken("disconnect")) as server, line_talker(server) as client:
        await server.prepare()
        server.app.entrypoint.disconnect(await declared(server, client), "enough")
        await goes_on(server, client)
    assert "The protocol lines failed to disconnect" in caplog.text


# --- the end


@pytest.mark.parametrize(
    ("where", "told"),
    [("stop", "The protocol lines did not stop cleanly"), ("stop for ever", "The protocol lines did not stop within")],
)
async def test_a_protocol_that_does_not_stop_keeps_no_other_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, where: str, told: str
) -> None:
    monkeypatch.setattr(kuzzle.doors, "STOP_TIMEOUT_S", 0.5)
    async with Server(tmp_path, broken(where)) as server:
        await server.stop()
        assert "http" not in server.app.ports.numbers
    assert told in caplog.text
    async with Server(tmp_path, {}):  # the store was let go, too
        pass


# --- the process


def test_the_process_says_which_protocol_did_not_start_and_its_author_where(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "line_protocol.py", tmp_path)
    (tmp_path / "mine.py").write_text(
        "from line_protocol import LineProtocol\n\n\n"
        "class Mine(LineProtocol):\n    async def start(self):\n        1 / 0\n"
    )
    (tmp_path / "kuzzle.yml").write_text('protocols: {lines: {class: "mine:Mine", port: 0}}\n')
    ended = run(tmp_path, changes=FREE_PORTS)
    assert ended.returncode == 1
    assert ended.stdout == ""
    *traceback, last = ended.stderr.splitlines()
    assert last == "kuzzle: protocols.lines: did not start: ZeroDivisionError: division by zero"
    assert any("The protocol lines did not start" in line for line in traceback)
    assert any('mine.py", line 6, in start' in line for line in traceback)
