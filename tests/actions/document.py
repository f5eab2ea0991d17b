"""Actions of `document`."""

from __future__ import annotations

from typing import Any

from action_table import (
    ATOMIC,
    BOOKS,
    NEVER_QUEUED,
    REFRESH,
    Action,
    Refusal,
    reserved,
    unknown_index,
)
from harness import Server

EMMA = {**BOOKS, "_id": "emma"}
NARROW = {"limits": {"documentsFetchCount": 2, "documentsWriteCount": 1}}
TWO = [{"_id": "emma", "body": {"year": 1816}}, {"_id": "persuasion", "body": {"year": 1818}}]
NO_PLACE = "services.storage.unknown_index_collection"
BAD_QUERY = Refusal("services.storage.unexpected_bad_request", {"body": {"query": {"unheard of": {}}}})
ID_NOT_FOUND = Refusal("services.storage.unexpected_not_found", {"_id": "none"})
IN_TRASH = Refusal("services.storage.not_found", {"_id": "ivanhoe"})
METADATA = {"author": "-1", "active": True}


def content_refusals() -> tuple[Refusal, ...]:
    """What is refused in the content of a single write."""
    checked = {"collection": "checked"}
    return (
        Refusal("services.storage.no_routing", {"body": {"_routing": "a"}}),
        Refusal("services.storage.wrong_mapping_property", {"body": {"year": "long ago"}}),
        Refusal("services.storage.unexpected_bad_request", {"_id": "x" * 600}),
        Refusal("validation.check.failed_document", {**checked, "body": {"title": "Emma", "weight": 3}}),
        Refusal("validation.check.failed_field", {**checked, "body": {"title": 5}}),
    )


async def fill_checked(server: Server) -> None:
    """Store a document where there is a specification."""
    reply = await server.http("PUT", "/library/checked/emma", {"title": "Emma"})
    assert reply.status == 200


async def fill_strict(server: Server) -> None:
    """Store a document where the mapping is strict."""
    reply = await server.http("PUT", "/library/strict/emma", {"n": 1})
    assert reply.status == 200


STRICT = Refusal(
    "services.storage.unexpected_bad_request", {"collection": "strict", "body": {"m": 1}}, prepare=fill_strict
)


def existing(refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
    """The same, where the document must be there."""
    return tuple(
        Refusal(refusal.error_id, refusal.changes, prepare=fill_checked)
        for refusal in refusals
        if "_id" not in refusal.changes
    )


async def open_scroll(server: Server) -> dict[str, Any]:
    """Open a search for a page of one."""
    reply = await server.http("POST", "/library/books/_search?scroll=1m&size=1", {"sort": ["year"]})
    return {"scrollId": reply.result["scrollId"]}


def many(kind: str, documents: list[Any], *, status: int) -> Action:
    """An action that writes several documents."""
    return Action(
        {**BOOKS, "body": {"documents": documents}},
        {
            "hits": [{"_id": document["_id"], "status": status, "_index": "library"} for document in documents],
            "total": len(documents),
        },
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(NO_PLACE),
            Refusal(NO_PLACE, {"collection": "nothing"}),
            Refusal("services.storage.write_limit_exceeded", options=NARROW),
            Refusal(kind, {"body": {"documents": [*documents, "no document"]}}),
        ),
    )


ACTIONS = {
    "create": Action(
        {**BOOKS, "_id": "kim", "body": {"title": "Kim"}},
        {
            "_index": "library",
            "_type": "books",
            "_id": "kim",
            "_version": 1,
            "result": "created",
            "created": True,
            "_source": {"title": "Kim", "_kuzzle_info": METADATA},
            "_meta": METADATA,
        },
        refusals=(
            reserved(),
            REFRESH,
            Refusal("api.assert.invalid_id", {"_id": "_kim"}),
            unknown_index(NO_PLACE),
            Refusal(NO_PLACE, {"collection": "nothing"}),
            Refusal("services.storage.document_already_exists", {"_id": "emma"}),
            *content_refusals(),
        ),
    ),
    "createOrReplace": Action(
        {**EMMA, "body": {"title": "Emma again"}},
        {"_id": "emma", "_version": 2, "result": "updated", "created": False, "_source": {"title": "Emma again"}},
        refusals=(
            reserved(),
            REFRESH,
            Refusal("api.assert.invalid_id", {"_id": "_kim"}),
            unknown_index(NO_PLACE),
            *content_refusals(),
        ),
    ),
    "replace": Action(
        {**EMMA, "body": {"title": "Emma again"}},
        {"_id": "emma", "_version": 2, "result": "updated", "created": False, "_source": {"title": "Emma again"}},
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(NO_PLACE),
            Refusal("services.storage.not_found", {"_id": "none"}),
            Refusal("services.storage.not_found", {"_id": "x" * 600}),
            STRICT,
            *existing(content_refusals()),
        ),
    ),
    "update": Action(
        {**EMMA, "body": {"year": 1816}, "retryOnConflict": 3},
        {"_index": "library", "_type": "books", "_id": "emma", "_version": 2, "result": "updated"},
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(),
            ID_NOT_FOUND,
            IN_TRASH,
            Refusal("services.storage.unexpected_not_found", {"_id": "x" * 600}),
            STRICT,
            *existing(content_refusals()),
        ),
        unreachable={"services.storage.too_many_changes": ATOMIC},
    ),
    "delete": Action(
        {**EMMA, "retryOnConflict": 3},
        {"_index": "library", "_type": "books", "_id": "emma", "_version": 2, "result": "updated"},
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(),
            ID_NOT_FOUND,
            IN_TRASH,
            Refusal("services.storage.unexpected_not_found", {"_id": "x" * 600}),
        ),
        unreachable={"services.storage.too_many_changes": ATOMIC},
    ),
    "get": Action(
        EMMA,
        {
            "_index": "library",
            "_type": "books",
            "_id": "emma",
            "_version": 1,
            "found": True,
            "_source": {"title": "Emma", "year": 1815, "_kuzzle_info": METADATA},
            "_meta": METADATA,
        },
        refusals=(
            reserved(),
            unknown_index(),
            ID_NOT_FOUND,
            IN_TRASH,
            Refusal("services.storage.unexpected_not_found", {"collection": "nothing"}),
            Refusal("services.storage.search_as_an_id", {"_id": "_search"}),
        ),
        unreachable={"services.storage.too_many_operations": NEVER_QUEUED},
    ),
    "exists": Action(
        EMMA,
        True,
        refusals=(reserved(), unknown_index()),
        unreachable={"services.storage.too_many_operations": NEVER_QUEUED},
    ),
    "validate": Action(
        {"index": "library", "collection": "checked", "body": {"weight": 3}},
        {"valid": False, "errorMessages": {"documentScope": list}},
    ),
    "mCreate": many(
        "services.storage.incomplete_create", [{**entry, "_id": entry["_id"] + "2"} for entry in TWO], status=201
    ),
    "mCreateOrReplace": many("services.storage.incomplete_create", TWO, status=200),
    "mReplace": many("services.storage.incomplete_create", TWO, status=200),
    "mUpdate": many("services.storage.incomplete_create", TWO, status=200),
    "mDelete": Action(
        {**BOOKS, "body": {"ids": ["emma", "persuasion"]}},
        ["emma", "persuasion"],
        refusals=(
            reserved(),
            REFRESH,
            unknown_index(NO_PLACE),
            Refusal("services.storage.write_limit_exceeded", options=NARROW),
            Refusal("services.storage.incomplete_delete", {"body": {"ids": ["emma", "none"]}}),
        ),
    ),
    "mGet": Action(
        {**BOOKS, "body": {"ids": ["persuasion", "emma"]}},
        {"hits": [{"_id": "persuasion", "found": True}, {"_id": "emma", "_source": {"year": 1815}}], "total": 2},
        refusals=(
            reserved(),
            Refusal("services.storage.get_limit_exceeded", {"body": {"ids": ["a", "b", "c"]}}, options=NARROW),
            Refusal("services.storage.incomplete_fetch", {"body": {"ids": ["emma", "none"]}}),
        ),
        unreachable={"services.storage.too_many_operations": NEVER_QUEUED},
    ),
    "count": Action(
        {**BOOKS, "includeTrash": True, "body": {"query": {"range": {"year": {"gte": 1816}}}}},
        {"count": 2},
        refusals=(reserved(), unknown_index(), BAD_QUERY),
    ),
    "search": Action(
        {**BOOKS, "from": 0, "size": 1, "scroll": "1m", "body": {"query": {"match_all": {}}, "sort": ["year"]}},
        {
            "hits": [{"_id": "emma", "_index": "library", "_type": "books", "sort": [1815], "_meta": METADATA}],
            "total": 2,
            "max_score": None,
            "timed_out": False,
            "scrollId": str,
            "_scroll_id": str,
        },
        refusals=(
            reserved(),
            Refusal("services.storage.no_multi_indexes", {"index": "library,archive"}),
            Refusal("services.storage.no_multi_collections", {"collection": "books,maps"}),
            Refusal("services.storage.get_limit_exceeded", {"size": 3}, options=NARROW),
            unknown_index(),
            BAD_QUERY,
        ),
    ),
    "scroll": Action(
        {"scroll": "30s"},
        {"hits": [{"_id": "persuasion"}], "total": 2, "scrollId": str, "_scroll_id": str, "timed_out": False},
        prepare=open_scroll,
        refusals=(
            Refusal("services.storage.unknown_scroll_id", {"scrollId": "nonsense"}),
            Refusal("api.assert.invalid_type", {"scrollId": ["nonsense"]}),
        ),
    ),
    "deleteByQuery": Action(
        {**BOOKS, "body": {"query": {"term": {"year": 1817}}}},
        {"ids": ["persuasion"]},
        refusals=(reserved(), REFRESH, unknown_index(), BAD_QUERY),
    ),
}
