"""What every storage backend must do with a sequence of changes of several kinds and collections."""

from __future__ import annotations

from kuzzle.storage.base import DocumentWrite, FailedWrite, Operation, Storage, WriteKind, WrittenDocument
from kuzzle.storage.errors import DocumentNotFoundError, UnknownIndexOrCollectionError, VersionConflictError
from tests.contracts.filling import make_collection, put


class OperationsContract:
    """Storage.write_operations, and what only its callers use of a write."""

    async def test_each_change_sees_those_before_it(self, storage: Storage) -> None:
        await make_collection(storage)
        await storage.create_collection("i", "d", None)
        outcomes = await storage.write_operations(
            [
                Operation("i", "c", WriteKind.CREATE_OR_REPLACE, DocumentWrite("a", {"n": 1})),
                Operation("i", "d", WriteKind.CREATE, DocumentWrite("a", {"n": 2})),
                Operation("i", "c", WriteKind.UPDATE, DocumentWrite("a", {"m": 3}, allow_trashed=True)),
                Operation("i", "d", WriteKind.DELETE, DocumentWrite("a", None, allow_trashed=True)),
                Operation("i", "d", WriteKind.UPDATE, DocumentWrite("a", {})),
                Operation("i", "none", WriteKind.DELETE, DocumentWrite("a", None)),
                Operation("none", "c", WriteKind.CREATE, DocumentWrite(None, {})),
            ]
        )
        written = [outcome.source for outcome in outcomes if isinstance(outcome, WrittenDocument)]
        assert written == [{"n": 1}, {"n": 2}, {"n": 1, "m": 3}, {"n": 2}]
        failed = [type(outcome.error) for outcome in outcomes if isinstance(outcome, FailedWrite)]
        assert failed == [DocumentNotFoundError, UnknownIndexOrCollectionError, UnknownIndexOrCollectionError]
        assert await storage.get_documents("i", "d", ["a"]) == [None]

    async def test_an_update_stores_what_it_brings_when_there_is_no_document(self, storage: Storage) -> None:
        await make_collection(storage)
        update = DocumentWrite("a", {"n": 1}, upsert={"m": 2})
        first = await storage.write_document("i", "c", WriteKind.UPDATE, update)
        assert (first.source, first.version, first.created) == ({"m": 2}, 1, True)
        second = await storage.write_document("i", "c", WriteKind.UPDATE, update)
        assert (second.source, second.version, second.created) == ({"m": 2, "n": 1}, 2, False)

    async def test_a_create_of_version_0_finds_the_trash_too(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"_kuzzle_info": {"active": False}})
        write = DocumentWrite("a", {}, version=0)
        (outcome,) = await storage.write_operations([Operation("i", "c", WriteKind.CREATE, write)])
        assert isinstance(outcome, FailedWrite)
        assert isinstance(outcome.error, VersionConflictError)
