"""The table of keys, which also knows what its values take, when each was last used, and which changed."""

from __future__ import annotations

import heapq
import threading
import time
from typing import Any, Final

from fakeredis._core._database import Database
from fakeredis.model import Hash, ZSet

from kuzzle.memory_storage.base import Words

# What Python and fakeredis need for a key, and for an item of a value, beside its bytes.
KEY_OVERHEAD_BYTES: Final = 350
ITEM_OVERHEAD_BYTES: Final = 120
# Up to that many items a value is counted anew after every change.
COUNTED_ITEMS: Final = 64
# How far an estimate may be off before a value is counted anew, beside a half of it.
RECOUNTED_BYTES: Final = 4096


class _Size:
    """What a key and its value take: counted bytes, and what was added since at most."""

    __slots__ = ("added", "counted", "value")

    def __init__(self, key: bytes, value: Any) -> None:
        self.value = value
        self.counted = KEY_OVERHEAD_BYTES + len(key) + size_of(value)
        self.added = 0

    @property
    def total(self) -> int:
        return self.counted + self.added

    @property
    def is_far_off(self) -> bool:
        return self.added > RECOUNTED_BYTES + self.counted // 2


class Keyspace(Database):
    """The keys of one database.

    Attributes:
        used_bytes: What keys and values take. Counting a long value after every change would make a change cost as
            much as the value is long, so what is added is estimated until it comes to half as much again.
        unsaved: Keys that changed, or went, since somebody last emptied this set.
    """

    def __init__(self, lock: threading.Lock) -> None:
        super().__init__(lock)
        self.used_bytes = 0
        self.unsaved: set[bytes] = set()
        self._sizes: dict[bytes, _Size] = {}
        self._used_at: dict[bytes, float] = {}
        self._changed: set[bytes] = set()

    # --- what fakeredis calls

    def __getitem__(self, key: bytes) -> Any:
        item = self._dict[key]
        if self.expired(item):
            self._drop(key)
            raise KeyError(key)
        self._used_at[key] = self.time
        return item

    def __delitem__(self, key: bytes) -> None:
        if key not in self._dict:
            raise KeyError(key)
        self._drop(key)

    def notify_watch(self, key: bytes) -> None:
        """Remember that a key is changing."""
        self._changed.add(key)

    def clear(self) -> None:
        """Delete all keys."""
        self.unsaved.update(self._dict)
        for table in (self._dict, self._expiry_heap, self._sizes, self._used_at):
            table.clear()
        self.used_bytes = 0

    def _remove_expired(self) -> None:
        while self._remove_next_expired():
            pass

    # --- what the engine calls

    def settle(self, words: Words) -> None:
        """Count what a command changed."""
        if not self._changed:
            return
        added = sum(map(len, words)) + ITEM_OVERHEAD_BYTES * len(words)
        for key in self._changed:
            self.unsaved.add(key)
            if key in self._dict:
                self._count(key, added)
        self._changed.clear()

    def sweep(self, most: int) -> bool:
        """Delete up to so many expired keys; tell whether there may be more."""
        self.time = time.time()
        return all(self._remove_next_expired() for _ in range(most))

    def size_of_key(self, key: bytes) -> int:
        """Return what a key and its value take, 0 without it."""
        size = self._sizes.get(key)
        return 0 if size is None else size.total

    def idle_s(self, key: bytes) -> int:
        """Return the whole seconds since a key was used."""
        return max(0, int(time.time() - self._used_at.get(key, self.time)))

    def peek(self, key: bytes) -> Any:
        """Return value and expiry (seconds since the epoch, or None) without using the key; None without it."""
        self.time = time.time()
        item = self._dict.get(key)
        return None if item is None or self.expired(item) else item

    def _count(self, key: bytes, added: int) -> None:
        value = self._dict[key].value
        size = self._sizes.get(key)
        if size is not None and size.value is value and len(value) > COUNTED_ITEMS and not isinstance(value, bytes):
            size.added += added
            self.used_bytes += added
            if not size.is_far_off:
                return
        if size is not None:
            self.used_bytes -= size.total
        size = self._sizes[key] = _Size(key, value)
        self.used_bytes += size.total

    def _remove_next_expired(self) -> bool:
        """Take the next entry that is due from the heap; False when none is.

        An entry whose key is gone, or expires at another time by now, only leaves the heap.
        """
        heap = self._expiry_heap
        if not heap or heap[0][0] >= self.time:
            return False
        _, key = heapq.heappop(heap)
        item = self._dict.get(key)
        if item is not None and self.expired(item):
            self._drop(key)
        return True

    def _drop(self, key: bytes) -> None:
        del self._dict[key]
        self.unsaved.add(key)
        self._used_at.pop(key, None)
        size = self._sizes.pop(key, None)
        if size is not None:
            self.used_bytes -= size.total


def size_of(value: Any) -> int:
    """Return about how many bytes a value takes."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return sum(map(len, value)) + ITEM_OVERHEAD_BYTES * len(value)
    if isinstance(value, Hash):
        pairs = value._values
        return sum(map(len, pairs)) + sum(map(len, pairs.values())) + 2 * ITEM_OVERHEAD_BYTES * len(pairs)
    members = value._bylex if isinstance(value, ZSet) else value._values
    return sum(map(len, members)) + ITEM_OVERHEAD_BYTES * len(members)
