"""API 1: the wire shapes and manners that clients of Kuzzle 1.12 know."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.api.generation import ApiGeneration
from kuzzle.api.results import (
    Acknowledged,
    AcknowledgedOrder,
    CreatedIndex,
    CurrentUser,
    DeletedDocuments,
    DocumentBatch,
    DocumentCount,
    FailedImport,
    FetchedDocuments,
    ImportReport,
    IssuedToken,
    LeftRoom,
    LoginStep,
    RefreshedIndex,
    ResetSecurities,
)
from kuzzle.api.v1 import documents, imports, notifications, securities, sessions, specifications
from kuzzle.api.v1.metadata import metadata_of_write, without_trash
from kuzzle.catalogue import Catalogue
from kuzzle.errors import KuzzleError, PartialError, ResultingError
from kuzzle.realtime.notifications import DocumentEvent, UserEvent
from kuzzle.realtime.subscriptions import Subscription
from kuzzle.request import Request
from kuzzle.response import NO_HEADERS, Response
from kuzzle.security.password_policies import MustChangePasswordError
from kuzzle.security.stored import (
    RemovedObject,
    RemovedObjects,
    SecurityList,
    SecurityMapping,
    SecurityObject,
    SecurityPage,
)
from kuzzle.specifications.store import ContentReport, FoundSpecifications
from kuzzle.storage.base import CollectionMapping, StoredDocument, WriteKind, WrittenDocument
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import Query

# Highest major version of each SDK that speaks API 1.
_LAST_SDK_MAJORS: Final[Mapping[str, int]] = {
    "js": 6,
    "csharp": 1,
    "cpp": 1,
    "java": 2,
    "android": 4,
    "go": 2,
    "php": 3,
}
_SDK_MARK: Final = re.compile(r"([a-z]+)@(([0-9]{1,9})(?:\.[0-9A-Za-z.+-]*)?)")

# How each domain value is shown. What is not listed is JSON already.
_SHAPES: Final[Mapping[type, Callable[[Request, Any], Any]]] = {
    Acknowledged: lambda _request, _done: {"acknowledged": True},
    CreatedIndex: lambda _request, created: {
        "acknowledged": True,
        "shards_acknowledged": True,
        "index": created.index,
    },
    RefreshedIndex: documents.refreshed_index,
    CollectionMapping: documents.collection_mapping,
    StoredDocument: documents.stored_document,
    WrittenDocument: documents.written_document,
    DocumentBatch: documents.document_batch,
    ImportReport: imports.import_report,
    FailedImport: imports.failed_import,
    AcknowledgedOrder: lambda _request, _done: {"acknowledge": True},
    FetchedDocuments: documents.fetched_documents,
    DeletedDocuments: documents.deleted_documents,
    DocumentCount: documents.document_count,
    SearchPage: documents.search_page,
    ContentReport: specifications.content_report,
    FoundSpecifications: specifications.found_specifications,
    Subscription: notifications.subscription,
    CurrentUser: securities.current_user,
    IssuedToken: sessions.issued_token,
    LoginStep: sessions.login_step,
    LeftRoom: lambda _request, left: left.room_id,
    ResetSecurities: securities.reset_securities,
    SecurityObject: securities.security_object,
    SecurityList: securities.security_list,
    SecurityPage: securities.security_page,
    RemovedObject: securities.removed_object,
    RemovedObjects: securities.removed_objects,
    SecurityMapping: securities.security_mapping,
}


class ApiV1(ApiGeneration):
    """API 1."""

    number = 1
    has_later_filter_keywords = False

    def __init__(self, catalogue: Catalogue, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch, for the metadata of documents."""
        self.catalogue = catalogue
        self._clock = clock
        self._public_actions: dict[str, Any] | None = None

    def success(self, request: Request, result: Any) -> Response:
        try:
            result = self.word(request, result)
        except PartialError as error:
            return self.failure(request, error)
        headers = NO_HEADERS if request.headers is None else request.headers
        status = request.status
        if request.raw:
            return Response(request.id, status, result, headers, raw=True)
        return Response(request.id, status, _envelope(request, status, None, result), headers)

    def word(self, request: Request, result: Any) -> Any:
        shape = _SHAPES.get(type(result))
        return result if shape is None else shape(request, result)

    def failure(self, request: Request, error: KuzzleError) -> Response:
        result = error.result if isinstance(error, PartialError | ResultingError) else None
        headers = NO_HEADERS if request.headers is None else request.headers
        return Response(request.id, error.status, _envelope(request, error.status, self.error(error), result), headers)

    def error(self, error: KuzzleError) -> dict[str, Any]:
        content: dict[str, Any] = {"message": error.message, "status": error.status}
        if error.id is not None:
            content["id"] = error.id
            content["code"] = error.code
        if isinstance(error, PartialError):
            content["errors"] = error.errors
            content["count"] = len(error.errors)
        if isinstance(error, MustChangePasswordError) and error.reset_token is not None:
            content["resetToken"] = error.reset_token
        return content

    def check_sdk(self, volatile: Mapping[str, Any]) -> None:
        name = volatile.get("sdkName")
        mark = _SDK_MARK.fullmatch(name) if isinstance(name, str) else None
        if mark is None:  # other clients, and marks nobody understands, pass
            return
        last = _LAST_SDK_MAJORS.get(mark[1])
        if last is not None and int(mark[3]) > last:
            raise KuzzleError("api.process.incompatible_sdk_version", mark[2], f"min: none, max: {last}")

    def public_actions(self) -> Mapping[str, Any]:
        if self._public_actions is None:
            self._public_actions = _public_actions(self.catalogue)
        return self._public_actions

    def stamp(
        self, kind: WriteKind, source: dict[str, Any] | None, request: Request, *, many: bool = False
    ) -> dict[str, Any]:
        metadata = metadata_of_write(kind, request.user.author, int(self._clock() * 1000), many=many)
        return {"_kuzzle_info": metadata} if source is None else {**source, "_kuzzle_info": metadata}

    def stamp_imported_change(self, source: dict[str, Any], request: Request) -> dict[str, Any]:
        return {**source, "_kuzzle_info": {"updater": request.user.author, "updatedAt": int(self._clock() * 1000)}}

    def visible(self, query: Query, request: Request) -> Query:
        return query if request.argument("includeTrash") else without_trash(query)

    def document_notification(self, event: DocumentEvent) -> dict[str, Any]:
        return notifications.document_notification(event)

    def user_notification(self, event: UserEvent) -> dict[str, Any]:
        return notifications.user_notification(event)

    def token_expired_notification(self) -> dict[str, Any]:
        return notifications.token_expired_notification()


def _envelope(request: Request, status: int, error: dict[str, Any] | None, result: Any) -> dict[str, Any]:
    """Build an envelope; the members stand in the order that clients of Kuzzle see."""
    return {
        "requestId": request.id,
        "status": status,
        "error": error,
        "controller": request.controller,
        "action": request.action,
        "collection": request.collection,
        "index": request.index,
        "volatile": request.volatile,
        "result": result,
    }


def _public_actions(catalogue: Catalogue) -> dict[str, Any]:
    controllers: dict[str, Any] = {}
    for controller, definition in catalogue.names():
        shown: dict[str, Any] = {"controller": controller, "action": definition.name}
        if definition.routes:
            shown["http"] = [{"url": _shown_url(route.path), "verb": route.verb} for route in definition.routes]
        controllers.setdefault(controller, {})[definition.name] = shown
    return controllers


def _shown_url(path: str) -> str:
    """Return a path as `server:publicApi` shows it: Kuzzle leaves out the first slash of those of plugins."""
    return path.removeprefix("/") if path.startswith("/_plugin/") else path
