"""What every storage backend must do with writes: each kind, batches, the trash, and what follows a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, Storage, WriteKind, WrittenDocument
from kuzzle.storage.errors import (
    DocumentAlreadyExistsError,
    DocumentInTrashError,
    DocumentNotFoundError,
    DocumentToReplaceNotFoundError,
    InvalidDocumentError,
    UnknownIndexError,
    UnknownIndexOrCollectionError,
    VersionConflictError,
)
from tests.contracts.filling import found, make_collection, put, refusal
from tests.contracts.trash import LIVING, TRASHED, ErasingContract


class WriteContract:
    """Single and batched writes."""

    async def test_a_created_document_can_be_read_at_once(self, storage: Storage) -> None:
        await make_collection(storage)
        written = await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 1}))
        assert (written.index, written.collection, written.id, written.version) == ("i", "c", "a", 1)
        assert (written.created, written.kind, written.source, written.changes) == (
            True,
            WriteKind.CREATE,
            {"n": 1},
            None,
        )
        stored = await storage.get_document("i", "c", "a")
        assert (stored.id, stored.version, stored.source) == ("a", 1, {"n": 1})

    async def test_a_write_may_be_refused_by_what_it_would_leave(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"n": 1, "m": {"x": 1}})
        seen: list[Any] = []

        def check(source: dict[str, Any]) -> None:
            seen.append(source)
            if source["n"] == 2:
                raise KuzzleError("validation.check.failed_document", "two")

        for number in (2, 3):
            writes = [
                DocumentWrite("a", {"n": number, "m": {"y": number}}, check=check),
                DocumentWrite("a", {"o": number}),
            ]
            outcomes = await storage.write_documents("i", "c", WriteKind.UPDATE, writes)
            assert isinstance(outcomes[0], FailedWrite) is (number == 2)
        assert seen == [{"n": 2, "m": {"x": 1, "y": 2}}, {"n": 3, "m": {"x": 1, "y": 3}, "o": 2}]
        stored = await storage.get_document("i", "c", "a")
        assert (stored.source, stored.version) == ({"n": 3, "m": {"x": 1, "y": 3}, "o": 3}, 4)

    async def test_a_taken_id_is_refused(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"n": 1, **LIVING})
        create = storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 2}))
        assert isinstance(await refusal(create), DocumentAlreadyExistsError)
        assert (await storage.get_document("i", "c", "a")).source == {"n": 1, **LIVING}

    async def test_missing_ids_are_made(self, storage: Storage) -> None:
        await make_collection(storage)
        ids = {(await put(storage, None, {"n": number})).id for number in range(20)}
        assert len(ids) == 20
        for document_id in ids:
            assert len(document_id) == 20
            assert document_id.replace("-", "").replace("_", "").isalnum()
            assert not document_id.startswith("_")

    async def test_the_content_keeps_the_order_of_its_keys(self, storage: Storage) -> None:
        await make_collection(storage)
        source = {"z": 1, "a": {"y": 1, "b": 2}, "m": [{"d": 1, "c": 2}]}
        await put(storage, "a", source)
        stored = (await storage.get_document("i", "c", "a")).source
        assert (list(stored), list(stored["a"]), list(stored["m"][0])) == (["z", "a", "m"], ["y", "b"], ["d", "c"])

    async def test_values_come_back_exactly(self, storage: Storage) -> None:
        await make_collection(storage, {"dynamic": "false"})
        source = {
            "big": (1 << 63) - 1,
            "bigger": (1 << 64) - 1,
            "least": -(1 << 63),
            "beyond 53 bits": (1 << 53) + 1,
            "float": 0.1,
            "tiny": 5e-324,
            "whole": 2.0,
            "true": True,
            "false": False,
            "null": None,
            "empty": ["", [], {}],
            "text": 'é\u0000"\\\U0001f600\u2028',
            "": {"": 1},
            "a.b": {"c.d": 1},
        }
        await put(storage, "a", source)
        stored = (await storage.get_document("i", "c", "a")).source
        assert stored == source
        assert [type(value) for value in stored.values()] == [type(value) for value in source.values()]

    async def test_create_or_replace_says_which_it_did(self, storage: Storage) -> None:
        await make_collection(storage)
        first = await put(storage, "a", {"n": 1})
        second = await put(storage, "a", {"m": 2})
        assert ((first.created, first.version), (second.created, second.version)) == ((True, 1), (False, 2))
        assert (await storage.get_document("i", "c", "a")).source == {"m": 2}

    async def test_replace_needs_a_document(self, storage: Storage) -> None:
        await make_collection(storage)
        replace = DocumentWrite("a", {"n": 2})
        error = await refusal(storage.write_document("i", "c", WriteKind.REPLACE, replace))
        assert isinstance(error, DocumentToReplaceNotFoundError)
        assert error.message == 'Document "a" not found.'
        await put(storage, "a", {"n": 1})
        written = await storage.write_document("i", "c", WriteKind.REPLACE, replace)
        assert (written.created, written.version, written.source) == (False, 2, {"n": 2})

    async def test_an_update_merges_objects_and_replaces_the_rest(self, storage: Storage) -> None:
        await make_collection(storage, {"dynamic": "false"})
        await put(storage, "a", {"o": {"x": 1, "y": {"z": 1}}, "l": [1, 2], "n": 1, "s": "k"})
        changes = {"o": {"y": {"w": 2}}, "l": [3], "n": None, "s": {"t": 1}}
        written = await storage.write_document("i", "c", WriteKind.UPDATE, DocumentWrite("a", changes))
        whole = {"o": {"x": 1, "y": {"z": 1, "w": 2}}, "l": [3], "n": None, "s": {"t": 1}}
        assert (written.version, written.created, written.changes, written.source) == (2, False, changes, whole)
        assert (await storage.get_document("i", "c", "a")).source == whole

    async def test_update_and_delete_need_a_document(self, storage: Storage) -> None:
        await make_collection(storage)
        for kind in (WriteKind.UPDATE, WriteKind.DELETE):
            error = await refusal(storage.write_document("i", "c", kind, DocumentWrite("a", {"n": 1})))
            assert isinstance(error, DocumentNotFoundError)
            error = await refusal(storage.write_document("i", "unknown", kind, DocumentWrite("a", {"n": 1})))
            assert isinstance(error, DocumentNotFoundError)
            error = await refusal(storage.write_document("unknown", "c", kind, DocumentWrite("a", {"n": 1})))
            assert isinstance(error, UnknownIndexError)

    @pytest.mark.parametrize("kind", [WriteKind.CREATE, WriteKind.CREATE_OR_REPLACE, WriteKind.REPLACE])
    async def test_other_writes_need_their_collection(self, storage: Storage, kind: WriteKind) -> None:
        await storage.create_index("i")
        for index in ("i", "unknown"):
            error = await refusal(storage.write_documents(index, "c", kind, [DocumentWrite("a", {})]))
            assert isinstance(error, UnknownIndexOrCollectionError)

    async def test_a_version_that_is_not_the_current_one_is_a_conflict(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"n": 1})
        await put(storage, "a", {"n": 2})
        update = DocumentWrite("a", {"n": 3}, version=1)
        assert isinstance(
            await refusal(storage.write_document("i", "c", WriteKind.UPDATE, update)), VersionConflictError
        )
        update.version = 2
        assert (await storage.write_document("i", "c", WriteKind.UPDATE, update)).version == 3

    @pytest.mark.parametrize("document_id", ["", "x" * 513, "é" * 257, "a\udfff"])
    async def test_an_id_that_cannot_be_stored_is_refused(self, storage: Storage, document_id: str) -> None:
        await make_collection(storage)
        assert isinstance(await refusal(put(storage, document_id, {})), InvalidDocumentError)
        assert isinstance(await refusal(storage.get_document("i", "c", document_id)), DocumentNotFoundError)

    async def test_a_content_nested_too_deep_is_refused(self, storage: Storage) -> None:
        await make_collection(storage, {"dynamic": "false"})
        for step in (lambda inner: {"a": inner}, lambda inner: [inner]):
            deep: Any = {}
            for _ in range(900):
                deep = step(deep)
            assert (await refusal(put(storage, "a", {"deep": deep}))).status == 400
        assert (await put(storage, "a", {"n": 1})).version == 1

    async def test_a_failure_in_a_batch_stops_no_other(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"n": {"type": "long"}}})
        await put(storage, "taken", {})
        writes = [
            DocumentWrite("a", {"n": 1}),
            DocumentWrite("taken", {}),
            DocumentWrite("bad", {"n": "x"}),
            DocumentWrite("b", {"n": 2}),
            DocumentWrite("a", {"n": 3}),
        ]
        outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
        kinds = [type(outcome.error if isinstance(outcome, FailedWrite) else outcome) for outcome in outcomes]
        assert kinds == [
            WrittenDocument,
            DocumentAlreadyExistsError,
            KuzzleError,
            WrittenDocument,
            DocumentAlreadyExistsError,
        ]
        assert [outcome.write for outcome in outcomes if isinstance(outcome, FailedWrite)] == [
            writes[1],
            writes[2],
            writes[4],
        ]
        assert await found(storage, {"match_all": {}}) == ["a", "b", "taken"]

    async def test_writes_of_one_document_happen_in_their_order(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {})
        updates = [
            storage.write_document("i", "c", WriteKind.UPDATE, DocumentWrite("a", {"last": number, f"n{number}": 1}))
            for number in range(20)
        ]
        written = await asyncio.gather(*updates)
        assert [document.version for document in written] == list(range(2, 22))
        source = (await storage.get_document("i", "c", "a")).source
        assert source == {"last": 19, **{f"n{number}": 1 for number in range(20)}}


class AfterCommitContract:
    """What happens between a commit and its answer."""

    async def test_it_is_called_with_the_successes_before_the_writer_knows(self, storage: Storage) -> None:
        await make_collection(storage)
        seen: list[str] = []

        def listen(documents: Sequence[WrittenDocument]) -> None:
            seen.append(",".join(document.id for document in documents))

        async def write(*ids: str) -> None:
            writes = [DocumentWrite(document_id, {}) for document_id in ids]
            await storage.write_documents("i", "c", WriteKind.CREATE, writes, after_commit=listen)
            seen.append(f"answered {ids[0]}")

        await asyncio.gather(write("a", "b", "a"), write("c"))
        assert sorted(seen) == sorted(["a,b", "c", "answered a", "answered c"])
        assert seen.index("a,b") < seen.index("answered a")
        assert seen.index("a,b") < seen.index("c") < seen.index("answered c")

    async def test_it_is_not_called_when_nothing_was_written(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {})
        calls: list[Any] = []
        await storage.write_documents("i", "c", WriteKind.CREATE, [DocumentWrite("a", {})], after_commit=calls.append)
        assert calls == []

    async def test_it_runs_on_the_event_loop_and_can_read_what_was_written(self, storage: Storage) -> None:
        await make_collection(storage)
        read: list[asyncio.Task[Any]] = []

        def listen(documents: Sequence[WrittenDocument]) -> None:
            loop = asyncio.get_running_loop()
            read.extend(loop.create_task(storage.get_document("i", "c", document.id)) for document in documents)

        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 1}), after_commit=listen)
        assert [document.source for document in await asyncio.gather(*read)] == [{"n": 1}]

    async def test_commits_are_told_in_their_order(self, storage: Storage) -> None:
        await make_collection(storage)
        versions: list[int] = []

        def listen(documents: Sequence[WrittenDocument]) -> None:
            versions.extend(document.version for document in documents)

        await put(storage, "a", {})
        await asyncio.gather(
            *(
                storage.write_document(
                    "i", "c", WriteKind.UPDATE, DocumentWrite("a", {"n": number}), after_commit=listen
                )
                for number in range(50)
            )
        )
        assert versions == list(range(2, 52))

    async def test_it_is_called_even_when_the_writer_left(self, storage: Storage) -> None:
        await make_collection(storage)
        called = asyncio.get_running_loop().create_future()
        writing = asyncio.create_task(
            storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {}), after_commit=called.set_result)
        )
        await asyncio.sleep(0)
        writing.cancel()
        assert [document.id for document in await called] == ["a"]


class TrashContract:
    """Documents in the trash."""

    async def make(self, storage: Storage) -> None:
        """Make a living and a trashed document."""
        await make_collection(storage)
        await put(storage, "live", {"n": 1, **LIVING})
        await put(storage, "gone", {"n": 2, **LIVING})
        delete = DocumentWrite("gone", TRASHED)
        written = await storage.write_document("i", "c", WriteKind.DELETE, delete, refresh=True)
        assert (written.version, written.changes) == (2, TRASHED)
        assert written.source == {"n": 2, "_kuzzle_info": {**LIVING["_kuzzle_info"], **TRASHED["_kuzzle_info"]}}

    async def test_a_trashed_document_is_read_only_when_asked_for(self, storage: Storage) -> None:
        await self.make(storage)
        error = await refusal(storage.get_document("i", "c", "gone"))
        assert isinstance(error, DocumentInTrashError)
        assert (error.status, error.message) == (404, 'Document "gone" not found.')
        document = await storage.get_document("i", "c", "gone", include_trash=True)
        assert document.is_in_trash
        assert document.source["n"] == 2

    async def test_a_batch_of_reads_includes_the_trash(self, storage: Storage) -> None:
        await self.make(storage)
        documents = await storage.get_documents("i", "c", ["gone", "none", "live", "gone"])
        assert [document and document.id for document in documents] == ["gone", None, "live", "gone"]

    async def test_a_query_can_tell_the_trash_apart(self, storage: Storage) -> None:
        await self.make(storage)
        trash = {"term": {"_kuzzle_info.active": False}}
        assert await found(storage, trash) == ["gone"]
        assert await found(storage, {"bool": {"must_not": [trash]}}) == ["live"]

    async def test_creating_over_the_trash_revives(self, storage: Storage) -> None:
        await self.make(storage)
        written = await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("gone", {"m": 1, **LIVING}))
        assert (written.created, written.version) == (True, 3)
        assert (await storage.get_document("i", "c", "gone")).source == {"m": 1, **LIVING}

    @pytest.mark.parametrize("kind", [WriteKind.CREATE_OR_REPLACE, WriteKind.REPLACE])
    async def test_replacing_takes_out_of_the_trash(self, storage: Storage, kind: WriteKind) -> None:
        await self.make(storage)
        written = await storage.write_document("i", "c", kind, DocumentWrite("gone", {"m": 1, **LIVING}))
        assert (written.created, written.version) == (False, 3)

    @pytest.mark.parametrize("kind", [WriteKind.UPDATE, WriteKind.DELETE])
    async def test_a_trashed_document_is_changed_only_when_allowed(self, storage: Storage, kind: WriteKind) -> None:
        await self.make(storage)
        write = DocumentWrite("gone", {"_kuzzle_info": {"updater": "you"}})
        assert isinstance(await refusal(storage.write_document("i", "c", kind, write)), DocumentInTrashError)
        write.allow_trashed = True
        assert (await storage.write_document("i", "c", kind, write)).version == 3

    async def test_deleting_without_content_removes(self, storage: Storage) -> None:
        await self.make(storage)
        delete = DocumentWrite("live", None)
        written = await storage.write_document("i", "c", WriteKind.DELETE, delete, refresh=True)
        assert (written.version, written.source) == (2, {"n": 1, **LIVING})
        assert await storage.get_documents("i", "c", ["live"]) == [None]
        assert await found(storage, {"match_all": {}}) == ["gone"]
        assert await found(storage, {"term": {"n": 1}}) == []
        again = await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("live", {"n": 1}))
        assert again.created


class WritesContract(WriteContract, AfterCommitContract, TrashContract, ErasingContract):
    """All of the writes."""
