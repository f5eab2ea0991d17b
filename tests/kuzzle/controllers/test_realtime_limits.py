"""Bounds of subscriptions, as clients of every protocol that has them meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from talkers import talker

PROTOCOLS = ("websocket", "socketio", "mqtt")


def one_of(count: int) -> dict[str, Any]:
    """A filter of so many alternatives."""
    return {"in": {"kind": [f"kind {number}" for number in range(count)]}}


def choices(count: int) -> dict[str, Any]:
    """A filter of so many choices between two: each doubles the alternatives."""
    return {"and": [{"or": [{"exists": f"a{number}"}, {"exists": f"b{number}"}]} for number in range(count)]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_filter_that_would_explode_is_refused_before_it_does(server: Server, protocol: str) -> None:
    """Forty choices are 2^40 alternatives: multiplied out, this test would not end."""
    async with talker(server, protocol) as client:
        for filters in (choices(40), {"not": {"or": [{"not": choices(20)}, {"not": choices(20)}]}}):
            answer = await client.subscribe(filters)
            assert (answer["status"], answer["result"]) == (413, None)
            assert answer["error"]["id"] == "core.realtime.too_many_terms"
            assert answer["error"]["message"].startswith(
                "Unable to subscribe: maximum number of terms exceeded (max 256"
            )
        assert (await client.ask("realtime", "list"))["result"] == {}
        assert (await client.subscribe(choices(8)))["status"] == 200


@pytest.mark.parametrize(("option", "allowed"), [(None, 256), (0, 256), (4, 4), (300, 300)])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_number_of_alternatives_is_an_option(
    start_server: Callable[..., Server], io_loop: Any, protocol: str, option: int | None, allowed: int
) -> None:
    server = start_server({} if option is None else {"limits": {"subscriptionMinterms": option}})

    async def ask() -> list[dict[str, Any]]:
        async with talker(server, protocol) as client:
            return [await client.subscribe(one_of(count)) for count in (allowed, allowed + 1)]

    taken, refused = io_loop.run_sync(ask)
    assert taken["status"] == 200
    assert (refused["status"], refused["error"]["id"]) == (413, "core.realtime.too_many_terms")
    assert f"(max {allowed}, received {allowed + 1})" in refused["error"]["message"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rooms_are_bounded_for_everybody_together_and_those_that_are_there_stay_open(
    start_server: Callable[..., Server], io_loop: Any, protocol: str
) -> None:
    server = start_server({"limits": {"subscriptionRooms": 2}})

    async def ask() -> None:
        async with talker(server, "websocket") as first, talker(server, protocol) as client:
            there = await first.subscribe({"exists": "a"})
            assert (await client.subscribe({"exists": "b"}))["status"] == 200
            refused = await client.subscribe({"exists": "c"})
            assert (refused["status"], refused["error"]["id"]) == (413, "core.realtime.too_many_rooms")
            joined = await client.ask("realtime", "join", body={"roomId": there["result"]["roomId"]})
            assert joined["result"] == there["result"]
            assert (await client.subscribe({"exists": "a"}, scope="in"))["status"] == 200
            await client.ask("realtime", "unsubscribe", body={"roomId": there["result"]["roomId"]})
            await first.ask("realtime", "unsubscribe", body={"roomId": there["result"]["roomId"]})
            assert (await client.subscribe({"exists": "c"}))["status"] == 200

    io_loop.run_sync(ask)
