"""Actions of `index`."""

from __future__ import annotations

from action_table import IN_MEMORY, Action, Refusal, reserved, unknown_index

FAILING = {"services.storage.unexpected_error": IN_MEMORY, "services.storage.too_many_operations": IN_MEMORY}

ACTIONS = {
    "create": Action(
        {"index": "archive"},
        {"acknowledged": True, "shards_acknowledged": True, "index": "archive"},
        refusals=(
            reserved(),
            Refusal("services.storage.unexpected_bad_request", {"index": "library"}),
            Refusal("services.storage.unexpected_bad_request", {"index": "Upper"}),
        ),
    ),
    "delete": Action({"index": "library"}, {"acknowledged": True}, refusals=(reserved(), unknown_index())),
    "exists": Action({"index": "library"}, True, refusals=(reserved(),), unreachable=FAILING),
    "list": Action({}, {"indexes": ["library"]}, unreachable=FAILING),
    "mDelete": Action({"body": {"indexes": ["library", "nowhere", 5]}}, {"deleted": ["library"]}),
    "refresh": Action(
        {"index": "library"},
        {"_shards": {"total": int, "successful": int, "failed": 0}},
        refusals=(reserved(), unknown_index()),
        unreachable=FAILING,
    ),
    "refreshInternal": Action({}, {"acknowledged": True}, unreachable=FAILING),
    "getAutoRefresh": Action({"index": "library"}, False, refusals=(reserved(),)),
    "setAutoRefresh": Action(
        {"index": "library", "body": {"autoRefresh": True}},
        {"response": True},
        refusals=(reserved(), Refusal("services.storage.unexpected_bad_request", {"index": "x" * 600})),
    ),
}
