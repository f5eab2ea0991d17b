"""The AsyncAPI document says what goes over connections, and its own parser accepts it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from harness import merge
from node import node
from references import references

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.config import Config
from kuzzle.generation.asyncapi import asyncapi_document

CATALOGUE = Catalogue.load(1)
PROTOCOLS = Config.load(None, {}).section("protocols")
DOCUMENT = asyncapi_document(CATALOGUE, PROTOCOLS)
NAMES = {f"{d.controller.replace('/', '.')}.{d.name}" for d in CATALOGUE}
NOTIFICATIONS = {"notification.document", "notification.user", "notification.server"}


def with_options(**sections: Mapping[str, Any]) -> dict[str, Any]:
    return asyncapi_document(CATALOGUE, merge(PROTOCOLS, sections))


def pointed_at(reference: str) -> Any:
    value: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def last_names(messages: list[dict[str, str]]) -> set[str]:
    return {message["$ref"].rpartition("/")[2] for message in messages}


@pytest.mark.gen_test(timeout=120)
async def test_the_parser_of_asyncapi_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "asyncapi.json"
    file.write_bytes(orjson.dumps(DOCUMENT))
    version, *findings = await node("asyncapi.mjs", str(file))
    assert version == "3.0.0"
    # That 3.1.0 exists is no fault.
    assert [finding for finding in findings if finding["code"] != "asyncapi-latest-version"] == []


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        assert pointed_at(reference)


@pytest.mark.parametrize(
    ("protocol", "requests", "answers", "notifications"),
    [
        ("websocket", "/", "/", "/"),
        ("socketio", "kuzzle", "{requestId}", "{channel}"),
        ("mqtt", "Kuzzle/request", "Kuzzle/response", "{channel}"),
    ],
)
def test_every_action_and_notification_goes_over_every_protocol(
    protocol: str, requests: str, answers: str, notifications: str
) -> None:
    request = DOCUMENT["operations"][f"{protocol}.request"]
    notification = DOCUMENT["operations"][f"{protocol}.notification"]
    assert (request["action"], notification["action"]) == ("receive", "send")
    for operation, address in ((request, requests), (request["reply"], answers), (notification, notifications)):
        channel = pointed_at(operation["channel"]["$ref"])
        assert channel["address"] == address
        assert channel["servers"] == [{"$ref": f"#/servers/{protocol}"}]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
    assert last_names(request["messages"]) == {f"{name}.request" for name in NAMES}
    fault = "anyAnswer" if protocol == "mqtt" else "fault"
    assert last_names(request["reply"]["messages"]) == {f"{name}.answer" for name in NAMES} | {fault}
    assert last_names(notification["messages"]) == NOTIFICATIONS


def test_a_request_leads_to_its_answer() -> None:
    request = DOCUMENT["components"]["messages"]["document.mCreate.request"]
    answer = pointed_at(request["x-answer"])
    parts = {part["$ref"].rpartition("/")[2] for part in answer["payload"]["anyOf"]}
    assert parts == {f"document.mCreate.{kind}" for kind in ("response", "partial", "failure")}
    assert request["correlationId"] == answer["correlationId"] == {"location": "$message.payload#/requestId"}


def test_the_form_with_one_topic_is_told_of_where_it_is_on() -> None:
    assert DOCUMENT["channels"]["mqtt.shared"]["address"] == "Kuzzle"
    assert DOCUMENT["operations"]["mqtt.shared.request"]["reply"]["channel"] == {"$ref": "#/channels/mqtt.shared"}
    assert "mqtt.shared" not in with_options(mqtt={"sharedTopic": None})["channels"]


def test_ports_topics_and_protocols_are_those_of_the_configuration() -> None:
    own = {"lines": {"class": "lines:LineProtocol", "port": 7513}}
    document = with_options(
        websocket={"port": 8080},
        socketio={"enabled": False},
        mqtt={"requestTopic": "ask", "responseTopic": "told"},
        **own,
    )
    assert document["servers"].keys() == {"websocket", "mqtt"}
    assert document["servers"]["websocket"]["variables"]["port"]["default"] == "8080"
    assert document["channels"]["mqtt.request"]["address"] == "ask"
    assert document["channels"]["mqtt.answer"]["address"] == "told"
    assert {name.partition(".")[0] for name in document["operations"]} == {"websocket", "mqtt"}


def test_mqtt_asks_for_credentials_where_the_configuration_says_so() -> None:
    assert "security" not in DOCUMENT["servers"]["mqtt"]
    server = with_options(mqtt={"authentication": True})["servers"]["mqtt"]
    assert [scheme["type"] for scheme in server["security"]] == ["userPassword"]


def test_a_class_of_ones_own_in_the_place_of_a_shipped_protocol_is_left_out() -> None:
    assert "websocket" not in with_options(websocket={"class": "mine:Protocol"})["servers"]


def test_an_action_that_is_added_appears() -> None:
    specification = {"since": "1.0.0", "result": {"type": "integer"}, "errors": []}
    document = asyncapi_document(
        Catalogue({("shop/desk", "lend"): ActionDefinition("shop/desk", "lend", "Lends.", specification)}), PROTOCOLS
    )
    for protocol in ("websocket", "socketio", "mqtt"):
        assert last_names(document["operations"][f"{protocol}.request"]["messages"]) == {"shop.desk.lend.request"}
    assert document["components"]["messages"]["shop.desk.lend.request"]["summary"] == "Lends."
    assert document["components"]["schemas"]["shop.desk.lend.result"] == {"type": "integer"}
