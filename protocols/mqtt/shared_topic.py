"""The single-topic form of MQTT: requests and answers on one topic (`protocols.mqtt.sharedTopic`).

It is the form that Kuzzle's connection page shows: one client publishes a request on `Kuzzle`, another
one that subscribed to `Kuzzle` sees the answer. All that is peculiar to it stands here:

- `document:createOrReplace` without `_id` gets a generated one;
- the answer repeats `action`, `collection`, `controller`, `requestId` and `volatile` inside `result`;
- every subscriber of the topic sees an answer only when the request was anonymous and not of the
  controllers `auth` or `security`: then any client could have asked the same itself. Any other answer
  goes to the sender alone. The sender gets exactly one copy, subscribed or not.

Notifications do not come by this topic, but each by the topic of its channel.
"""

from __future__ import annotations

from typing import Any, Final

from kuzzle.connection import new_id

_PRIVATE_CONTROLLERS: Final = frozenset({"auth", "security"})
_REPEATED_MEMBERS: Final = ("action", "collection", "controller", "requestId", "volatile")


def complete_request(payload: Any) -> Any:
    """Return the envelope to run: with a generated `_id` where this topic gives one."""
    if (
        isinstance(payload, dict)
        and payload.get("controller") == "document"
        and payload.get("action") == "createOrReplace"
        and payload.get("_id") in (None, "")
    ):
        return {**payload, "_id": new_id()}
    return payload


def is_public(payload: Any) -> bool:
    """Tell whether every subscriber of the topic may see the answer to an envelope."""
    return (
        isinstance(payload, dict)
        and payload.get("jwt") is None
        and payload.get("controller") not in _PRIVATE_CONTROLLERS
    )


def complete_answer(content: Any) -> Any:
    """Return the content of an answer as this topic shows it; other results than objects stay as they are."""
    if not isinstance(content, dict) or not isinstance(content.get("result"), dict):
        return content
    repeated = {name: content.get(name) for name in _REPEATED_MEMBERS}
    return {**content, "result": {**repeated, **content["result"]}}
