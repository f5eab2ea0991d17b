"""Requests over WebSocket: what is answered, how, and in which order."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from web_stage import WebStage, until
from ws_raw import RawWebSocket, frame

from kuzzle.errors import KuzzleError
from kuzzle.request import Request

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ENVELOPE = ["requestId", "status", "error", "controller", "action", "collection", "index", "volatile", "result"]
ASK = {"controller": "probe", "action": "look"}


async def test_an_answer_is_an_envelope_with_room() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, "requestId": "a", "index": "i", "collection": "c", "volatile": {"v": 1}, "size": 3})
        answer = await client.json()
        await client.close()
        assert list(answer) == [*ENVELOPE, "room"]
        assert (answer["requestId"], answer["room"], answer["status"], answer["error"]) == ("a", "a", 200, None)
        assert (answer["index"], answer["collection"], answer["volatile"]) == ("i", "c", {"v": 1})
        assert answer["result"]["size"] == 3


@pytest.mark.parametrize("request_id", [{}, {"requestId": None}, {"requestId": ""}])
async def test_a_request_without_id_is_answered_with_a_fresh_one(request_id: dict[str, Any]) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, **request_id})
        answer = await client.json()
        await client.close()
        assert UUID.fullmatch(answer["requestId"])
        assert answer["room"] == answer["requestId"]


async def test_null_equals_absent() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, "body": None, "jwt": None, "size": None})
        assert (await client.json())["result"] == ASK
        await client.close()


@pytest.mark.parametrize("text", ["{", "{'a':1}", "nothing", '{"n":123456789012345678901}', "[" * 3000, '{"a":NaN}'])
async def test_malformed_json_gets_an_envelope_without_room(text: str) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text(text)
        answer = await client.json()
        await client.close()
        assert list(answer) == ENVELOPE
        assert UUID.fullmatch(answer["requestId"])
        assert answer["status"] == answer["error"]["status"] == 400
        assert answer["error"]["id"] == "network.websocket.unexpected_error"
        assert answer["error"]["message"].startswith("Caught an unexpected WebSocket error: ")
        assert {answer[name] for name in ENVELOPE[3:]} == {None}


@pytest.mark.parametrize("text", ["null", "123", '"x"', "[]", "[1]", "true"])
async def test_what_is_no_object_gets_a_short_fault(text: str) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text(text)
        assert await client.json() == {
            "status": 400,
            "error": {"message": "Input request data must be a non-null object"},
        }
        await client.close()


@pytest.mark.parametrize(
    ("members", "message", "room"),
    [
        ({"controller": 1, "requestId": "a"}, 'Attribute controller must be of type "string"', {"room": "a"}),
        ({"volatile": "x", "requestId": "a"}, 'Attribute volatile must be of type "object"', {"room": "a"}),
        ({"body": [], "requestId": "a"}, 'Attribute body must be of type "object"', {"room": "a"}),
        ({"requestId": 12}, 'Attribute requestId must be of type "string"', {"room": 12}),
        ({"requestId": {"a": []}}, 'Attribute requestId must be of type "string"', {"room": {"a": []}}),
        ({"jwt": 1}, 'Attribute jwt must be of type "string"', {}),
    ],
)
async def test_a_member_of_the_wrong_type_gets_a_short_fault(
    members: dict[str, Any], message: str, room: dict[str, Any]
) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text(members)
        assert await client.json() == {**room, "status": 400, "error": {"message": message}}
        await client.close()
        assert stage.funnel.requests == []


async def test_the_ping_of_api_2_is_an_ordinary_request() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text('{"p":1}')
        assert list(await client.json()) == [*ENVELOPE, "room"]
        await client.close()
        assert stage.funnel.requests[0].payload == {"p": 1}


async def test_an_error_of_an_action_is_an_envelope_with_room() -> None:
    async def fail(request: Request) -> Any:
        raise KuzzleError("api.process.overloaded")

    async with WebStage(fail) as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, "requestId": "a"})
        answer = await client.json()
        await client.close()
        assert (answer["status"], answer["room"], answer["result"]) == (503, "a", None)


@pytest.mark.parametrize(
    ("result", "opcode", "payload"),
    [({"a": 1}, 1, b'{"a":1}'), ("text é", 1, "text é".encode()), (b"\x00\xff", 2, b"\x00\xff"), (None, 1, b"null")],
)
async def test_a_raw_result_goes_out_alone(result: Any, opcode: int, payload: bytes) -> None:
    async def act(request: Request) -> Any:
        request.raw = True
        return result

    async with WebStage(act) as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text(ASK)
        assert await client.frame() == (opcode, payload)
        await client.close()


async def test_a_defect_costs_one_answer_and_not_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def act(request: Request) -> Any:
        return {"never JSON"} if request.id == "bad" else "fine"

    async with WebStage(act) as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, "requestId": "bad"})
        await client.text({**ASK, "requestId": "good"})
        assert (await client.json())["requestId"] == "good"
        await client.close()
    assert "could not be answered" in caplog.text


async def test_a_request_that_waits_does_not_hold_up_the_next() -> None:
    go_on = asyncio.Event()

    async def act(request: Request) -> Any:
        if request.id == "slow":
            await go_on.wait()
        return request.id

    async with WebStage(act) as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text({**ASK, "requestId": "slow"})
        await client.text({**ASK, "requestId": "fast"})
        assert (await client.json())["requestId"] == "fast"
        go_on.set()
        assert (await client.json())["requestId"] == "slow"
        await client.close()


async def test_many_requests_at_once_are_all_answered_in_order() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        texts = [json.dumps({**ASK, "requestId": str(number)}).encode() for number in range(2000)]
        await client.send(b"".join(frame(1, text) for text in texts))
        assert [(await client.json())["room"] for _ in texts] == [str(number) for number in range(2000)]
        await client.close()


async def test_many_waiting_requests_hold_the_client_back_and_are_all_answered() -> None:
    go_on = asyncio.Event()

    async def act(request: Request) -> Any:
        await go_on.wait()

    async with WebStage(act) as stage:
        client = await RawWebSocket.open(stage.port)
        texts = [json.dumps({**ASK, "requestId": str(number)}).encode() for number in range(3000)]
        await client.send(b"".join(frame(1, text) for text in texts))
        for _ in range(50):
            await asyncio.sleep(0.001)
        begun = len(stage.funnel.requests)
        assert 256 <= begun < 512
        go_on.set()
        assert {(await client.json())["room"] for _ in texts} == {str(number) for number in range(3000)}
        await client.close()


async def test_a_burst_of_one_client_does_not_keep_others_waiting() -> None:
    order: list[str] = []

    async def act(request: Request) -> Any:
        order.append(request.id)

    async with WebStage(act) as stage:
        greedy = await RawWebSocket.open(stage.port)
        modest = await RawWebSocket.open(stage.port)
        burst = b"".join(frame(1, json.dumps({**ASK, "requestId": "greedy"}).encode()) for _ in range(3000))
        one = frame(1, json.dumps({**ASK, "requestId": "modest"}).encode())
        greedy.writer.write(burst)
        modest.writer.write(one)
        await modest.json()
        for _ in range(3000):
            await greedy.json()
        assert order.index("modest") < 2900
        assert len(order) == 3001
        await greedy.close()
        await modest.close()


async def test_a_client_that_leaves_is_forgotten_and_its_waiting_requests_see_it() -> None:
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def act(request: Request) -> Any:
        begun.set()
        await go_on.wait()

    async with WebStage(act) as stage:
        client = await RawWebSocket.open(stage.port)
        await client.text(ASK)
        await begun.wait()
        connection = stage.funnel.requests[0].connection
        assert stage.entrypoint.connection_counts == {"websocket": 1}
        client.writer.transport.abort()
        await until(lambda: not connection.is_open)
        assert stage.removed == [connection.id]
        assert stage.entrypoint.connection_counts == {}
        go_on.set()
        await asyncio.sleep(0.01)  # the late answer has nowhere to go


async def test_the_connection_shows_addresses_headers_and_protocol() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port, X_Forwarded_For="10.0.0.1,10.0.0.2", User_Agent="me")
        await client.text(ASK)
        await client.json()
        await client.close()
        connection = stage.funnel.requests[0].connection
        assert connection.ips[0] in ("127.0.0.1", "::1")
        assert connection.ips[1:] == ("10.0.0.1", "10.0.0.2")
        assert connection.protocol == "websocket"
        assert connection.headers["user-agent"] == "me"


async def test_requests_are_refused_while_the_server_stops() -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        stage.entrypoint.is_shutting_down = True
        await client.text({**ASK, "requestId": "a"})
        answer = await client.json()
        await client.close()
        assert answer["status"] == 503
        assert answer["error"] == {"message": "Kuzzle is shutting down", "status": 503}
        assert answer["room"] == "a"
