"""Actions of `bulk`."""

from __future__ import annotations

from action_table import BOOKS, REFRESH, Action, Refusal, reserved, unknown_index

NO_PLACE = "services.storage.unknown_index_collection"
LINES = [
    {"index": {"_index": "library", "_type": "books", "_id": 1}},
    {"title": "Kim"},
    {"update": {"_index": "library", "_type": "books", "_id": "emma"}},
    {"doc": {"year": 1816}},
    {"delete": {"_index": "library", "_type": "books", "_id": "persuasion"}},
]
BY_ITEM = {
    "services.storage.too_many_operations": "a 206 tells it item by item, since others may be written",
    "services.storage.unexpected_error": "a 206 tells it item by item, since others may be written",
}
NARROW = {"limits": {"documentsWriteCount": 1}}
DOCUMENTS = [{"_id": "kim", "body": {"title": "Kim"}}, {"_id": "emma", "body": {"_kuzzle_info": {"author": "ada"}}}]


def faulty(*lines: object) -> dict[str, object]:
    """Only these lines."""
    return {"body": {"bulkData": list(lines)}}


ACTIONS = {
    "import": Action(
        {**BOOKS, "body": {"bulkData": LINES}},
        {
            "errors": False,
            "items": [
                {"index": {"_id": "1", "status": 201, "created": True}},
                {"update": {"_id": "emma", "status": 200, "_version": 2}},
                {"delete": {"_id": "persuasion", "status": 200, "_index": "library", "_type": "books"}},
            ],
        },
        refusals=(
            reserved(),
            REFRESH,
            Refusal("services.storage.invalid_argument", {"body": {"bulkData": {}}}),
            Refusal(
                "services.storage.missing_argument",
                {"collection": None, **faulty({"index": {"_index": "library"}}, {})},
            ),
            Refusal("services.storage.unexpected_bad_request", faulty({"unheard of": {}})),
            Refusal(NO_PLACE, faulty({"index": {"_index": "nowhere", "_type": "books"}}, {})),
            Refusal("services.storage.index_protected", faulty({"index": {"_index": "%kuzzle", "_type": "users"}}, {})),
            Refusal(
                "services.storage.import_failed",
                faulty(
                    {"index": {"_index": "library", "_type": "books"}},
                    {"year": "long ago"},
                    {"delete": {"_index": "library", "_type": "books", "_id": "none"}},
                ),
            ),
        ),
        unreachable=BY_ITEM,
    ),
    "write": Action(
        {**BOOKS, "_id": "emma", "notify": True, "body": {"title": "Emma", "_kuzzle_info": {"author": "ada"}}},
        {
            "_id": "emma",
            "_version": 2,
            "result": "updated",
            "created": False,
            "_source": {"title": "Emma", "_kuzzle_info": {"author": "ada"}},
            "_meta": {"author": "ada"},
        },
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(NO_PLACE),
            Refusal("api.assert.invalid_id", {"_id": "_kim"}),
            Refusal("services.storage.no_routing", {"body": {"_routing": "a"}}),
            Refusal("services.storage.wrong_mapping_property", {"body": {"year": "long ago"}}),
            Refusal("services.storage.unexpected_bad_request", {"_id": "x" * 600}),
        ),
    ),
    "mWrite": Action(
        {**BOOKS, "notify": True, "body": {"documents": DOCUMENTS}},
        {
            "hits": [
                {"_id": "kim", "_source": {"title": "Kim"}, "created": True, "status": 201},
                {"_id": "emma", "_meta": {"author": "ada"}, "created": False, "status": 200},
            ],
            "total": 2,
        },
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(NO_PLACE),
            Refusal("services.storage.write_limit_exceeded", options=NARROW),
            Refusal("services.storage.import_failed", {"body": {"documents": [*DOCUMENTS, "no document"]}}),
        ),
    ),
}
