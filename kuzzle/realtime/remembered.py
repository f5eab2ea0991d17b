"""Which rooms a document matched when it was written last.

Only so can the server tell that a document has left a filter: once it is changed, its earlier content
is gone. The memory is bounded in time and in size; what is forgotten yields no `out` later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

_Place = tuple[str, str, str]


class RememberedRooms:
    """The ids of rooms by index, collection and document id, the oldest first."""

    def __init__(self, ttl_s: float, max_matches: int, clock: Callable[[], float]) -> None:
        """`ttl_s` 0 remembers for ever; `max_matches` bounds the pairs of a document and a room."""
        self._ttl_s = ttl_s
        self._max_matches = max_matches
        self._clock = clock
        self._documents: OrderedDict[_Place, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._matches = 0

    def __len__(self) -> int:
        """Return the number of remembered documents."""
        return len(self._documents)

    def replace(self, index: str, collection: str, document_id: str, room_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Remember the rooms a document matches now; return those it matched before."""
        before = self.forget(index, collection, document_id)
        if room_ids:
            self._documents[index, collection, document_id] = (self._clock() + self._ttl_s, room_ids)
            self._matches += len(room_ids)
            while self._matches > self._max_matches:
                self._drop_oldest()
        return before

    def forget(self, index: str, collection: str, document_id: str) -> tuple[str, ...]:
        """Forget a document; return the rooms it matched before."""
        if self._ttl_s:
            self._drop_expired()
        remembered = self._documents.pop((index, collection, document_id), None)
        if remembered is None:
            return ()
        self._matches -= len(remembered[1])
        return remembered[1]

    def _drop_expired(self) -> None:
        now = self._clock()
        while self._documents and next(iter(self._documents.values()))[0] <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (_, room_ids) = self._documents.popitem(last=False)
        self._matches -= len(room_ids)
