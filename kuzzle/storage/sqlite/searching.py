"""Searches, counts and lists of ids, on the connection of a reader."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import apsw

from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.hits import Hit, SearchPage
from kuzzle.storage.sqlite.after import resolve_after
from kuzzle.storage.sqlite.aggregating import aggregate
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.collapsing import Group, find_groups, in_group
from kuzzle.storage.sqlite.deadlines import within
from kuzzle.storage.sqlite.hit_parts import PartsFinder
from kuzzle.storage.sqlite.hits import HitReader
from kuzzle.storage.sqlite.inner_hits import InnerHitFinder
from kuzzle.storage.sqlite.pages import Matches, PageRow
from kuzzle.storage.sqlite.sorting import Key, resolve_keys
from kuzzle.storage.tree import Bool, Query, Search


def search_documents(
    connection: apsw.Connection, index: str, state: CollectionState, search: Search, now_ms: int
) -> SearchPage:
    """Find documents, as long as the search may take.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    return within(connection, search.timeout_ms, lambda: _search(connection, index, state, search, now_ms))


def _search(connection: apsw.Connection, index: str, state: CollectionState, search: Search, now_ms: int) -> SearchPage:
    started = time.perf_counter()
    keys = resolve_keys(search.sort, state)
    matches = matches_of(connection, state, search, now_ms)
    groups: list[Group] = []
    if search.collapse is not None:
        groups = find_groups(matches, state, search.collapse, keys, search.offset, search.size)
        rows, total = [group.first for group in groups], matches.count()
    else:
        rows, total = _page(matches, state, search, keys)
    hits = PageReader(connection, index, state, search, matches).read(rows)
    for group, hit in zip(groups, hits, strict=False):
        _show_group(connection, index, state, search, group, hit, now_ms)
    max_score = None
    if total and not keys:
        max_score = rows[0].score if rows and not search.offset else matches.best_score()
    elif total and (search.parts.has_score or any(key.sort.field == "_score" for key in keys)):
        max_score = matches.best_score()
    kept = matches.kept if search.aggregations and not search.post_filter else None
    aggregations = aggregate(connection, index, state, search, now_ms, None if search.post_filter else total, kept)
    took_ms = round((time.perf_counter() - started) * 1000)
    has_top_hits = any(aggregation.has_top_hits for aggregation in (search.aggregations or {}).values())
    return SearchPage(hits, total, max_score, took_ms, aggregations=aggregations, has_top_hits=has_top_hits)


def _page(matches: Matches, state: CollectionState, search: Search, keys: list[Key]) -> tuple[list[PageRow], int]:
    """Return the rows of a page, and how many documents match."""
    if keys:
        total = matches.count()
        after = None if search.after is None else resolve_after(keys, search.after)
        return matches.page(keys, search.offset, search.size, total, after), total
    rows = matches.by_score(search.offset, search.size)
    # A page that is not full has the last match in it, and nobody needs to count.
    is_last = len(rows) < search.size and (rows or not search.offset)
    return rows, search.offset + len(rows) if is_last else matches.count()


def _show_group(
    connection: apsw.Connection, index: str, state: CollectionState, search: Search, group: Group, hit: Hit, now_ms: int
) -> None:
    """Let a hit show the value that it stands for, and what was asked for of the documents with that value."""
    if search.collapse is None:
        return
    if group.value is not None:
        hit.fields = {**(hit.fields or {}), search.collapse.field: [group.value]}
    query = in_group(search.query, search.collapse.field, group)
    pages = {
        name: search_documents(
            connection,
            index,
            state,
            replace(inner, query=query, post_filter=search.post_filter, named=search.named),
            now_ms,
        )
        for name, inner in search.collapse.inner
    }
    hit.groups = pages or None


def count_documents(connection: apsw.Connection, state: CollectionState, query: Query, now_ms: int) -> int:
    """Count the documents that match.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    return Matches(connection, state, query, now_ms).count()


def find_document_ids(connection: apsw.Connection, state: CollectionState, query: Query, now_ms: int) -> list[str]:
    """Return the ids of all documents that match.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    return Matches(connection, state, query, now_ms).ids()


def matches_of(connection: apsw.Connection, state: CollectionState, search: Search, now_ms: int) -> Matches:
    """Return the documents that are hits of a search.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    query = search.query
    if search.post_filter is not None:
        query = Bool(must=(query,), filter=(search.post_filter,))
    return Matches(connection, state, query, now_ms)


class PageReader:
    """Reads the documents of a search's pages as hits show them."""

    def __init__(
        self, connection: apsw.Connection, index: str, state: CollectionState, search: Search, matches: Matches
    ) -> None:
        """Prepare to read.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: hits cannot show what was asked for.
        """
        page = HitPage(source=search.source, highlight=search.highlight, parts=search.parts)
        self._hits = HitReader(connection, index, state, page, search.query, "")
        self._parts = PartsFinder(connection, state, search, matches)
        self._inner_hits = InnerHitFinder(connection, index, state, matches.translation)

    def read(self, rows: Iterable[PageRow]) -> list[Hit]:
        """Return the hits of some rows."""
        hits = []
        for row in rows:
            hit = self._hits.read(row.rid, row.score, row.sort)
            if hit is not None:
                self._parts.add(hit, row.rid, self._hits.content)
                hit.inner_hits = self._inner_hits.find(row.rid) if self._inner_hits.is_asked else None
                hits.append(hit)
        return hits
