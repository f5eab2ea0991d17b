"""Actions of `realtime`."""

from __future__ import annotations

from typing import Any

from action_table import BOOKS, Action, Refusal, asker
from harness import Server

CHECKED = {"collection": "checked"}


async def subscribe(server: Server) -> dict[str, Any]:
    """Let somebody subscribe; the room."""
    websocket = await asker(server)
    reply = await websocket.request("realtime", "subscribe", **BOOKS, body={})
    return {"body": {"roomId": reply["result"]["roomId"]}}


async def fill_rooms(server: Server) -> None:
    """Let somebody subscribe."""
    await subscribe(server)


WIDE = {"or": [{"equals": {"title": str(number)}} for number in range(3)]}

ACTIONS = {
    "count": Action(
        {"body": {"roomId": "unknown"}},
        {"count": 1},
        prepare=subscribe,
        refusals=(Refusal("core.realtime.room_not_found", {"body": {"roomId": "unknown"}}),),
    ),
    "list": Action({"sorted": True}, {"library": {"books": dict}}, prepare=fill_rooms),
    "publish": Action(
        {**BOOKS, "_id": "emma", "body": {"title": "Emma"}},
        {"published": True},
        refusals=(
            Refusal("validation.check.failed_document", {**CHECKED, "body": {"title": "Emma", "weight": 3}}),
            Refusal("validation.check.failed_field", {**CHECKED, "body": {"title": 5}}),
        ),
    ),
    "subscribe": Action(
        {**BOOKS, "body": {"exists": {"field": "title"}}, "recover": {"epoch": "5ad0c1f5a8a6f1e2", "offset": 0}},
        {"roomId": str, "channel": str, "recovered": False},
        refusals=(
            Refusal("api.assert.invalid_type", {"recover": {"epoch": 1, "offset": 0}}),
            Refusal("api.assert.invalid_argument", {"recover": {"epoch": "e", "offset": -1}}),
            Refusal("core.realtime.invalid_scope", {"scope": "some"}),
            Refusal("core.realtime.invalid_users", {"users": "some"}),
            Refusal("core.realtime.invalid_state", {"state": "some"}),
            Refusal("core.realtime.too_many_rooms", options={"limits": {"subscriptionRooms": 1}}, prepare=fill_rooms),
            Refusal("core.realtime.too_many_terms", {"body": WIDE}, options={"limits": {"subscriptionMinterms": 2}}),
        ),
    ),
    "unsubscribe": Action(
        {"body": {"roomId": "unknown"}},
        str,
        prepare=subscribe,
        refusals=(Refusal("core.realtime.not_subscribed", {"body": {"roomId": "unknown"}}),),
        unreachable={
            "core.realtime.room_not_found": "a room exists as long as anybody is subscribed",
        },
    ),
    "join": Action(
        {"body": {"roomId": "unknown"}, "users": "all"},
        {"roomId": str, "channel": str},
        prepare=subscribe,
        refusals=(
            Refusal("core.realtime.room_not_found", {"body": {"roomId": "unknown"}}),
            Refusal("api.assert.invalid_type", {"recover": {"epoch": 1, "offset": 0}}),
            Refusal("api.assert.invalid_argument", {"recover": {"epoch": "e", "offset": -1}}),
            Refusal("core.realtime.invalid_scope", {"scope": "some"}),
            Refusal("core.realtime.invalid_users", {"users": "some"}),
            Refusal("core.realtime.invalid_state", {"state": "some"}),
        ),
    ),
    "validate": Action(
        {"index": "library", "collection": "checked", "body": {"weight": 3}},
        {"valid": False, "errorMessages": {"documentScope": list}},
    ),
}
