"""A stranger follows the README: the server starts in an empty folder, is talked to, is stopped or killed."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tornado.httpclient
import tornado.websocket
from node import find_program
from running import ROOT, RunningServer

WRITES_UNDER_WAY = 16
WRITES_BEFORE_THE_END = 300


def curl_lines() -> list[str]:
    """The commands that the README shows first."""
    section = (ROOT / "README.md").read_text().partition("## First steps")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    lines = block[1].replace("\\\n", " ").strip().splitlines()
    assert all(line.startswith("curl ") for line in lines)
    return lines


def test_the_first_steps_of_the_readme_do_what_they_say(tmp_path: Path) -> None:
    curl = find_program("curl", package="curl")
    with RunningServer(tmp_path) as server:
        answers = []
        for line in curl_lines():
            words = shlex.split(line.replace("localhost:7512", f"localhost:{server.ports['http']}"))
            shown = subprocess.run([curl, "-sS", *words[1:]], capture_output=True, text=True, timeout=30, check=True)
            answers.append(json.loads(shown.stdout))
        assert [answer["status"] for answer in answers] == [200] * len(answers)
        actions = [f"{answer['controller']}:{answer['action']}" for answer in answers]
        assert actions == ["server:info", "index:create", "collection:create", "document:create", "document:search"]
        assert [hit["_id"] for hit in answers[-1]["result"]["hits"]] == ["ada"]
        code, _, errors = server.stop(signal.SIGTERM)
        assert code == 0
        assert "Traceback" not in errors
    assert (tmp_path / "data" / "kuzzle.db").exists()


async def get(server: RunningServer, path: str, method: str = "GET") -> Any:
    client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
    answer = await client.fetch(
        f"http://localhost:{server.ports['http']}{path}",
        method=method,
        allow_nonstandard_methods=True,
        raise_error=False,
    )
    return json.loads(answer.body)


async def write_until_killed(server: RunningServer) -> list[str]:
    """Create documents, several at a time, and kill the server amid them; the acknowledged ids."""
    websocket = await tornado.websocket.websocket_connect(f"ws://localhost:{server.ports['websocket']}")
    acknowledged: list[str] = []
    sent = 0
    while len(acknowledged) < WRITES_BEFORE_THE_END:
        while sent - len(acknowledged) < WRITES_UNDER_WAY:
            request = {"controller": "document", "action": "create", "index": "library", "collection": "books"}
            await websocket.write_message(json.dumps({**request, "_id": f"book-{sent}", "body": {"number": sent}}))
            sent += 1
        answer = await websocket.read_message()
        assert answer is not None
        acknowledged.append(json.loads(answer)["result"]["_id"])
    server.process.kill()
    while (answer := await websocket.read_message()) is not None:
        acknowledged.append(json.loads(answer)["result"]["_id"])
    websocket.close()
    return acknowledged


async def test_a_killed_server_keeps_every_acknowledged_document(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        await get(server, "/library/_create", "POST")
        await get(server, "/library/books", "PUT")
        acknowledged = await write_until_killed(server)
        await asyncio.to_thread(server.process.wait, 30)
    assert len(set(acknowledged)) == len(acknowledged) >= WRITES_BEFORE_THE_END
    with RunningServer(tmp_path) as server:
        for name in acknowledged:
            kept = await get(server, f"/library/books/{name}")
            assert kept["result"]["_source"]["number"] == int(name.removeprefix("book-"))
        assert server.stop()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_told_to_stop_tells_its_clients(tmp_path: Path, number: signal.Signals) -> None:
    with RunningServer(tmp_path) as server:
        websocket = await tornado.websocket.websocket_connect(f"ws://localhost:{server.ports['websocket']}")
        server.process.send_signal(number)
        assert await websocket.read_message() is None
        assert websocket.close_code not in (None, 1000, 1006)
        websocket.close()
        assert await asyncio.to_thread(server.process.wait, 30) == 0
