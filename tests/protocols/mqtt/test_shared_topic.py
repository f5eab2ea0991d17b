"""The single-topic form: what is peculiar to it, and who sees the answers."""

from __future__ import annotations

from typing import Any

import mqtt_raw
import pytest
from mqtt_stage import Stage

from kuzzle.request import Request
from protocols.mqtt.shared_topic import complete_answer, complete_request, is_public

WRITE = {"controller": "document", "action": "createOrReplace", "index": "i", "collection": "c", "body": {}}


@pytest.mark.parametrize("given", [{}, {"_id": None}, {"_id": ""}])
def test_create_or_replace_without_id_gets_a_generated_one(given: dict[str, Any]) -> None:
    first, second = complete_request({**WRITE, **given}), complete_request({**WRITE, **given})
    assert len(first["_id"]) == 36
    assert first["_id"] != second["_id"]


@pytest.mark.parametrize(
    "payload",
    [
        {**WRITE, "_id": "mine"},
        {**WRITE, "_id": 0},
        {**WRITE, "action": "replace"},
        {**WRITE, "controller": "bulk"},
        {},
        None,
        [WRITE],
        "text",
    ],
)
def test_anything_else_is_run_as_it_came(payload: Any) -> None:
    assert complete_request(payload) is payload


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (WRITE, True),
        ({**WRITE, "jwt": None}, True),
        ({**WRITE, "jwt": "token"}, False),
        ({**WRITE, "jwt": ""}, False),
        ({"controller": "auth", "action": "login"}, False),
        ({"controller": "security", "action": "createUser"}, False),
        ([], False),
    ],
)
def test_an_answer_is_public_when_any_client_could_have_asked_the_same(payload: Any, expected: bool) -> None:
    assert is_public(payload) is expected


def test_the_answer_repeats_members_inside_its_result_but_never_replaces_the_results_own() -> None:
    result = {"_id": "x", "collection": "of the result"}
    content = {
        "requestId": "r",
        "controller": "document",
        "action": "get",
        "index": "i",
        "collection": "c",
        "volatile": {"a": 1},
        "result": result,
    }
    assert complete_answer(content)["result"] == {
        "_id": "x",
        "collection": "of the result",
        "controller": "document",
        "action": "get",
        "requestId": "r",
        "volatile": {"a": 1},
    }
    assert result == {"_id": "x", "collection": "of the result"}, "a result may be shared"


@pytest.mark.parametrize("content", [{"result": None}, {"result": [1]}, {"result": True}, {}, "raw", b"raw", None])
def test_other_answers_stay_as_they_are(content: Any) -> None:
    assert complete_answer(content) is content


@pytest.mark.parametrize("allow_pub_sub", [False, True])
@pytest.mark.parametrize("version", [3, 4, 5])
async def test_every_subscriber_sees_the_answer_to_an_anonymous_request(version: int, allow_pub_sub: bool) -> None:
    async with Stage({"allowPubSub": allow_pub_sub}) as stage:
        watcher = await stage.join("watcher", version)
        assert await watcher.subscribe(("Kuzzle", 1)) == [1]
        sender = await stage.join("sender", version)
        sender.publish("Kuzzle", {**WRITE, "body": {"a": 1}}, retain=True)
        for peer in (sender, watcher):
            message = await peer.message()
            assert (message.topic, message.qos, message.retain) == ("Kuzzle", 0, False)
            assert message.json["result"]["a"] == 1
            assert message.json["result"]["requestId"] == message.json["requestId"]
        assert await watcher.is_silent(), "the request itself is not handed round"
        assert len(stage.entrypoint.requests[0].document_id or "") == 36


async def test_a_sender_that_subscribed_sees_one_copy() -> None:
    async with Stage() as stage:
        for version in (4, 5):
            sender = await stage.join("sender", version)
            await sender.subscribe(("Kuzzle", 0))
            sender.publish("Kuzzle", WRITE)
            assert (await sender.message()).topic == "Kuzzle"
            assert await sender.is_silent()


@pytest.mark.parametrize(
    "payload",
    [{**WRITE, "jwt": "token"}, {"controller": "auth", "action": "login"}, {"controller": "security"}, [], "no object"],
)
async def test_any_other_answer_goes_to_the_sender_alone(payload: Any) -> None:
    async with Stage() as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("Kuzzle", 0), ("Kuzzle/response", 0))
        sender = await stage.join("sender")
        await sender.subscribe(("Kuzzle", 0))
        sender.send(mqtt_raw.publish("Kuzzle", mqtt_raw.json.dumps(payload)))
        assert (await sender.message()).topic == "Kuzzle"
        assert await sender.is_silent()
        assert await watcher.is_silent()


async def test_in_development_mode_private_answers_stay_private_here() -> None:
    async with Stage({"developmentMode": True}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("Kuzzle", 0), ("Kuzzle/response", 0))
        sender = await stage.join("sender")
        sender.publish("Kuzzle", {"controller": "auth", "action": "login"})
        assert (await sender.message()).topic == "Kuzzle"
        assert await watcher.is_silent()


async def test_the_answer_of_a_sender_that_left_reaches_the_subscribers() -> None:
    async with Stage() as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("Kuzzle", 0))
        sender = await stage.join("sender")
        sender.send(mqtt_raw.publish("Kuzzle", WRITE) + mqtt_raw.DISCONNECT)
        assert (await watcher.message()).json["status"] == 200


async def test_answers_of_the_shared_topic_are_not_kept_for_absent_clients() -> None:
    async with Stage() as stage:
        watcher = await stage.join("watcher", clean=False)
        await watcher.subscribe(("Kuzzle", 2))
        watcher.send(mqtt_raw.DISCONNECT)
        await watcher.closed()
        sender = await stage.join("sender")
        sender.publish("Kuzzle", WRITE)
        await sender.message()
        back = await stage.join("watcher", clean=False)
        assert back.session_present
        assert await back.is_silent()


async def test_the_shared_topic_may_have_another_name_or_none() -> None:
    async with Stage({"sharedTopic": "plaza"}) as stage:
        peer = await stage.join()
        peer.publish("plaza", WRITE)
        assert (await peer.message()).topic == "plaza"
        peer.publish("Kuzzle", WRITE)
        assert await peer.closed() == b""
    async with Stage({"sharedTopic": None}) as stage:
        peer = await stage.join()
        peer.publish("Kuzzle", WRITE)
        assert await peer.closed() == b""


async def test_an_id_is_generated_on_the_shared_topic_only() -> None:
    seen: list[str | None] = []

    async def act(request: Request) -> Any:
        seen.append(request.document_id)
        return {}

    async with Stage(act=act) as stage:
        peer = await stage.join()
        peer.publish("Kuzzle/request", WRITE)
        answer = await peer.message()
        assert seen == [None]
        assert answer.json["result"] == {}, "nor are members repeated in the result"
