"""What every storage backend must do when the trash is emptied for good."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kuzzle.storage.base import DocumentWrite, Storage, WriteKind, WrittenDocument
from tests.contracts.filling import found, make_collection, put, put_all

TRASHED = {"_kuzzle_info": {"active": False, "deletedAt": 2, "updater": "me"}}
LIVING = {"_kuzzle_info": {"active": True, "author": "me", "createdAt": 1}}


class ErasingContract:
    """Emptying the trash for good."""

    async def fill_trash(self, storage: Storage) -> None:
        """Make five trashed documents and a living one."""
        await make_collection(storage, {"properties": {"n": {"type": "integer"}, "text": {"type": "text"}}})
        trashed = {name: {"n": 1, "text": "two words", **TRASHED} for name in "abcde"}
        await put_all(storage, {**trashed, "live": {"n": 1, "text": "two words", **LIVING}})

    async def test_it_leaves_nothing_to_find_of_the_trash_and_all_of_the_rest(self, storage: Storage) -> None:
        await self.fill_trash(storage)
        assert sorted(await storage.erase_trash("i", "c", 100)) == list("abcde")
        await storage.refresh("i")
        for query in ({"match_all": {}}, {"term": {"n": 1}}, {"match": {"text": "words"}}):
            assert await found(storage, query) == ["live"]
        assert await storage.get_documents("i", "c", list("abcde")) == [None] * 5
        again = await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 2}))
        assert (again.created, again.version) == (True, 1)

    async def test_it_erases_no_more_than_asked_for(self, storage: Storage) -> None:
        await self.fill_trash(storage)
        counts = [len(await storage.erase_trash("i", "c", 2)) for _ in range(4)]
        assert counts == [2, 2, 1, 0]
        assert (await storage.get_document("i", "c", "live")).source["n"] == 1

    async def test_a_document_that_was_revived_in_between_stays(self, storage: Storage) -> None:
        await self.fill_trash(storage)
        await storage.refresh("i")
        writes = [DocumentWrite(name, {"n": 2, **LIVING}) for name in "ace"]
        # Sent together: they may share a transaction, whose index rows of the first wait until its end.
        revived, erased = await asyncio.gather(
            storage.write_documents("i", "c", WriteKind.CREATE, writes), storage.erase_trash("i", "c", 100)
        )
        assert [isinstance(outcome, WrittenDocument) for outcome in revived] == [True] * 3
        assert sorted(erased) == ["b", "d"]
        assert [document is not None for document in await storage.get_documents("i", "c", list("abcde"))] == [
            True,
            False,
            True,
            False,
            True,
        ]

    async def test_a_document_that_was_trashed_just_before_is_erased(self, storage: Storage) -> None:
        await self.fill_trash(storage)
        created, erased = await asyncio.gather(
            storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("new", {"n": 3, **TRASHED})),
            storage.erase_trash("i", "c", 100),
        )
        assert created.created
        assert sorted(erased) == [*"abcde", "new"]

    @pytest.mark.parametrize("active", ["false", [False], None, 0, True])
    async def test_metadata_that_only_resemble_those_of_the_trash_stay(self, storage: Storage, active: Any) -> None:
        await make_collection(storage)
        alike = DocumentWrite("0", {"_kuzzle_info": {"active": active}})
        (outcome,) = await storage.write_documents("i", "c", WriteKind.CREATE, [alike], refresh=True)
        is_stored = isinstance(outcome, WrittenDocument)
        await put(storage, "1", TRASHED)
        assert await storage.erase_trash("i", "c", 1) == ["1"]
        assert await storage.erase_trash("i", "c", 1) == []
        assert (await storage.get_documents("i", "c", ["0"]) != [None]) == is_stored

    async def test_where_there_is_no_collection_there_is_no_trash(self, storage: Storage) -> None:
        await make_collection(storage)
        assert await storage.erase_trash("i", "none", 10) == []
        assert await storage.erase_trash("none", "c", 10) == []
