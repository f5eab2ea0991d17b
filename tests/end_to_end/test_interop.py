"""What is written over one protocol is heard over all of them, once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from harness import Server
from talkers import LINES, Talker, talker

READERS = ("websocket", "socketio", "mqtt", "lines")
WRITERS = ("http", *READERS)


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server with a protocol of one's own beside the others."""
    return start_server({"protocols": {"lines": LINES}})


async def connect(stack: AsyncExitStack, server: Server, protocols: tuple[str, ...]) -> list[Talker]:
    return [await stack.enter_async_context(talker(server, protocol)) for protocol in protocols]


async def test_a_subscription_on_any_protocol_hears_a_document_of_any_protocol_once(server: Server) -> None:
    await server.prepare()
    async with AsyncExitStack() as stack:
        readers = await connect(stack, server, READERS)
        for reader in readers:
            assert (await reader.subscribe({"equals": {"genre": "essay"}}))["status"] == 200
        for writer in await connect(stack, server, WRITERS):
            body = {"genre": "essay", "by": writer.protocol}
            assert (await writer.create(f"by-{writer.protocol}", body))["status"] == 200
            assert (await writer.create(f"other-by-{writer.protocol}", {"genre": "novel"}))["status"] == 200
        for reader in readers:
            await reader.ask("server", "now")  # what was sent to it before has arrived
            heard = [(one["protocol"], one["result"]["_id"], one["scope"]) for one in reader.notifications]
            assert heard == [(protocol, f"by-{protocol}", "in") for protocol in WRITERS], reader.protocol
            for one in reader.notifications:
                assert one["result"]["_source"]["by"] == one["protocol"]


@pytest.mark.parametrize("protocol", READERS)
async def test_a_writer_that_subscribed_hears_itself_once(server: Server, protocol: str) -> None:
    await server.prepare()
    async with talker(server, protocol) as client:
        await client.subscribe({})
        await client.create("one", {})
        await client.ask("server", "now")
        assert [one["result"]["_id"] for one in client.notifications] == ["one"]


async def test_one_room_is_one_room_on_every_protocol(server: Server) -> None:
    await server.prepare()
    async with AsyncExitStack() as stack:
        readers = await connect(stack, server, READERS)
        filters: dict[str, Any] = {"exists": {"field": "genre"}}
        results = [(await reader.subscribe(filters))["result"] for reader in readers]
        assert len({result["roomId"] for result in results}) == 1
        counted = [
            (await reader.ask("realtime", "count", body={"roomId": results[0]["roomId"]}))["result"]["count"]
            for reader in readers
        ]
        assert counted == [len(READERS)] * len(READERS)
