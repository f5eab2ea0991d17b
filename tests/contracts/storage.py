"""What every storage backend must do: the suite of `kuzzle/storage/base.py`.

A backend's test module defines a fixture `storage` (open, empty) and a class that inherits from
`StorageContract`. Nothing here knows an engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import (
    DocumentAlreadyExistsError,
    DocumentInTrashError,
    DocumentNotFoundError,
    DocumentToReplaceNotFoundError,
    DocumentWrite,
    FailedWrite,
    IndexAlreadyExistsError,
    InvalidDocumentError,
    InvalidNameError,
    MappingNotFoundError,
    SearchPage,
    Storage,
    StorageUnavailableError,
    StrictMappingError,
    UnknownIndexError,
    UnknownIndexOrCollectionError,
    VersionConflictError,
    WriteKind,
    WrittenDocument,
)
from kuzzle.storage.query import parse_query, parse_search

TRASHED = {"_kuzzle_info": {"active": False, "deletedAt": 2, "updater": "me"}}
LIVING = {"_kuzzle_info": {"active": True, "author": "me", "createdAt": 1}}


async def make_collection(storage: Storage, mapping: dict[str, Any] | None = None) -> None:
    """Make the collection `i`/`c` that the tests write to."""
    await storage.create_index("i")
    await storage.create_collection("i", "c", mapping)


async def put(storage: Storage, document_id: str | None, source: dict[str, Any]) -> WrittenDocument:
    """Store a document in `i`/`c`, visible to searches."""
    write = DocumentWrite(document_id, source)
    return await storage.write_document("i", "c", WriteKind.CREATE_OR_REPLACE, write, refresh=True)


async def put_all(storage: Storage, sources: dict[str, dict[str, Any]]) -> None:
    """Store several documents in `i`/`c`, in this order."""
    writes = [DocumentWrite(document_id, source) for document_id, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
    assert [outcome.error for outcome in outcomes if isinstance(outcome, FailedWrite)] == []


async def search(storage: Storage, **body: Any) -> SearchPage:
    """Search in `i`/`c`."""
    return await storage.search("i", "c", parse_search(body, offset=None, size=None))


async def found(storage: Storage, query: dict[str, Any]) -> list[str]:
    """Return the ids that a query finds, sorted; the three ways of asking must agree."""
    page = await search(storage, query=query, size=1000)
    ids = sorted(hit.id for hit in page.hits)
    assert sorted(await storage.find_ids("i", "c", parse_query(query))) == ids
    assert await storage.count("i", "c", parse_query(query)) == len(ids) == page.total
    return ids


async def sorted_ids(storage: Storage, sort: Any, **body: Any) -> list[str]:
    """Return the ids of all documents in the order of a sort."""
    return [hit.id for hit in (await search(storage, sort=sort, **body)).hits]


async def refusal(awaitable: Any) -> KuzzleError:
    """Return the error that a call ends with."""
    with pytest.raises(KuzzleError) as caught:
        await awaitable
    return caught.value


class IndexContract:
    """Indexes."""

    async def test_an_index_exists_from_its_creation_to_its_deletion(self, storage: Storage) -> None:
        assert not await storage.index_exists("i")
        await storage.create_index("i")
        assert await storage.index_exists("i")
        await storage.delete_index("i")
        assert not await storage.index_exists("i")

    async def test_an_index_cannot_be_made_twice(self, storage: Storage) -> None:
        await storage.create_index("i")
        error = await refusal(storage.create_index("i"))
        assert isinstance(error, IndexAlreadyExistsError)
        assert (error.status, error.message) == (400, "index [i] already exists")

    async def test_an_unknown_index_cannot_be_deleted(self, storage: Storage) -> None:
        error = await refusal(storage.delete_index("i"))
        assert isinstance(error, UnknownIndexError)
        assert (error.status, error.message) == (412, 'The index "i" does not exist.')

    async def test_indexes_are_listed_in_order_and_internal_ones_left_out(self, storage: Storage) -> None:
        for index in ("b", "%internal", "a", "é"):
            await storage.create_index(index)
        assert await storage.list_indexes() == ["a", "b", "é"]
        assert await storage.index_exists("%internal")

    @pytest.mark.parametrize(
        "name",
        # Each forbidden character, then each forbidden form.
        [*' */\\?"<>|,#', "", "Upper", "_a", "-a", "+a", ".", "..", "x" * 256, "a\0", "a\ud800"],
    )
    async def test_an_index_with_a_forbidden_name_is_refused(self, storage: Storage, name: str) -> None:
        error = await refusal(storage.create_index(name))
        assert isinstance(error, InvalidNameError)
        assert error.message.startswith(f"Invalid index name [{name}], ")

    async def test_an_index_made_again_is_empty(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"n": 1})
        await storage.delete_index("i")
        await make_collection(storage)
        assert (await search(storage)).total == 0
        assert (await storage.get_mapping("i", "c")).properties == {}


class CollectionContract:
    """Collections and their mappings."""

    async def test_a_collection_exists_from_its_creation_to_the_end_of_its_index(self, storage: Storage) -> None:
        assert not await storage.collection_exists("i", "c")
        await make_collection(storage)
        assert await storage.collection_exists("i", "c")
        assert not await storage.collection_exists("i", "d")
        await storage.delete_index("i")
        assert not await storage.collection_exists("i", "c")

    async def test_collections_are_listed_by_code_point(self, storage: Storage) -> None:
        await storage.create_index("i")
        for collection in ("b", "a", "B", "é"):
            await storage.create_collection("i", collection, None)
        assert await storage.list_collections("i") == ["B", "a", "b", "é"]

    async def test_an_unknown_index_has_no_collections_to_list_or_make(self, storage: Storage) -> None:
        assert isinstance(await refusal(storage.list_collections("i")), UnknownIndexError)
        assert isinstance(await refusal(storage.create_collection("i", "c", None)), UnknownIndexError)

    @pytest.mark.parametrize("name", ["", "_a", ".a", "a,b", "a#", "x" * 256, "a\n"])
    async def test_a_collection_with_a_forbidden_name_is_refused(self, storage: Storage, name: str) -> None:
        await storage.create_index("i")
        assert isinstance(await refusal(storage.create_collection("i", name, None)), InvalidNameError)

    async def test_a_collection_without_mapping_shows_an_empty_one(self, storage: Storage) -> None:
        await make_collection(storage)
        mapping = await storage.get_mapping("i", "c")
        assert (mapping.dynamic, mapping.meta, mapping.properties) == ("true", {}, {})

    async def test_a_mapping_comes_back_as_it_was_given(self, storage: Storage) -> None:
        properties = {
            "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "at": {"properties": {"when": {"type": "date", "format": "epoch_millis"}}, "dynamic": "strict"},
        }
        await make_collection(
            storage, {"dynamic": "false", "_meta": {"a": [1]}, "properties": properties, "dynamic_templates": [{}]}
        )
        mapping = await storage.get_mapping("i", "c")
        assert (mapping.dynamic, mapping.meta, mapping.properties) == ("false", {"a": [1]}, properties)

    async def test_creating_a_collection_again_merges_the_mapping(self, storage: Storage) -> None:
        await make_collection(storage, {"_meta": {"a": 1}, "properties": {"n": {"type": "long"}}})
        await storage.create_collection("i", "c", {"properties": {"o": {"properties": {"k": {"type": "keyword"}}}}})
        await storage.update_mapping("i", "c", {"dynamic": "strict", "properties": {"o.l": {"type": "ip"}}})
        mapping = await storage.get_mapping("i", "c")
        assert (mapping.dynamic, mapping.meta) == ("strict", {"a": 1})
        assert mapping.properties == {
            "n": {"type": "long"},
            "o": {"properties": {"k": {"type": "keyword"}, "l": {"type": "ip"}}},
        }

    async def test_free_data_of_a_mapping_is_replaced_as_a_whole(self, storage: Storage) -> None:
        await make_collection(storage, {"_meta": {"a": 1}})
        await storage.update_mapping("i", "c", {"_meta": {"b": 2}})
        assert (await storage.get_mapping("i", "c")).meta == {"b": 2}

    async def test_a_mapping_needs_its_collection_and_index(self, storage: Storage) -> None:
        assert isinstance(await refusal(storage.get_mapping("i", "c")), UnknownIndexError)
        assert isinstance(await refusal(storage.update_mapping("i", "c", {})), UnknownIndexError)
        await storage.create_index("i")
        assert isinstance(await refusal(storage.get_mapping("i", "c")), MappingNotFoundError)
        assert isinstance(await refusal(storage.update_mapping("i", "c", {})), MappingNotFoundError)

    async def test_a_refused_mapping_changes_nothing(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"n": {"type": "long"}}})
        error = await refusal(
            storage.update_mapping("i", "c", {"properties": {"m": {"type": "long"}, "n": {"type": "keyword"}}})
        )
        assert error.id == "services.storage.cannot_change_mapping"
        assert (await storage.get_mapping("i", "c")).properties == {"n": {"type": "long"}}
        refused = {"properties": {"n": {"type": "nonsense"}}}
        assert (await refusal(storage.create_collection("i", "d", refused))).status == 400
        assert not await storage.collection_exists("i", "d")

    async def test_written_fields_show_in_the_mapping(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(
            storage, "a", {"name": "Ada", "n": 1, "f": 1.5, "b": True, "d": "2020-01-02", "o": {"k": [1]}, **LIVING}
        )
        await put(storage, "b", {"nothing": None, "empty": [], "o": {"l": {"m": "x"}}, "p.q": 1})
        text = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
        assert (await storage.get_mapping("i", "c")).properties == {
            "name": text,
            "n": {"type": "long"},
            "f": {"type": "float"},
            "b": {"type": "boolean"},
            "d": {"type": "date"},
            "o": {"properties": {"k": {"type": "long"}, "l": {"properties": {"m": text}}}},
            "p": {"properties": {"q": {"type": "long"}}},
        }

    async def test_a_strict_mapping_refuses_unknown_fields(self, storage: Storage) -> None:
        await make_collection(storage, {"dynamic": "strict", "properties": {"n": {"type": "long"}}})
        await put(storage, "a", {"n": 1, **LIVING})
        error = await refusal(put(storage, "b", {"n": 1, "m": None}))
        assert isinstance(error, StrictMappingError)
        assert error.message == "mapping set to strict, dynamic introduction of [m] within [c] is not allowed"

    async def test_a_false_mapping_stores_unknown_fields_without_finding_them(self, storage: Storage) -> None:
        await make_collection(storage, {"dynamic": "false", "properties": {"n": {"type": "long"}}})
        await put(storage, "a", {"n": 1, "m": 2})
        assert (await storage.get_document("i", "c", "a")).source == {"n": 1, "m": 2}
        assert await found(storage, {"term": {"m": 2}}) == []
        assert await found(storage, {"exists": {"field": "m"}}) == []
        assert await found(storage, {"term": {"n": 1}}) == ["a"]

    async def test_a_value_that_does_not_fit_its_field_is_refused(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"n": {"type": "long"}}})
        error = await refusal(put(storage, "a", {"n": "many"}))
        assert (error.id, error.message) == (
            "services.storage.wrong_mapping_property",
            'Cannot parse mapping property "n"',
        )
        assert isinstance(await refusal(storage.get_document("i", "c", "a")), DocumentNotFoundError)

    async def test_a_refused_document_leaves_no_trace_in_the_mapping(self, storage: Storage) -> None:
        await make_collection(storage)
        assert (await refusal(put(storage, "a", {"k": 1, "n": [1, "x"]}))).status == 400
        assert (await storage.get_mapping("i", "c")).properties == {}


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


class ReadContract:
    """Reading by id."""

    async def test_reading_needs_the_index_and_no_more(self, storage: Storage) -> None:
        assert isinstance(await refusal(storage.get_document("i", "c", "a")), UnknownIndexError)
        await storage.create_index("i")
        error = await refusal(storage.get_document("i", "c", "a"))
        assert isinstance(error, DocumentNotFoundError)
        assert (error.status, error.message) == (404, "Not Found")

    async def test_a_batch_of_reads_takes_what_is_unknown_for_empty(self, storage: Storage) -> None:
        assert await storage.get_documents("i", "c", ["a"]) == [None]
        await storage.create_index("i")
        assert await storage.get_documents("i", "c", ["a", "b"]) == [None, None]
        assert await storage.get_documents("i", "c", []) == []

    async def test_many_documents_are_read_in_the_order_asked(self, storage: Storage) -> None:
        await make_collection(storage)
        await put_all(storage, {f"d{number}": {"n": number} for number in range(120)})
        ids = [f"d{number}" for number in range(119, -1, -1)]
        assert [document and document.id for document in await storage.get_documents("i", "c", ids)] == ids


class ClosingContract:
    """The end of a backend."""

    async def test_a_closed_backend_says_that_it_is_not_connected(self, storage: Storage) -> None:
        await make_collection(storage)
        await storage.close()
        for call in (
            storage.create_index("j"),
            storage.list_indexes(),
            storage.index_exists("i"),
            storage.get_document("i", "c", "a"),
            storage.get_documents("i", "c", ["a"]),
            put(storage, "a", {}),
            search(storage),
            storage.count("i", "c"),
            storage.refresh("i"),
        ):
            assert isinstance(await refusal(call), StorageUnavailableError)
        assert not await storage.is_healthy()

    async def test_closing_finishes_the_writes_under_way(self, storage: Storage) -> None:
        await make_collection(storage)
        writes = [asyncio.create_task(put(storage, f"d{number}", {})) for number in range(30)]
        await asyncio.sleep(0)
        await storage.close()
        assert [document.version for document in await asyncio.gather(*writes)] == [1] * 30
        await storage.open()
        assert await storage.count("i", "c") == 30

    async def test_what_was_written_is_there_after_opening_again(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"k": {"type": "keyword"}}, "_meta": {"m": 1}})
        await put(storage, "a", {"k": "x", "n": 1})
        await storage.close()
        await storage.open()
        assert await found(storage, {"bool": {"filter": [{"term": {"k": "x"}}, {"term": {"n": 1}}]}}) == ["a"]
        mapping = await storage.get_mapping("i", "c")
        assert (mapping.meta, mapping.properties) == ({"m": 1}, {"k": {"type": "keyword"}, "n": {"type": "long"}})
        assert (await put(storage, "a", {"k": "y", "n": 2})).version == 2
        assert await found(storage, {"term": {"k": "x"}}) == []

    async def test_a_backend_describes_itself(self, storage: Storage) -> None:
        description = await storage.describe()
        assert {"type", "version", "status", "spaceUsed"} <= set(description)
        assert description["status"] == "green"
        assert await storage.is_healthy()


class StorageContract(
    IndexContract,
    CollectionContract,
    WriteContract,
    AfterCommitContract,
    TrashContract,
    ReadContract,
    ClosingContract,
):
    """All of it, but the searches."""
