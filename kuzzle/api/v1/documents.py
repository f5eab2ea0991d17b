"""How API 1 shows documents, batches and searches: like raw answers of Elasticsearch 5.

`_index` is the index and `_type` the collection; `_meta` repeats the metadata of a content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kuzzle.api.results import (
    DeletedDocuments,
    DocumentBatch,
    DocumentCount,
    EntryFault,
    FetchedDocuments,
    RefreshedIndex,
    RefusedEntry,
)
from kuzzle.api.v1.metadata import METADATA_MAPPING
from kuzzle.errors import PartialError
from kuzzle.request import Request
from kuzzle.storage.base import (
    CollectionMapping,
    Document,
    DocumentWrite,
    FailedWrite,
    Source,
    StoredDocument,
    WriteKind,
    WrittenDocument,
)
from kuzzle.storage.errors import DocumentAlreadyExistsError, DocumentToReplaceNotFoundError
from kuzzle.storage.hits import Explanation, Hit, SearchPage

# This server keeps one copy of its data, and an action either reaches it or fails.
SHARDS: Final = {"total": 1, "successful": 1, "failed": 0}
_MERGING: Final = frozenset({WriteKind.UPDATE, WriteKind.DELETE})


# --- one document


def stored_document(_request: Request, document: StoredDocument) -> dict[str, Any]:
    """Word a document that was read."""
    content = document.content
    shape = {
        "_index": document.index,
        "_type": document.collection,
        "_id": document.id,
        "_version": document.version,
        "found": True,
        "_source": content.shown(),
    }
    metadata = content.shown_metadata()
    if metadata is not None:
        shape["_meta"] = metadata
    return shape


def written_document(_request: Request, document: WrittenDocument) -> dict[str, Any]:
    """Word a change; of an update or a delete the content is not shown."""
    if document.kind in _MERGING:
        return {**_head(document), "result": "updated", "_shards": SHARDS}
    return _with_metadata(
        {
            **_head(document),
            "result": "created" if document.created else "updated",
            "created": document.created,
            "_shards": SHARDS,
            "_source": document.source,
        },
        document.source,
    )


def _head(document: Document) -> dict[str, Any]:
    return {
        "_index": document.index,
        "_type": document.collection,
        "_id": document.id,
        "_version": document.version,
    }


def _with_metadata(shape: dict[str, Any], source: Source | None) -> dict[str, Any]:
    metadata = source.get("_kuzzle_info") if source else None
    if isinstance(metadata, dict):
        shape["_meta"] = metadata
    return shape


# --- several documents


def document_batch(_request: Request, batch: DocumentBatch) -> dict[str, Any] | list[str]:
    """Word an m* action.

    Raises:
        PartialError: Some entries failed.
    """
    written = [outcome for outcome in batch.outcomes if isinstance(outcome, WrittenDocument)]
    result: dict[str, Any] | list[str]
    if batch.kind is WriteKind.DELETE:
        error_id = "services.storage.incomplete_delete"
        result = [document.id for document in written]
    else:
        # Whatever the m* action: so does the reference.
        error_id = "services.storage.import_failed" if batch.is_import else "services.storage.incomplete_create"
        result = {"hits": [_batch_hit(document) for document in written], "total": len(written)}
    errors = [_refused_entry(entry) for entry in batch.refused]
    errors += [_failed_write(batch, outcome) for outcome in batch.outcomes if isinstance(outcome, FailedWrite)]
    if errors:
        failed = [] if batch.is_import else [f"{len(errors)} of {len(errors) + len(written)} failed"]
        raise PartialError(error_id, errors, result, *failed)
    return result


def _batch_hit(document: WrittenDocument) -> dict[str, Any]:
    if document.kind is WriteKind.UPDATE:
        return {
            **_head(document),
            "result": "updated",
            "status": 200,
            "_shards": SHARDS,
            "get": {"found": True, "_source": document.source},
            "_source": document.source,
            "_meta": (document.changes or {}).get("_kuzzle_info"),  # of the change, not of the document
        }
    return _with_metadata(
        {
            **_head(document),
            "result": "created" if document.created else "updated",
            "created": document.created,
            "status": 201 if document.created else 200,
            "_shards": SHARDS,
            "_source": document.source,
        },
        document.source,
    )


def _refused_entry(refused: RefusedEntry) -> dict[str, Any]:
    if refused.fault is EntryFault.ID_NOT_TEXT:
        return {"id": refused.entry, "reason": "the document ID must be a string"}
    if refused.fault is EntryFault.NO_ID and refused.write is not None:
        return {"document": _wanted(refused.write), "reason": "a document ID is required"}
    return {"document": refused.entry, "reason": "bad format"}


def _failed_write(batch: DocumentBatch, failed: FailedWrite) -> dict[str, Any]:
    if isinstance(failed.error, DocumentAlreadyExistsError):
        return {"document": _wanted(failed.write), "reason": "document already exists"}
    if isinstance(failed.error, DocumentToReplaceNotFoundError):
        return {"document": _wanted(failed.write), "reason": "cannot replace a document that does not exist"}
    return {
        "_index": batch.index,
        "_type": batch.collection,
        "_id": failed.write.id,
        "status": failed.error.status,
        "error": {"type": failed.error.id, "reason": failed.error.message},
    }


def _wanted(write: DocumentWrite) -> dict[str, Any]:
    document = {"_source": write.source}
    return document if write.id is None else {"_id": write.id, **document}


def fetched_documents(request: Request, fetched: FetchedDocuments) -> dict[str, Any]:
    """Word `mGet`.

    Raises:
        PartialError: Some ids have no document; the hits tell which.
    """
    index, collection = request.target()
    hits = [
        {"_index": index, "_type": collection, "_id": document_id, "found": False}
        if document is None
        else stored_document(request, document)
        for document_id, document in fetched.entries
    ]
    result = {"hits": hits, "total": len(hits)}
    if any(document is None for _, document in fetched.entries):
        raise PartialError("services.storage.incomplete_fetch", [], result)
    return result


def deleted_documents(_request: Request, deleted: DeletedDocuments) -> dict[str, Any]:
    """Word `deleteByQuery`."""
    return {"ids": deleted.ids}


# --- search


def document_count(_request: Request, counted: DocumentCount) -> dict[str, Any]:
    """Word `count`."""
    return {"count": counted.count, "_shards": SHARDS}


def search_page(_request: Request, page: SearchPage) -> dict[str, Any]:
    """Word a page of found documents."""
    shape: dict[str, Any] = {
        "took": page.took_ms,
        "timed_out": page.is_timed_out,
        "_shards": SHARDS,
        "hits": [_hit(hit) for hit in page.hits],
        "total": page.total,
        "max_score": page.max_score,
        **({} if page.scroll_id is None else {"scrollId": page.scroll_id, "_scroll_id": page.scroll_id}),
    }
    if page.aggregations is not None:
        shape["aggregations"] = page.aggregations if not page.has_top_hits else _with_hits(page.aggregations)
    return shape


def _with_hits(value: Any) -> Any:
    """Word the pages that stand in results of aggregations."""
    if isinstance(value, dict):
        return {name: _with_hits(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_hits(item) for item in value]
    return _page_below(value, _bare_hit)["hits"] if isinstance(value, SearchPage) else value


def _hit(hit: Hit) -> dict[str, Any]:
    shape = _bare_hit(hit)
    metadata = None if hit.content is None else hit.content.shown_metadata()
    if metadata is not None:
        shape["_meta"] = metadata
    return shape


def _bare_hit(hit: Hit) -> dict[str, Any]:
    shape: dict[str, Any] = {"_index": hit.index, "_type": hit.collection, "_id": hit.id}
    if hit.nested is not None:
        shape["_nested"] = _nested_place(hit.nested)
    if hit.version is not None:
        shape["_version"] = hit.version
    shape["_score"] = hit.score
    if hit.content is not None:
        shape["_source"] = hit.content.shown()
    if hit.fields:
        shape["fields"] = hit.fields
    if hit.highlight:
        shape["highlight"] = hit.highlight
    if hit.sort is not None:
        shape["sort"] = hit.sort
    if hit.matched:
        shape["matched_queries"] = hit.matched
    if hit.explanation is not None:
        shape["_explanation"] = _explanation(hit.explanation)
    inner = {name: _page_below(page, _bare_hit) for name, page in (hit.inner_hits or {}).items()}
    inner.update({name: _page_below(page, _hit) for name, page in (hit.groups or {}).items()})
    if inner:
        shape["inner_hits"] = inner
    return shape


def _explanation(explanation: Explanation) -> dict[str, Any]:
    details = [_explanation(inner) for inner in explanation.details]
    return {"value": explanation.value, "description": explanation.description, "details": details}


def _page_below(page: SearchPage, word: Callable[[Hit], dict[str, Any]]) -> dict[str, Any]:
    return {"hits": {"total": page.total, "max_score": page.max_score, "hits": [word(hit) for hit in page.hits]}}


def _nested_place(path: list[tuple[str, int]]) -> dict[str, Any]:
    place: dict[str, Any] = {}
    for field, offset in reversed(path):
        place = {"field": field, "offset": offset, **({"_nested": place} if place else {})}
    return place


def refreshed_index(_request: Request, _refreshed: RefreshedIndex) -> dict[str, Any]:
    """Word `index:refresh`."""
    return {"_shards": SHARDS}


# --- mappings


def collection_mapping(request: Request, mapping: CollectionMapping) -> dict[str, Any]:
    """Word a mapping, below the names of its index and collection."""
    index, collection = request.target()
    properties = mapping.properties
    if request.argument("includeKuzzleMeta"):
        properties = {**properties, "_kuzzle_info": METADATA_MAPPING}
    shape = {"dynamic": mapping.dynamic, "_meta": mapping.meta, "properties": properties}
    return {index: {"mappings": {collection: shape}}}
