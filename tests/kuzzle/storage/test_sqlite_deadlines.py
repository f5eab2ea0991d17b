"""Searches that take longer than the operator lets one take."""

from __future__ import annotations

from pathlib import Path

import pytest

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import SearchTooLongError
from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage

DOCUMENTS = 5000
SLOW = parse_query({"bool": {"should": [{"wildcard": {"word": f"*{letter}*x"}} for letter in "abcdefgh"]}})
"""Looks at every word eight times: some ten milliseconds, of which the limit of these tests is one."""


async def test_a_search_is_given_up_and_the_next_ones_are_served(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal", search_limit_ms=1)
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", {"properties": {"word": {"type": "keyword"}}})
        writes = [DocumentWrite(f"d{number}", {"word": f"abcdefgh{number}"}) for number in range(DOCUMENTS)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
        for _ in range(20):  # more than there are readers
            with pytest.raises(SearchTooLongError) as refusal:
                await storage.search("i", "c", Search(SLOW))
            assert (refusal.value.status, refusal.value.message) == (504, "The search was given up after 1 ms")
        with pytest.raises(SearchTooLongError):
            await storage.count("i", "c", SLOW)
        with pytest.raises(SearchTooLongError):
            await storage.open_scroll("i", "c", Search(SLOW), 10_000)
        assert len(storage.scrolls) == 0
        found = await storage.search("i", "c", Search(parse_query({"term": {"word": "abcdefgh7"}})))
        assert [hit.id for hit in found.hits] == ["d7"]
    finally:
        await storage.close()
