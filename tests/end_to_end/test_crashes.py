"""Servers that are killed at random moments under load: nothing acknowledged is lost, nothing is half done.

`CRASH_ROUNDS` in the environment asks for more rounds.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
import tornado.websocket
from crash_writers import MAPPING, TARGET, CrashWriter, State
from harness import WebSocket
from server_nursery import ForkedServer, Nursery
from store_check import store_faults

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "50"))
ROUNDS_OF_A_STORE = 10
WRITERS = 6


async def connect(server: ForkedServer) -> WebSocket:
    return WebSocket(await tornado.websocket.websocket_connect(f"ws://127.0.0.1:{server.port}"), checks=False)


async def make_world(server: ForkedServer) -> None:
    websocket = await connect(server)
    assert (await websocket.request("index", "create", index=TARGET["index"]))["status"] == 200
    assert (await websocket.request("collection", "create", **TARGET, body=MAPPING))["status"] == 200
    websocket.close()


async def write_until_killed(server: ForkedServer, writers: list[CrashWriter], moment_s: float) -> None:
    """Let all write at once, kill the server, and take in the answers that it had sent."""
    websockets = [await connect(server) for _ in writers]
    writing = [
        asyncio.ensure_future(writer.write(websocket)) for writer, websocket in zip(writers, websockets, strict=True)
    ]
    await asyncio.sleep(moment_s)
    server.kill()
    for websocket in websockets:
        assert await websocket.other() is None
    await asyncio.sleep(0)
    for task in writing:
        task.cancel()
    ends = await asyncio.gather(*writing, return_exceptions=True)
    faults = [
        end for end in ends if not isinstance(end, asyncio.CancelledError | tornado.websocket.WebSocketClosedError)
    ]
    assert not faults
    for websocket in websockets:
        websocket.close()
    await server.ended()


async def check(server: ForkedServer, writers: list[CrashWriter]) -> None:
    websocket = await connect(server)
    for writer in writers:
        assert list(await writer.check(websocket)) == []
    # What searches find is what is there.
    there = [state for writer in writers for state in writer.states.values() if isinstance(state, State)]
    reply = await websocket.request("document", "count", **TARGET, body={"query": {"match": {"text": "common"}}})
    assert reply["result"]["count"] == sum(state.is_active for state in there)
    reply = await websocket.request("document", "count", **TARGET, includeTrash=True, body={})
    assert reply["result"]["count"] == len(there)
    websocket.close()


@pytest.mark.timeout(60 + 10 * ROUNDS)
@pytest.mark.gen_test(timeout=60 + 10 * ROUNDS)
async def test_a_killed_server_has_all_that_it_acknowledged_and_nothing_by_halves(tmp_path: Path) -> None:
    chance = random.Random()
    acknowledged = 0
    with Nursery() as nursery:
        for store in range(-(-ROUNDS // ROUNDS_OF_A_STORE)):
            folder = tmp_path / f"store{store}"
            folder.mkdir()
            writers = [CrashWriter(f"w{number}", chance) for number in range(WRITERS)]
            server = nursery.start(folder)
            await make_world(server)
            for _ in range(ROUNDS_OF_A_STORE):
                await write_until_killed(server, writers, chance.uniform(0, 0.25))
                assert store_faults(folder / "data" / "kuzzle.db") == []
                server = nursery.start(folder)
                await check(server, writers)
            server.kill()
            await server.ended()
            acknowledged += sum(writer.acknowledged for writer in writers)
    assert acknowledged > ROUNDS
