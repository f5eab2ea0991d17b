"""Scrolls: searches that stay open between requests, each read page by page, forward only.

Each has a connection of its own in one read transaction, and in it the statement that finds the hits,
stopped where the last page ended. So a page costs what is on it, however deep; later writes stay unseen;
and memory does not grow with the number of matches, as SQLite sorts on disk what is large. The price:
while a scroll is open the write-ahead log keeps what was written since, hence scrolls are few and end
in time. One that was read to its end gives its connection back at once and answers empty pages until
its time is over.

Threads: everything runs on the event loop but reading, which a reader's thread does, one page of a
scroll at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

import apsw

from kuzzle.storage.errors import StorageUnavailableError, TooManyOperationsError, UnknownScrollIdError
from kuzzle.storage.hits import Hit, SearchPage
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.deadlines import bounded
from kuzzle.storage.sqlite.readers import Readers
from kuzzle.storage.sqlite.searching import PageReader, matches_of, search_documents
from kuzzle.storage.sqlite.sorting import resolve_keys
from kuzzle.storage.tree import Search

# Pages of memory that a scroll's connection may keep, in KiB: it reads every page about once.
_CACHE_KIB: Final = 256

Target = tuple[str, str]
"""Index and collection."""


@dataclass(slots=True)
class _Scroll:
    """One scroll.

    Attributes:
        limit_ms: How long a page may take.
        left: How many hits are still to come.
        connection: None when all is read.
        find: Returns the next hits, so many of them.
        target: What is searched.
        owner: Who alone may read on; None: whoever knows it.
    """

    size: int
    limit_ms: int
    total: int = 0
    max_score: float | None = None
    left: int = 0
    connection: apsw.Connection | None = None
    find: Callable[[int], list[Hit]] | None = None
    target: Target = ("", "")
    owner: str | None = None
    expiry: asyncio.TimerHandle | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_abandoned: bool = False
    reading: threading.Lock = field(default_factory=threading.Lock)

    def is_of(self, within: Target | None) -> bool:
        """Tell whether this scroll is of a collection; None: of any index that is not internal."""
        return not self.target[0].startswith("%") if within is None else self.target == within

    def read(self) -> SearchPage:
        """Read the next page, on a reader's thread."""
        try:
            with self.reading:
                return self._read()
        finally:
            # Only now: who abandons it meanwhile either finds it free or is seen here.
            if self.is_abandoned:
                self.abandon()

    def _read(self) -> SearchPage:
        started = time.perf_counter()
        hits: list[Hit] = []
        if self.find is not None and self.connection is not None:
            with bounded(self.connection, self.limit_ms):
                hits = self.find(self.size)
        self.left -= len(hits)
        if self.left <= 0 or len(hits) < self.size:
            self.close()
        return SearchPage(hits, self.total, self.max_score, round((time.perf_counter() - started) * 1000))

    def abandon(self) -> None:
        """Give up the snapshot, though a thread may still read; then that thread does, at its end."""
        self.is_abandoned = True
        if self.reading.acquire(blocking=False):
            self.close()
            self.reading.release()

    def close(self) -> None:
        """Give up the snapshot."""
        self.find = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None


StartedScroll = tuple[_Scroll, SearchPage]


class Scrolls:
    """The open scrolls of a store."""

    def __init__(
        self,
        readers: Readers,
        open_connection: Callable[[], apsw.Connection],
        loop: asyncio.AbstractEventLoop,
        *,
        limit: int,
        limit_ms: int,
    ) -> None:
        """`limit` is how many may be open at a time, `limit_ms` how long a page may take (0: as long as it
        does); `open_connection` gives each its connection."""
        self._readers = readers
        self._open_connection = open_connection
        self._loop = loop
        self._limit = limit
        self._limit_ms = limit_ms
        self._opening = 0
        self._scrolls: dict[str, _Scroll] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._scrolls)

    @property
    def snapshots(self) -> int:
        """How many of them hold a snapshot of the store."""
        return sum(scroll.connection is not None for scroll in self._scrolls.values())

    async def open(
        self,
        target: Target,
        search: Search,
        run: Callable[[], Awaitable[StartedScroll | None]],
        lifetime_ms: int,
        owner: str | None,
    ) -> SearchPage:
        """Open a scroll and return its first page.

        Args:
            target: What is searched.
            run: Runs `start` on a reader's thread; None: there is nothing to search.
            owner: Who alone may read on; None: whoever knows the scroll.

        Raises:
            TooManyOperationsError: Too many are open.
            KuzzleError: 400 `services.storage.unexpected_bad_request`.
        """
        _check(search)
        if len(self._scrolls) + self._opening >= self._limit:
            raise TooManyOperationsError("scroll")
        self._opening += 1
        try:
            scroll, page = await run() or (_Scroll(search.size, self._limit_ms), SearchPage([], 0, None, 0))
        finally:
            self._opening -= 1
        if self._is_closed:
            scroll.close()
            raise StorageUnavailableError
        scroll.target = target
        scroll.owner = owner
        page.scroll_id = secrets.token_urlsafe(24)
        self._scrolls[page.scroll_id] = scroll
        self._renew(page.scroll_id, scroll, lifetime_ms)
        return page

    def start(self, index: str, state: CollectionState, search: Search, now_ms: int) -> StartedScroll:
        """Open the snapshot of a scroll and read its first page, on a reader's thread.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`.
        """
        connection = self._open_connection()
        try:
            connection.pragma("cache_size", -_CACHE_KIB)
            connection.execute("BEGIN")
            with bounded(connection, self._limit_ms):
                page = search_documents(connection, index, state, replace(search, size=0), now_ms)
            matches = matches_of(connection, state, search, now_ms)
            rows = matches.stream(resolve_keys(search.sort, state))
            reader = PageReader(connection, index, state, search, matches)

            def find(count: int) -> list[Hit]:
                return reader.read(itertools.islice(rows, count))

            scroll = _Scroll(search.size, self._limit_ms, page.total, page.max_score, page.total, connection, find)
            first = scroll.read()
        except BaseException:
            connection.close()
            raise
        page.hits = first.hits
        page.took_ms += first.took_ms
        return scroll, page

    async def next_page(self, scroll_id: str, lifetime_ms: int, within: Target | None, owner: str | None) -> SearchPage:
        """Return the next page of a scroll, which must be of `within`; None: of any index that is not internal.

        Raises:
            UnknownScrollIdError
        """
        scroll = self._scrolls.get(scroll_id)
        if scroll is None or not scroll.is_of(within) or scroll.owner not in (None, owner):
            raise UnknownScrollIdError
        async with scroll.turn:
            if self._scrolls.get(scroll_id) is not scroll:
                raise UnknownScrollIdError
            if scroll.expiry is not None:
                scroll.expiry.cancel()
            try:
                page = await self._readers.run(lambda _connection: scroll.read())
            except BaseException:
                # Its statement stands nobody knows where: what comes next would have a hole.
                self._scrolls.pop(scroll_id, None)
                scroll.abandon()
                raise
            if self._scrolls.get(scroll_id) is not scroll:
                raise UnknownScrollIdError
            self._renew(scroll_id, scroll, lifetime_ms)
        page.scroll_id = scroll_id
        return page

    def _renew(self, scroll_id: str, scroll: _Scroll, lifetime_ms: int) -> None:
        scroll.expiry = self._loop.call_later(lifetime_ms / 1000, self._expire, scroll_id)

    def _expire(self, scroll_id: str) -> None:
        self._scrolls.pop(scroll_id).close()

    def end_all(self) -> None:
        """End the scrolls that are open."""
        scrolls, self._scrolls = self._scrolls, {}
        for scroll in scrolls.values():
            if scroll.expiry is not None:
                scroll.expiry.cancel()
            scroll.abandon()

    def close(self) -> None:
        """End all scrolls for good."""
        self._is_closed = True
        self.end_all()


def _check(search: Search) -> None:
    """Refuse what a scroll cannot be combined with.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if search.offset:
        raise bad_request("using [from] is not allowed in a scroll context")
    if not search.size:
        raise bad_request("[size] cannot be [0] in a scroll context")
    if search.after is not None:
        raise bad_request("`search_after` cannot be used in a scroll context.")
    if search.collapse is not None:
        raise bad_request("cannot use `collapse` in a scroll context")
    if search.timeout_ms is not None:
        raise bad_request("[timeout] cannot be used in a scroll context")
