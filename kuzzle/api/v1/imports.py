"""How API 1 shows what became of a bulk import: like Elasticsearch 5, failures apart."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import FailedImport, ImportedItem, ImportReport
from kuzzle.api.v1.documents import SHARDS
from kuzzle.errors import PartialError
from kuzzle.request import Request
from kuzzle.storage.errors import DocumentAlreadyExistsError, VersionConflictError


def import_report(_request: Request, report: ImportReport) -> dict[str, Any]:
    """Word `bulk:import`.

    Raises:
        PartialError: Some operations failed.
    """
    failed = [_failure(item) for item in report.items if item.error is not None]
    items = [{item.action: _success(item)} for item in report.items if item.error is None]
    result: dict[str, Any] = {"took": report.took_ms, "errors": bool(failed), "items": items}
    if failed:
        raise PartialError("services.storage.import_failed", failed, {**result, "partialErrors": failed})
    return result


def failed_import(_request: Request, failed: FailedImport) -> None:
    """Word `admin:loadFixtures` of which documents were refused.

    Raises:
        PartialError: Always.
    """
    errors = [_failure(item) for item in failed.report.items if item.error is not None]
    raise PartialError("services.storage.import_failed", errors, None)


def _success(item: ImportedItem) -> dict[str, Any]:
    return {
        "_index": item.index,
        "_type": item.collection,
        "_id": item.id,
        "_version": item.version,
        "result": "deleted" if item.action == "delete" else "created" if item.created else "updated",
        "_shards": SHARDS,
        "created": item.created,
        "status": 201 if item.created else 200,
    }


def _failure(item: ImportedItem) -> dict[str, Any]:
    error = item.error
    assert error is not None
    is_conflict = isinstance(error, DocumentAlreadyExistsError | VersionConflictError)
    return {
        "_index": item.index,
        "_type": item.collection,
        "_id": item.id,
        "status": 409 if is_conflict else error.status,
        "error": {
            "type": "services.storage.document_already_exists" if is_conflict else error.id,
            "reason": "Document already exists." if is_conflict else error.message,
        },
        "action": item.action,
    }
