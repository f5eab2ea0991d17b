"""admin:dump: diagnostic snapshots."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from harness import Server

from kuzzle.dump import snapshot_name, write_snapshot

FILES = {"kuzzle.json", "plugins.json", "python.json", "os.json", "statistics.json", "stacks.txt"}


async def dump(server: Server, query: str = "") -> Any:
    return await server.http("POST", f"/admin/_dump?refresh=wait_for{query}")


async def test_a_snapshot_tells_about_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "open sesame")
    assert (await dump(server)).result == {"acknowledge": True}
    (snapshot,) = (server.folder / "dump").iterdir()
    assert snapshot.name.endswith("-manual-api-action")
    assert {file.name for file in snapshot.iterdir()} == FILES
    told = {file.name: json.loads(file.read_text()) for file in snapshot.glob("*.json")}
    assert set(told["kuzzle.json"]) == {"version", "config"}
    assert told["kuzzle.json"]["config"]["stats"]["ttl"] == 3600
    assert set(told["statistics.json"][0]) >= {"timestamp", "completedRequests"}
    assert "A_PASSWORD" in told["python.json"]["env"]
    texts = [file.read_text() for file in snapshot.iterdir()]
    assert not any("open sesame" in text for text in texts)
    assert (snapshot / "os.json").read_text().startswith('{\n "')
    assert all(text.endswith("\n") for text in texts)
    assert snapshot.stat().st_mode & 0o777 == 0o700


async def test_who_does_not_wait_gets_a_snapshot_too(server: Server) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("admin", "dump", suffix="later")
    assert reply["result"] == {"acknowledge": True}
    await server.app.background.finish(30)
    assert [one.name[16:] for one in (server.folder / "dump").iterdir()] == ["later"]


async def test_snapshots_are_written_one_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    websocket = await server.websocket()
    holds_lock, refused_one = threading.Event(), threading.Event()

    def write_later(*arguments: Any, **options: Any) -> None:
        holds_lock.set()
        refused_one.wait(30)
        write_snapshot(*arguments, **options)

    monkeypatch.setattr("kuzzle.controllers.admin.write_snapshot", write_later)
    first = asyncio.create_task(websocket.request("admin", "dump", refresh="wait_for"))
    await asyncio.to_thread(holds_lock.wait, 30)
    second = await (await server.websocket()).request("admin", "dump", refresh="wait_for")
    refused_one.set()
    replies = [await first, second]
    assert sorted(reply["status"] for reply in replies) == [200, 412]
    assert {reply["error"]["id"] for reply in replies if reply["error"]} == {"api.process.action_locked"}
    assert (await dump(server)).status == 200


async def test_a_snapshot_that_cannot_be_written_is_an_error(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    (server.folder / "dump").write_text("in the way")
    reply = await dump(server)
    assert (reply.status, reply.error_id) == (500, "core.fatal.unexpected_error")
    assert str(server.folder) not in reply.json["error"]["message"]
    assert "cannot be written" in caplog.text
    caplog.clear()
    (server.folder / "dump").unlink()
    assert (await dump(server)).status == 200


@pytest.mark.parametrize("suffix", ["../../../etc", "/etc/passwd", "a/../..", "a\0b", "..", "é\ud800", "", "x" * 500])
def test_a_suffix_never_leads_elsewhere(suffix: str) -> None:
    name = snapshot_name(0, suffix)
    assert "/" not in name
    assert "\0" not in name
    assert name.isascii()
    assert name[8] == name[15] == "-"
    assert len(name) <= 200


def test_the_oldest_snapshots_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "20000101-000000-file").write_text("")
    names = [snapshot_name(day * 86_400, "x") for day in range(5)]
    for name in names:
        write_snapshot(tmp_path, name, {"a.json": {}}, kept=3)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [*names[2:], "20000101-000000-file", "mine"]
    write_snapshot(tmp_path, names[4], {"a.json": []}, kept=1)
    assert (tmp_path / names[4] / "a.json").read_text() == "[]\n"
    assert not (tmp_path / names[3]).exists()
