"""Reads documents, and nested objects in them, as hits show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import apsw

from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.hits import Hit
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import Extraction
from kuzzle.storage.sqlite.highlighting import Highlighter
from kuzzle.storage.sqlite.nested_rows import NestedObject, nested_number, root_rid
from kuzzle.storage.stored_content import StoredContent
from kuzzle.storage.tree import Query


@dataclass(slots=True)
class _Document:
    """A document that hits are read from; `content` is None where nobody asks for it."""

    rid: int
    id: str
    version: int
    content: StoredContent | None
    objects: list[NestedObject] = field(default_factory=list)


class HitReader:
    """Reads the hits of one page, or of pages of one kind."""

    def __init__(
        self, connection: apsw.Connection, index: str, state: CollectionState, page: HitPage, query: Query, scope: str
    ) -> None:
        """Prepare to read.

        Args:
            query: What found the hits, for their highlights.
            scope: Path of the nested objects that the query is about, empty for documents.
        """
        self._connection = connection
        self._index = index
        self._state = state
        self._page = page
        self._scope = scope
        self._highlighter = Highlighter(page.highlight, query, state.mapping, scope) if page.highlight else None
        self._last: _Document | None = None

    def read(self, rid: int, score: float | None, sort: list[Any] | None) -> Hit | None:
        """Return the hit of a document, or of a nested object.

        None: the document, read by the mapping of now, has no such object any more.
        """
        document = self._document(rid)
        content, path = document.content, None
        if rid < 0:
            number = nested_number(rid)
            if number > len(document.objects) or document.objects[number - 1].path != self._scope:
                return None
            path = _path_of(document.objects, number)
            content = StoredContent.of(dict(document.objects[number - 1].source))
        hit = Hit(self._index, self._state.name, document.id, score, self._shown(content), sort, nested=path)
        if self._page.parts.has_version:
            hit.version = document.version
        if self._highlighter is not None and content is not None:
            hit.highlight = self._highlighter.highlight(_in_place(content.source, path or []))
        return hit

    @property
    def content(self) -> StoredContent | None:
        """The content of the document of the last hit; None where nobody asks for it."""
        return None if self._last is None else self._last.content

    def _document(self, rid: int) -> _Document:
        root = root_rid(rid) if rid < 0 else rid
        if self._last is None or self._last.rid != root:
            is_shown = self._page.source is not False or bool(self._page.parts.stored)
            is_needed = rid < 0 or self._highlighter is not None or is_shown
            content = "body, metadata_start, metadata_size" if is_needed else "NULL, NULL, NULL"
            ((document_id, version, text, start, size),) = self._connection.execute(
                f"SELECT id, version, {content} FROM {self._state.documents_table} WHERE rid = ?", (root,)
            )
            shown = None if text is None else StoredContent(text, start, size)
            self._last = _Document(root, document_id, version, shown)
            if rid < 0 and self._last.content is not None:
                state = self._state
                extraction = Extraction(state.mapping, state.field_numbers, state.name, is_lenient=True)
                extraction.read(self._last.content.source)
                self._last.objects = extraction.objects
        return self._last

    def _shown(self, content: StoredContent | None) -> StoredContent | None:
        wanted = self._page.source
        if content is None or wanted is False:
            return None
        return StoredContent.of(wanted.apply(content.source)) if wanted else content


def _path_of(objects: list[NestedObject], number: int) -> list[tuple[str, int]]:
    path: list[tuple[str, int]] = []
    while number:
        found = objects[number - 1]
        number = found.parent
        outer = f"{objects[number - 1].path}." if number else ""
        path.insert(0, (found.path.removeprefix(outer), found.offset))
    return path


def _in_place(content: dict[str, Any], path: list[tuple[str, int]]) -> dict[str, Any]:
    """Return what a document would be if it had only this object."""
    for name, _offset in reversed(path):
        content = {name: content}
    return content
