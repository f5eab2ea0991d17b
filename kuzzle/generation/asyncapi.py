"""What WebSocket, Socket.IO and MQTT carry, as an AsyncAPI 3.0 document.

It speaks as the server does: a request is received, its answer is the reply, a notification is sent. Each
protocol has two operations, `<protocol>.request` and `<protocol>.notification`; each action has two messages,
`<controller>.<action>.request` and `.answer`, and `x-answer` of the one leads to the other. (An operation for
each action would make tools that put in what references name work for minutes, since it repeats all messages
of its channel.) Protocols that are switched off are left out, and so are those of one's own, whose wire
format only their authors know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import kuzzle
from kuzzle.catalogue import Catalogue
from kuzzle.generation.definitions import NOTIFICATION_KINDS, Definitions, Schema, action_name
from kuzzle.schemas import load_example

Options = Mapping[str, Any]

_JSON: Final = "application/json"
_DESCRIPTION: Final = """Every action of the API over the protocols that hold a connection, and what is pushed.

Answers may come in any order: `requestId` tells which request one belongs to. A notification comes by the
channel that `realtime:subscribe` answered."""
_CHANNEL: Final = {"channel": {"description": "The `channel` that `realtime:subscribe` answered."}}
_REQUEST_ID: Final = {"requestId": {"description": "That of the request; made up by the server where it has none."}}
# A request comes at the QoS that the client chooses, a notification leaves at that of the subscription, at most at 1.
_MQTT_BINDINGS: Final = {
    "receive": {"mqtt": {"qos": 1, "retain": False}},
    "notify": {"mqtt": {"qos": 1, "retain": False}},
}


def asyncapi_document(catalogue: Catalogue, protocols: Mapping[str, Options]) -> dict[str, Any]:
    """Return the document for all actions and notifications.

    Args:
        protocols: The section `protocols` of the configuration.
    """
    doors = [maker(protocols[name]) for name, maker in _DOORS.items() if _is_shipped_and_on(protocols.get(name))]
    definitions = Definitions(catalogue, "#/components/schemas/")
    schemas = definitions.all()
    messages = dict(_messages(catalogue, definitions, schemas))
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for door in doors:
        channels.update(door.channels(messages))
        operations.update(door.operations(messages))
        if door.name == "mqtt" and protocols["mqtt"]["sharedTopic"] is not None:
            more = _shared_topic(protocols["mqtt"]["sharedTopic"])
            channels.update(more[0])
            operations.update(more[1])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kuzzle API 1",
            "version": kuzzle.__version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": {door.name: door.server for door in doors},
        "channels": dict(sorted(channels.items())),
        "operations": dict(sorted(operations.items())),
        "components": {"schemas": schemas, "messages": dict(sorted(messages.items()))},
    }


def _is_shipped_and_on(options: Options | None) -> bool:
    return options is not None and options.get("enabled", True) and not options.get("class")


def _messages(catalogue: Catalogue, definitions: Definitions, schemas: Mapping[str, Schema]) -> Iterator[Any]:
    """Yield what is said, by name: what actions take and answer, notifications, and envelopes of any action."""
    correlation = {"location": "$message.payload#/requestId"}
    for definition in catalogue:
        name = action_name(definition)
        example = load_example(definition.controller, definition.name)
        answers = [part for kind in ("response", "partial", "failure") if (part := f"{name}.{kind}") in schemas]
        yield (
            f"{name}.request",
            {
                "title": f"{definition.controller}:{definition.name}",
                "summary": definition.description,
                "payload": definitions.reference(f"{name}.request"),
                "correlationId": correlation,
                "x-answer": f"#/components/messages/{name}.answer",
                **({} if example is None else {"examples": [{"payload": example["request"]}]}),
            },
        )
        yield (
            f"{name}.answer",
            {
                "title": f"Answer of {definition.controller}:{definition.name}",
                "payload": {"anyOf": [definitions.reference(answer) for answer in answers]},
                "correlationId": correlation,
            },
        )
    for kind, name in NOTIFICATION_KINDS.items():
        yield (
            f"notification.{kind}",
            {
                "title": f"Notification ({kind})",
                "summary": schemas[name].get("description", schemas["notification"]["description"]),
                "payload": definitions.reference(name),
            },
        )
    for name, title, definition_name in (
        ("fault", "Faulty envelope", "fault"),
        ("anyRequest", "Request", "requestEnvelope"),
        ("anyAnswer", "Answer", "responseEnvelope"),
    ):
        summary = schemas[definition_name]["description"]
        yield name, {"title": title, "summary": summary, "payload": definitions.reference(definition_name)}


class _Door:
    """A protocol: its server, and by which channel what is said.

    Args:
        name: Key of its section of the configuration.
        server: Its Server Object.
        requests, answers, notifications: Names of its channels; names may be equal.
        channels: The Channel Objects by those names, without their messages.
        bindings: Bindings of an operation, by what it does: `receive`, `answer` or `notify`.
        fault: The message that answers an envelope which could not be made out.
    """

    def __init__(
        self,
        name: str,
        server: dict[str, Any],
        *,
        requests: str,
        answers: str,
        notifications: str,
        channels: Mapping[str, dict[str, Any]],
        bindings: Mapping[str, dict[str, Any]] | None = None,
        fault: str = "fault",
    ) -> None:
        self.name = name
        self.server = server
        self._channels = channels
        self._requests, self._answers, self._notifications = requests, answers, notifications
        self._bindings = bindings or {}
        self._fault = fault

    def channels(self, messages: Mapping[str, Any]) -> dict[str, Any]:
        """Return the channels with the messages they carry."""
        carried: dict[str, dict[str, Any]] = {name: {} for name in self._channels}
        for message in messages:
            channel = self._channel_of(message)
            if channel is not None:
                carried[channel][message] = {"$ref": f"#/components/messages/{message}"}
        return {
            name: {**channel, "servers": [{"$ref": f"#/servers/{self.name}"}], "messages": carried[name]}
            for name, channel in self._channels.items()
        }

    def operations(self, messages: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the server does, by name."""
        requests = [name for name in messages if name.endswith(".request")]
        answers = [name for name in messages if name.endswith(".answer") or name == self._fault]
        notifications = [name for name in messages if name.startswith("notification.")]
        return {
            f"{self.name}.request": {
                "action": "receive",
                "summary": "A client calls an action.",
                "channel": {"$ref": f"#/channels/{self._requests}"},
                "messages": [self._message(name) for name in requests],
                **self._bound("receive"),
                "reply": {
                    "channel": {"$ref": f"#/channels/{self._answers}"},
                    "messages": [self._message(name) for name in answers],
                },
            },
            f"{self.name}.notification": {
                "action": "send",
                "summary": "Subscribers are told.",
                "channel": {"$ref": f"#/channels/{self._notifications}"},
                "messages": [self._message(name) for name in notifications],
                **self._bound("notify"),
            },
        }

    def _bound(self, doing: str) -> dict[str, Any]:
        return {"bindings": self._bindings[doing]} if doing in self._bindings else {}

    def _channel_of(self, message: str) -> str | None:
        if message.startswith("notification."):
            return self._notifications
        if message.endswith(".request"):
            return self._requests
        return self._answers if message.endswith(".answer") or message == self._fault else None

    def _message(self, message: str) -> dict[str, Any]:
        return {"$ref": f"#/channels/{self._channel_of(message)}/messages/{message}"}


def _server(protocol: str, options: Options, description: str, **more: Any) -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": protocol,
        "description": description,
        "variables": {
            "host": {"default": "localhost", "description": "Name or address of the server."},
            "port": {"default": str(options["port"]), "description": "As configured; 0: any free one."},
        },
        **more,
    }


def _websocket(options: Options) -> _Door:
    return _Door(
        "websocket",
        _server("ws", options, "Text frames of JSON; an upgrade on any path will do.", pathname="/"),
        requests="websocket",
        answers="websocket",
        notifications="websocket",
        channels={
            "websocket": {
                "address": "/",
                "description": "One connection for everything. `room` is the `requestId` in an answer, the channel in "
                "a notification.",
                "bindings": {"ws": {"method": "GET"}},
            }
        },
    )


def _socketio(options: Options) -> _Door:
    return _Door(
        "socketio",
        _server("socketio", options, "Socket.IO, clients of the generations 1.7 to 4.", pathname="/socket.io/"),
        requests="socketio.request",
        answers="socketio.answer",
        notifications="socketio.notification",
        channels={
            "socketio.request": {"address": "kuzzle", "description": "The event that carries requests."},
            "socketio.answer": {
                "address": "{requestId}",
                "description": "An answer is an event called as its request's id.",
                "parameters": _REQUEST_ID,
            },
            "socketio.notification": {
                "address": "{channel}",
                "description": "A notification is an event called as its channel.",
                "parameters": _CHANNEL,
            },
        },
    )


def _mqtt(options: Options) -> _Door:
    security = {}
    if options["authentication"]:
        text = "A user and its password, or a token in place of the password."
        security = {"security": [{"type": "userPassword", "description": text}]}
    channels = {
        "mqtt.request": {
            "address": options["requestTopic"],
            "description": "The topic that requests are published on.",
        },
        "mqtt.answer": {
            "address": options["responseTopic"],
            "description": "The topic that answers come by, at QoS 0, to "
            f"{'whoever subscribed' if options['developmentMode'] else 'the sender alone, subscribed or not'}.",
        },
        "mqtt.notification": {
            "address": "{channel}",
            "description": "The topic named as the channel, for those who subscribed to it.",
            "parameters": _CHANNEL,
        },
    }
    return _Door(
        "mqtt",
        _server("mqtt", options, "MQTT 3.1, 3.1.1 and 5.0.", **security),
        requests="mqtt.request",
        answers="mqtt.answer",
        notifications="mqtt.notification",
        channels=channels,
        bindings=_MQTT_BINDINGS,
        fault="anyAnswer",
    )


def _shared_topic(topic: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the channels and operations of the single-topic form of MQTT."""
    channel = "mqtt.shared"
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in ("anyRequest", "anyAnswer")}
    request, answer = ({"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages)
    shown = {
        "address": topic,
        "description": "Requests and answers alike. Answers to anonymous requests go to all who subscribed, and "
        "`result` repeats members of the envelope.",
        "servers": [{"$ref": "#/servers/mqtt"}],
        "messages": messages,
    }
    operation = {
        "action": "receive",
        "summary": "A client calls an action by the shared topic.",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [request],
        "reply": {"channel": {"$ref": f"#/channels/{channel}"}, "messages": [answer]},
    }
    return {channel: shown}, {f"{channel}.request": operation}


_DOORS: Final = {"websocket": _websocket, "socketio": _socketio, "mqtt": _mqtt}
