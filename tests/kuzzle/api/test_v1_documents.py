"""How API 1 shows documents, batches and searches."""

from __future__ import annotations

from typing import Any

import pytest
import wire

from kuzzle.api.results import (
    DeletedDocuments,
    DocumentBatch,
    DocumentCount,
    EntryFault,
    FetchedDocuments,
    RefusedEntry,
)
from kuzzle.api.v1 import ApiV1
from kuzzle.catalogue import Catalogue
from kuzzle.connection import Connection
from kuzzle.request import Request
from kuzzle.storage.base import DocumentWrite, FailedWrite, StoredDocument, WriteKind, WriteOutcome, WrittenDocument
from kuzzle.storage.errors import DocumentAlreadyExistsError, DocumentNotFoundError, DocumentToReplaceNotFoundError
from kuzzle.storage.hits import Hit, SearchPage
from kuzzle.storage.stored_content import StoredContent

API = ApiV1(Catalogue.load(1))
META = {"author": "-1", "createdAt": 1, "updatedAt": None, "updater": None, "active": True, "deletedAt": None}
SOURCE = {"a": 1, "_kuzzle_info": META}
SHARDS = {"total": 1, "successful": 1, "failed": 0}
HEAD = {"_index": "i", "_type": "c", "_id": "d", "_version": 2}


def show(action: str, value: Any) -> dict[str, Any]:
    """The envelope of a result of `document:<action>`, checked against its schema."""
    payload = {"controller": "document", "action": action, "index": "i", "collection": "c"}
    request = Request(payload, Connection("http"))
    request.defaults = {}
    content: dict[str, Any] = API.success(request, value).content
    wire.check_response(content)
    return content


def written(kind: WriteKind, *, created: bool, changes: dict[str, Any] | None = None) -> WrittenDocument:
    return WrittenDocument("i", "c", "d", 2, SOURCE, kind, created, changes)


def test_a_document_read() -> None:
    assert show("get", StoredDocument("i", "c", "d", 2, StoredContent.of(SOURCE)))["result"] == {
        **HEAD,
        "found": True,
        "_source": SOURCE,
        "_meta": META,
    }


def test_a_document_without_metadata_has_no_meta() -> None:
    result = show("get", StoredDocument("i", "c", "d", 2, StoredContent.of({"a": 1})))["result"]
    assert result["_source"] == {"a": 1}
    assert "_meta" not in result


@pytest.mark.parametrize(
    ("action", "kind", "created", "result"),
    [
        ("create", WriteKind.CREATE, True, "created"),
        ("createOrReplace", WriteKind.CREATE_OR_REPLACE, True, "created"),
        ("createOrReplace", WriteKind.CREATE_OR_REPLACE, False, "updated"),
        ("replace", WriteKind.REPLACE, False, "updated"),
    ],
)
def test_a_content_written(action: str, kind: WriteKind, created: bool, result: str) -> None:
    assert list(show(action, written(kind, created=created))["result"].items()) == [
        *HEAD.items(),
        ("result", result),
        ("created", created),
        ("_shards", SHARDS),
        ("_source", SOURCE),
        ("_meta", META),
    ]


@pytest.mark.parametrize(("action", "kind"), [("update", WriteKind.UPDATE), ("delete", WriteKind.DELETE)])
def test_a_change_shows_no_content(action: str, kind: WriteKind) -> None:
    assert show(action, written(kind, created=False))["result"] == {**HEAD, "result": "updated", "_shards": SHARDS}


def batch(kind: WriteKind, outcomes: list[WriteOutcome], refused: list[RefusedEntry] | None = None) -> DocumentBatch:
    return DocumentBatch(kind, "i", "c", outcomes, refused or [])


def test_a_batch_lists_its_hits() -> None:
    outcomes: list[WriteOutcome] = [
        written(WriteKind.CREATE_OR_REPLACE, created=True),
        written(WriteKind.CREATE_OR_REPLACE, created=False),
    ]
    content = show("mCreateOrReplace", batch(WriteKind.CREATE_OR_REPLACE, outcomes))
    hit = {**HEAD, "result": "created", "created": True, "status": 201, "_shards": SHARDS}
    hit |= {"_source": SOURCE, "_meta": META}
    assert (content["status"], content["error"]) == (200, None)
    assert content["result"] == {
        "hits": [hit, {**hit, "result": "updated", "created": False, "status": 200}],
        "total": 2,
    }


def test_a_hit_of_m_update_shows_the_metadata_of_the_change() -> None:
    change = {"active": True, "updatedAt": 5, "updater": "-1", "deletedAt": None}
    outcome = written(WriteKind.UPDATE, created=False, changes={"a": 1, "_kuzzle_info": change})
    assert show("mUpdate", batch(WriteKind.UPDATE, [outcome]))["result"]["hits"] == [
        {
            **HEAD,
            "result": "updated",
            "status": 200,
            "_shards": SHARDS,
            "get": {"found": True, "_source": SOURCE},
            "_source": SOURCE,
            "_meta": change,
        }
    ]


def test_failures_of_a_batch_make_it_partial() -> None:
    write = DocumentWrite("d", SOURCE)
    content = show(
        "mCreate",
        batch(
            WriteKind.CREATE,
            [FailedWrite(write, DocumentAlreadyExistsError()), written(WriteKind.CREATE, created=True)],
            [RefusedEntry("what", EntryFault.MALFORMED)],
        ),
    )
    assert content["status"] == 206
    assert content["result"]["total"] == 1
    assert content["error"] == {
        "message": "Couldn't create all the requested documents: 2 of 3 failed",
        "status": 206,
        "id": "services.storage.incomplete_create",
        "code": 16842762,
        "errors": [
            {"document": "what", "reason": "bad format"},
            {"document": {"_id": "d", "_source": SOURCE}, "reason": "document already exists"},
        ],
        "count": 2,
    }


def test_m_replace_words_its_failures() -> None:
    content = show(
        "mReplace",
        batch(
            WriteKind.REPLACE,
            [FailedWrite(DocumentWrite("d", SOURCE), DocumentToReplaceNotFoundError("d"))],
            [RefusedEntry({"body": {}}, EntryFault.NO_ID, DocumentWrite(None, SOURCE))],
        ),
    )
    assert content["error"]["errors"] == [
        {"document": {"_source": SOURCE}, "reason": "a document ID is required"},
        {
            "document": {"_id": "d", "_source": SOURCE},
            "reason": "cannot replace a document that does not exist",
        },
    ]
    assert content["result"] == {"hits": [], "total": 0}


def test_other_failures_look_like_bulk_items() -> None:
    content = show("mUpdate", batch(WriteKind.UPDATE, [FailedWrite(DocumentWrite("d", {}), DocumentNotFoundError())]))
    assert content["error"]["errors"] == [
        {
            "_index": "i",
            "_type": "c",
            "_id": "d",
            "status": 404,
            "error": {"type": "services.storage.unexpected_not_found", "reason": "Not Found"},
        }
    ]


def test_m_delete_lists_ids() -> None:
    outcomes: list[WriteOutcome] = [
        written(WriteKind.DELETE, created=False),
        FailedWrite(DocumentWrite("e", {}), DocumentNotFoundError()),
    ]
    content = show("mDelete", batch(WriteKind.DELETE, outcomes, [RefusedEntry(5, EntryFault.ID_NOT_TEXT)]))
    assert content["status"] == 206
    assert content["result"] == ["d"]
    assert content["error"]["id"] == "services.storage.incomplete_delete"
    assert content["error"]["errors"][0] == {"id": 5, "reason": "the document ID must be a string"}
    assert content["error"]["errors"][1]["_id"] == "e"
    assert content["error"]["errors"][1]["status"] == 404


def test_m_get_answers_one_entry_per_id() -> None:
    document = StoredDocument("i", "c", "d", 2, StoredContent.of(SOURCE))
    whole = show("mGet", FetchedDocuments([("d", document)]))
    assert (whole["status"], whole["result"]["total"]) == (200, 1)
    partial = show("mGet", FetchedDocuments([("e", None), ("d", document)]))
    assert partial["status"] == 206
    assert (partial["error"]["errors"], partial["error"]["count"]) == ([], 0)
    assert partial["result"] == {
        "hits": [{"_index": "i", "_type": "c", "_id": "e", "found": False}, *whole["result"]["hits"]],
        "total": 2,
    }


def test_counts_and_deletions() -> None:
    assert show("count", DocumentCount(3))["result"] == {"count": 3, "_shards": SHARDS}
    assert show("deleteByQuery", DeletedDocuments(["a", "b"]))["result"] == {"ids": ["a", "b"]}


def test_a_page_of_hits() -> None:
    hits = [
        Hit("i", "c", "d", 1.5, StoredContent.of(SOURCE)),
        Hit("i", "c", "e", None, StoredContent.of({"a": 2}), ["x", 2]),
        Hit("i", "c", "f", 0.0, None),
    ]
    assert show("search", SearchPage(hits, 30, 1.5, 4))["result"] == {
        "took": 4,
        "timed_out": False,
        "_shards": SHARDS,
        "hits": [
            {"_index": "i", "_type": "c", "_id": "d", "_score": 1.5, "_source": SOURCE, "_meta": META},
            {"_index": "i", "_type": "c", "_id": "e", "_score": None, "_source": {"a": 2}, "sort": ["x", 2]},
            {"_index": "i", "_type": "c", "_id": "f", "_score": 0.0},
        ],
        "total": 30,
        "max_score": 1.5,
    }
