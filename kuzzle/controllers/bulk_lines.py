"""The lines of a bulk import, in the format of Elasticsearch: an action, then its source, and so on.

What is malformed is refused before anything is written, as Elasticsearch does. Lines are told apart by
their place: after `index`, `create` and `update` stands a source, whatever its first key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import Source
from kuzzle.storage.errors import InvalidDocumentError
from kuzzle.storage.internal import INTERNAL_INDEX

_ACTIONS: Final = ("index", "create", "update", "delete")
# Retries are accepted and never needed: a change reads and writes in one step.
_ACTION_MEMBERS: Final = frozenset({"_index", "_type", "_id", "_retry_on_conflict", "retry_on_conflict"})
_UPDATE_MEMBERS: Final = frozenset({"doc", "upsert", "doc_as_upsert", "_retry_on_conflict", "retry_on_conflict"})


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One operation of an import, as it was asked for.

    Attributes:
        action: `index`, `create`, `update` or `delete`.
        id: None lets the backend make one.
        source: The content; of an update the changes; of a delete None.
        upsert: Of an update, what to store when there is no document of that id.
    """

    action: str
    index: str
    collection: str
    id: str | None
    source: Source | None
    upsert: Source | None = None


def read_import(lines: list[Any], index: str | None, collection: str | None) -> Iterator[ImportLine]:
    """Yield the operations of an import in order.

    Args:
        index, collection: Those of operations that name none.

    Raises:
        KuzzleError: A line is malformed, or names no place or an internal one.
    """
    position = 0
    while position < len(lines):
        action, target = _read_action(lines[position], position)
        place = (
            _place(target.get("_index") or index, position, "index"),
            _place(target.get("_type") or collection, position, "collection"),
        )
        _check_index(place[0])
        document_id = _read_id(target.get("_id"), position)
        if action == "delete":
            yield ImportLine(action, *place, _demand_id(document_id, position), None)
            position += 1
            continue
        source = lines[position + 1] if position + 1 < len(lines) else None
        if not isinstance(source, dict):
            raise _malformed(position + 1, f"the {action} before it needs an object as its source")
        if action == "update":
            changes, upsert = _read_update(source, position + 1)
            yield ImportLine(action, *place, _demand_id(document_id, position), changes, upsert)
        else:
            yield ImportLine(action, *place, document_id, source)
        position += 2


def _read_action(line: Any, position: int) -> tuple[str, dict[str, Any]]:
    action = next(iter(line), None) if isinstance(line, dict) else None
    if action not in _ACTIONS or len(line) != 1:
        raise _malformed(position, f"expected an object with one of the keys {', '.join(_ACTIONS)}")
    target = line[action]
    if not isinstance(target, dict):
        raise _malformed(position, f"expected an object below {action}")
    _refuse_unknown(target, _ACTION_MEMBERS, position)
    return action, target


def _read_id(document_id: Any, position: int) -> str | None:
    if document_id is None or isinstance(document_id, str):
        return document_id
    if isinstance(document_id, bool) or not isinstance(document_id, int | float):
        raise _malformed(position, "_id must be a text or a number")
    is_whole = isinstance(document_id, float) and document_id.is_integer()
    return str(int(document_id) if is_whole else document_id)


def _demand_id(document_id: str | None, position: int) -> str:
    if document_id is None:
        raise _malformed(position, "_id is missing")
    return document_id


def _place(name: Any, position: int, kind: str) -> str:
    if name is None or name == "":
        raise KuzzleError("services.storage.missing_argument", f"body.bulkData[{position}].{kind}")
    if not isinstance(name, str):
        raise KuzzleError("services.storage.invalid_argument", f"body.bulkData[{position}].{kind}", "a string")
    return name


def _check_index(index: str) -> None:
    if index == INTERNAL_INDEX:
        raise KuzzleError("services.storage.index_protected", index)
    if index.startswith("%"):
        raise KuzzleError("services.storage.index_reserved", index)


def _read_update(source: dict[str, Any], position: int) -> tuple[Source, Source | None]:
    _refuse_unknown(source, _UPDATE_MEMBERS, position)
    changes, upsert = source.get("doc"), source.get("upsert")
    as_upsert = source.get("doc_as_upsert") or False
    if not isinstance(changes, dict):
        raise _malformed(position, "an update needs an object as its doc")
    if upsert is not None and not isinstance(upsert, dict):
        raise _malformed(position, "upsert must be an object")
    if not isinstance(as_upsert, bool):
        raise _malformed(position, "doc_as_upsert must be a boolean")
    return changes, changes if as_upsert else upsert


def _refuse_unknown(members: dict[str, Any], known: frozenset[str], position: int) -> None:
    for name, value in members.items():
        if name not in known and value is not None:
            raise _malformed(position, f"{name} is not supported")


def _malformed(position: int, reason: str) -> InvalidDocumentError:
    return InvalidDocumentError(f"Malformed line body.bulkData[{position}]: {reason}")
