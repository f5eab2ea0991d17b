"""Real clients: every generation of socket.io-client over every transport, and python-socketio's own."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
import socketio
import wire
from harness import Server
from node import node

GENERATIONS = ("1", "2.0", "2", "3", "4")
TRANSPORTS = ("polling", "websocket", "polling,websocket")
ENVELOPE = ["requestId", "status", "error", "controller", "action", "collection", "index", "volatile", "result"]


@pytest.mark.parametrize(("generation", "transports"), list(itertools.product(GENERATIONS, TRANSPORTS)))
async def test_every_generation_of_clients_talks_over_every_transport(
    server: Server, generation: str, transports: str
) -> None:
    (seen,) = await node("socketio.js", generation, server.url, transports)
    assert seen["status"] == 200
    assert seen["members"] == ENVELOPE
    # The parser of 1.7 garbles what is not ASCII in what it polls out; nothing on the wire tells it from 2.x.
    is_garbled = generation == "1" and transports.startswith("polling")
    assert seen["text"] is not is_garbled
    assert seen["large"] is True or is_garbled
    assert seen["burst"] == 40
    name, text, has_room = seen["notification"]
    assert name == "socketio"
    assert text == "é😀" or is_garbled
    assert has_room is False
    assert seen["fault"] == {"status": 400, "error": {"message": 'Attribute controller must be of type "string"'}}
    assert seen["transport"] == transports.rpartition(",")[2]


async def test_the_client_of_python_socketio_gets_answers_and_learns_of_the_end(server: Server) -> None:
    client = socketio.Client(reconnection=False)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[dict[str, Any]] = loop.create_future()
    ended = asyncio.Event()
    client.on("mine", lambda envelope: loop.call_soon_threadsafe(answer.set_result, envelope))
    client.on("disconnect", lambda *_reason: loop.call_soon_threadsafe(ended.set))
    await asyncio.to_thread(client.connect, server.url, transports=["websocket"])
    try:
        await asyncio.to_thread(client.emit, "kuzzle", {"requestId": "mine", "controller": "server", "action": "now"})
        wire.check_response(await asyncio.wait_for(answer, 30))
        await server.stop()
        await asyncio.wait_for(ended.wait(), 30)
    finally:
        await asyncio.to_thread(client.disconnect)
        if client.eio.http is not None:
            client.eio.http.close()
