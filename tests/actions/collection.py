"""Actions of `collection`."""

from __future__ import annotations

from typing import Any

from action_table import (
    BOOKS,
    BY_COLLECTION,
    IN_MEMORY,
    OTHER_BACKENDS,
    REFRESH,
    Action,
    Refusal,
    reserved,
    unknown_index,
)
from harness import Server

FAILING = {"services.storage.unexpected_error": IN_MEMORY, "services.storage.too_many_operations": IN_MEMORY}
SPECIFICATION = {"fields": {"title": {"type": "string"}}}


def mapping_refusals() -> tuple[Refusal, ...]:
    """What is refused in a mapping."""
    faults: dict[str, Any] = {
        "invalid_mapping": {"propertiez": {}},
        "invalid_mapping_type": {"properties": {"n": {"type": "nonsense"}}},
        "invalid_mapping_argument": {"properties": {"n": {"type": "keyword", "ignore_above": "many"}}},
        "wrong_mapping_property": {"properties": {"n": 5}},
        "cannot_change_mapping": {"properties": {"year": {"type": "keyword"}}},
        "unexpected_properties": {"properties": {"n": {"type": "long", "analyzer": "standard"}}},
        "unexpected_bad_request": {"properties": {"a..b": {"type": "long"}}},
    }
    return tuple(
        Refusal(f"services.storage.{name}", {"collection": "books", "body": body}) for name, body in faults.items()
    )


async def open_scroll(server: Server) -> dict[str, Any]:
    """Open a search for specifications."""
    reply = await server.http("POST", "/validations/_search?scroll=1m&size=1", {})
    return {"scrollId": reply.result["scrollId"]}


ACTIONS = {
    "create": Action(
        {"index": "library", "collection": "maps", "body": {"properties": {"scale": {"type": "float"}}}},
        {"acknowledged": True},
        refusals=(reserved(), unknown_index(), *mapping_refusals()),
        unreachable={"services.storage.duplicate_field_mapping": BY_COLLECTION},
    ),
    "exists": Action(BOOKS, True, refusals=(reserved(),), unreachable=FAILING),
    "list": Action(
        {"index": "library", "type": "stored", "from": 0, "size": 2},
        {
            "type": "stored",
            "collections": [{"name": "books", "type": "stored"}, {"name": "checked", "type": "stored"}],
            "from": 0,
            "size": 2,
        },
        refusals=(
            reserved(),
            unknown_index(),
            Refusal("api.assert.invalid_argument", {"type": "warm"}),
            Refusal("api.assert.invalid_argument", {"from": 1e300}, only_websocket=True),
        ),
        unreachable=FAILING,
    ),
    "getMapping": Action(
        {**BOOKS, "includeKuzzleMeta": True},
        {
            "library": {
                "mappings": {
                    "books": {
                        "dynamic": "true",
                        "_meta": {},
                        "properties": {
                            "title": {"type": "text"},
                            "year": {"type": "integer"},
                            "_kuzzle_info": {"properties": dict},
                        },
                    }
                }
            }
        },
        refusals=(
            reserved(),
            unknown_index(),
            Refusal("services.storage.no_mapping_found", {"collection": "nothing"}),
        ),
        unreachable={**FAILING, "services.storage.unexpected_not_found": OTHER_BACKENDS},
    ),
    "updateMapping": Action(
        {**BOOKS, "body": {"dynamic": "false", "_meta": {"owner": "ada"}, "properties": {"pages": {"type": "long"}}}},
        {"acknowledged": True},
        refusals=(
            reserved(),
            unknown_index(),
            Refusal("services.storage.no_mapping_found", {"collection": "nothing"}),
            *mapping_refusals(),
        ),
        unreachable={
            "services.storage.duplicate_field_mapping": BY_COLLECTION,
            "services.storage.unexpected_not_found": OTHER_BACKENDS,
        },
    ),
    "truncate": Action(BOOKS, {"acknowledged": True}, refusals=(reserved(), unknown_index(), REFRESH)),
    "getSpecifications": Action(
        {"index": "library", "collection": "checked"},
        {"index": "library", "collection": "checked", "validation": {"strict": True, "fields": dict}},
        refusals=(
            reserved(),
            unknown_index(),
            Refusal("services.storage.unknown_collection", {"collection": "nothing"}),
            Refusal("validation.assert.not_found", {"collection": "books"}),
        ),
        unreachable={
            "services.storage.too_many_operations": "reads without waiting for a turn",
            "services.storage.unexpected_bad_request": "a place that exists has a name that a specification can have",
        },
    ),
    "updateSpecifications": Action(
        {**BOOKS, "body": SPECIFICATION},
        SPECIFICATION,
        refusals=(
            reserved(),
            Refusal("api.assert.missing_argument", {"collection": None}, only_websocket=True),
            Refusal("services.storage.index_reserved", {"index": None, "collection": None, "body": {"%kuzzle": {}}}),
            Refusal("validation.assert.invalid_specifications", {"body": {"fields": {"title": {"type": "novel"}}}}),
            Refusal("services.storage.unexpected_bad_request", {"index": "a#b"}),
        ),
    ),
    "validateSpecifications": Action(
        {**BOOKS, "body": {"fields": {"title": {"type": "novel"}}}},
        {"valid": False, "details": list, "description": "Some errors with provided specifications."},
        refusals=(
            reserved(),
            Refusal("api.assert.missing_argument", {"index": None}, only_websocket=True),
        ),
    ),
    "deleteSpecifications": Action(
        {"index": "library", "collection": "checked"},
        {"acknowledged": True},
        refusals=(reserved(), Refusal("services.storage.unexpected_bad_request", {"index": "a#b"})),
    ),
    "searchSpecifications": Action(
        {"from": 0, "size": 5, "body": {"query": {"term": {"index": "library"}}}},
        {
            "hits": [{"_id": "library#checked", "_source": {"index": "library", "collection": "checked"}}],
            "total": 1,
            "max_score": float,
        },
        refusals=(
            Refusal("services.storage.get_limit_exceeded", {"size": 10_001}),
            Refusal("services.storage.unexpected_bad_request", {"body": {"query": {"unheard of": {}}}}),
        ),
    ),
    "scrollSpecifications": Action(
        {"scroll": "30s"},
        {"hits": [], "total": 1, "scrollId": str},
        prepare=open_scroll,
        refusals=(
            Refusal("services.storage.unknown_scroll_id", {"scrollId": "nonsense"}),
            Refusal("api.assert.invalid_type", {"scrollId": ["nonsense"]}),
        ),
    ),
}
