"""What every storage backend must do: the suite of `kuzzle/storage/base.py`.

A backend's test module defines a fixture `storage` (open, empty) and classes that inherit from
`StorageContract` here, `WritesContract` (writes.py), `SearchContract` (search.py) and `TypeContract`
(types.py). Nothing in them knows an engine.
"""

from __future__ import annotations

import asyncio

import pytest

from kuzzle.storage.base import Storage
from kuzzle.storage.errors import (
    DocumentNotFoundError,
    IndexAlreadyExistsError,
    InvalidNameError,
    MappingNotFoundError,
    StorageUnavailableError,
    StrictMappingError,
    UnknownIndexError,
)
from tests.contracts.filling import found, make_collection, put, put_all, refusal, search
from tests.contracts.writes import LIVING


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
    ReadContract,
    ClosingContract,
):
    """Indexes, collections, reading by id and the end."""
