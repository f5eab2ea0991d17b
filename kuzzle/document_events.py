"""The generic events of documents: one name for all actions that write, update, delete or get documents.

Which actions they are stands in `schemas/events.json`. Listeners get the documents of the request before the action,
or of its result after it, and answer those that are to take their place.

| actions | before | after |
|---|---|---|
| of one document | one `{"_id", "_source"}`, of `delete` and `get` one `{"_id"}` | the result |
| m* actions that write | one `{"_id", "_source"}` for each of `body.documents` | `result.hits` |
| `mGet`, `mDelete` | one `{"_id"}` for each of `body.ids` | `result.hits`; of `mDelete` the ids |
| `search`, `deleteByQuery` | not fired | `result.hits`; `result.ids` |

An entry that is no document stays in the request, behind the others: the action tells what is wrong with it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.schemas import load_schema

CONTROLLER: Final = "document"
_SCOPE: Final = "generic:document"
# Kinds of events whose documents have a content before the action.
_WITH_CONTENT: Final = frozenset({"Write", "Update"})


@dataclass(frozen=True, slots=True)
class DocumentEvents:
    """The generic events of an action.

    Attributes:
        before, after: Their names; None where the event is not fired.
        has_content: Whether its documents have a content before the action.
        is_many: Whether it is an m* action.
    """

    action: str
    before: str | None
    after: str
    has_content: bool
    is_many: bool

    # --- before the action

    def documents_of(self, request: Request) -> list[dict[str, Any]] | None:
        """Return the documents of a request that asks for this action; None where it has none: it will be refused."""
        if not self.is_many:
            document: dict[str, Any] = {"_id": request.document_id}
            if self.has_content:
                if not isinstance(request.body, dict):
                    return None
                document["_source"] = request.body
            return [document]
        entries = _entries(request, self._member)
        if entries is None:
            return None
        if self.has_content:
            return [{"_id": entry.get("_id"), "_source": entry["body"]} for entry in entries if _is_document(entry)]
        return [{"_id": entry} for entry in entries if isinstance(entry, str)]

    def put_into(self, request: Request, documents: list[Any]) -> None:
        """Put documents in place of those of a request.

        Raises:
            KuzzleError: `plugin.runtime.unexpected_error`: they are none.
        """
        for document in documents:
            if not self._is_sound(document):
                raise _fault(self.before, "answered something that is no document")
        if not self.is_many:
            document = _only(documents, self.before)
            request.document_id = document.get("_id")
            if self.has_content:
                request.body = document["_source"]
            return
        old = _entries(request, self._member) or []
        if self.has_content:
            entries = [_entry(document) for document in documents]
            entries += [entry for entry in old if not _is_document(entry)]
        else:
            entries = [document["_id"] for document in documents]
            entries += [entry for entry in old if not isinstance(entry, str)]
        request.body = {**request.body, self._member: entries}

    @property
    def _member(self) -> str:
        return "documents" if self.has_content else "ids"

    def _is_sound(self, document: Any) -> bool:
        if not isinstance(document, dict):
            return False
        document_id = document.get("_id")
        if self.has_content:
            return isinstance(document_id, str | None) and isinstance(document.get("_source"), dict)
        return isinstance(document_id, str) or (document_id is None and not self.is_many)

    # --- after the action

    def results_of(self, request: Request) -> list[Any] | None:
        """Return the documents of the result of a request; None where it has none."""
        result = request.result
        if self.action == "mDelete":
            return result if isinstance(result, list) else None
        if not isinstance(result, dict):
            return None
        found = result.get(self._result_member) if self._result_member else [result]
        return found if isinstance(found, list) else None

    def put_into_result(self, request: Request, documents: list[Any]) -> None:
        """Put documents in place of those of the result of a request.

        Raises:
            KuzzleError: `plugin.runtime.unexpected_error`: there is not one for an action on one document.
        """
        if self.action == "mDelete":
            request.result = documents
        elif self._result_member is None:
            request.result = _only(documents, self.after)
        else:
            request.result = {**request.result, self._result_member: documents}
            if self.is_many:  # the total of a search counts what matches, and not this page
                request.result["total"] = len(documents)

    @property
    def _result_member(self) -> str | None:
        if self.action == "deleteByQuery":
            return "ids"
        return "hits" if self.is_many or self.action == "search" else None


@functools.cache
def document_events() -> Mapping[str, DocumentEvents]:
    """Return the generic events of each action of the document controller that has some."""
    fired: dict[str, dict[str, list[str]]] = {
        event["name"]: event["actions"] for event in load_schema("events.json") if event["name"].startswith(_SCOPE)
    }
    before, after = fired[f"{_SCOPE}:before<Kind>"], fired[f"{_SCOPE}:after<Kind>"]
    return {
        action: DocumentEvents(
            action=action,
            before=f"{_SCOPE}:before{kind}" if action in before[kind] else None,
            after=f"{_SCOPE}:after{kind}",
            has_content=kind in _WITH_CONTENT,
            is_many=action[0] == "m" and action[1].isupper(),
        )
        for kind, actions in after.items()
        for action in actions
    }


def find_document_events(controller: str, action: str) -> DocumentEvents | None:
    """Return the generic events of an action, None when it has none."""
    return document_events().get(action) if controller == CONTROLLER else None


def _entries(request: Request, member: str) -> list[Any] | None:
    body = request.body
    entries = body.get(member) if isinstance(body, dict) else None
    return entries if isinstance(entries, list) else None


def _is_document(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("body"), dict)


def _entry(document: Mapping[str, Any]) -> dict[str, Any]:
    document_id = document.get("_id")
    return {**({} if document_id is None else {"_id": document_id}), "body": document["_source"]}


def _only(documents: list[Any], event: str | None) -> Any:
    if len(documents) != 1:
        raise _fault(event, f"answered {len(documents)} documents for an action on one")
    return documents[0]


def _fault(event: str | None, what: str) -> KuzzleError:
    return KuzzleError("plugin.runtime.unexpected_error", f'the pipes on the event "{event}" {what}')
