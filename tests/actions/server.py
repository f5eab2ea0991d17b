"""Actions of `server`."""

from __future__ import annotations

from action_table import UNREADABLE_CACHE, Action, Refusal
from harness import Server

COUNTS = {"completedRequests": dict, "connections": dict, "failedRequests": dict, "ongoingRequests": dict}
FRAMES = {"total": int, "hits": list}


async def close_store(server: Server) -> None:
    """Take the store away."""
    await server.app.storage.close()


ACTIONS = {
    "adminExists": Action({}, {"exists": bool}),
    "getAllStats": Action({}, FRAMES, unreachable=UNREADABLE_CACHE),
    "getConfig": Action({}, {"version": str, "limits": dict, "protocols": dict}),
    "getLastStats": Action({}, {**COUNTS, "timestamp": int}, unreachable=UNREADABLE_CACHE),
    "getStats": Action(
        {"startTime": "2020-01-01", "stopTime": "4102444800000"},
        FRAMES,
        refusals=(
            Refusal("api.assert.invalid_argument", {"startTime": "soon"}),
            Refusal("api.assert.invalid_argument", {"stopTime": "later"}),
        ),
        unreachable=UNREADABLE_CACHE,
    ),
    "healthCheck": Action(
        {},
        {"status": "green", "services": {"storageEngine": "green"}},
        refusals=(Refusal("core.fatal.service_unavailable", prepare=close_store),),
    ),
    "info": Action(
        {},
        {
            "serverInfo": {
                "kuzzle": {"version": str, "api": {"routes": dict}, "memoryUsed": int, "uptime": str},
                "services": {"storageEngine": {"type": "sqlite", "status": "green"}},
            }
        },
        unreachable=dict.fromkeys(
            (
                "services.storage.not_connected",
                "services.storage.too_many_operations",
                "services.storage.unexpected_error",
            ),
            "shows a store in trouble as red",
        ),
    ),
    "now": Action({}, {"now": int}),
    "publicApi": Action({}, {"document": {"create": {"controller": "document", "action": "create", "http": list}}}),
}
