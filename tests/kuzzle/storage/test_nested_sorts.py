"""Sorts by the values of nested objects, and by what is made of several values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage

PART = {
    "k": {"type": "keyword"},
    "n": {"type": "byte"},
    "f": {"type": "double"},
    "d": {"type": "date"},
    "at": {"type": "geo_point"},
}
MAPPING = {
    "properties": {
        "items": {"type": "nested", "properties": {**PART, "parts": {"type": "nested", "properties": PART}}},
        "plain": {"properties": PART},
    }
}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def put(storage: SqliteStorage, sources: Mapping[str, Any]) -> None:
    """Store documents."""
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    assert [outcome.error for outcome in outcomes if isinstance(outcome, FailedWrite)] == []


async def search(storage: SqliteStorage, sort: Any, **body: Any) -> SearchPage:
    """Search everything in an order."""
    return await storage.search("i", "c", parse_search({"sort": sort, **body}, offset=None, size=None))


async def keys(storage: SqliteStorage, sort: Any, **body: Any) -> dict[str, Any]:
    """Return the first sort key of each hit, in the order of hits."""
    return {hit.id: (hit.sort or [None])[0] for hit in (await search(storage, sort, **body)).hits}


@pytest.mark.parametrize(
    ("field", "mode", "key"),
    [
        ("n", "sum", 254),
        ("n", "avg", 64),
        ("n", "median", 64),
        ("f", "sum", 1.75),
        ("f", "avg", 1.75 / 4),
        ("f", "median", 0.375),
        ("d", "avg", 3),
        ("d", "median", 3),
        ("d", "sum", 10),
    ],
)
@pytest.mark.parametrize("place", ["items", "plain"])
async def test_a_key_may_be_made_of_all_values(
    storage: SqliteStorage, place: str, field: str, mode: str, key: float
) -> None:
    things = [{"n": n, "f": f, "d": d} for n, f, d in ((0, 0.25, 4), (126, 0.5, 1), (127, 1.0, 2), (1, 0.0, 3))]
    await put(storage, {"a": {place: things}, "b": {place: {"n": 1, "f": 0.0, "d": 1}}, "none": {}})
    nested = {"nested_path": "items"} if place == "items" else {}
    found = await keys(storage, {f"{place}.{field}": {"mode": mode, "order": "desc", **nested}})
    assert list(found) == ["a", "b", "none"]
    assert found["a"] == pytest.approx(key)
    assert type(found["a"]) is type(key)
    assert found["none"] is None


async def test_a_sum_beyond_64_bits_is_the_greatest_number(storage: SqliteStorage) -> None:
    await storage.update_mapping("i", "c", {"properties": {"long": {"type": "long"}}})
    await put(storage, {"a": {"long": [(1 << 63) - 1, (1 << 63) - 2]}, "b": {"long": 5}})
    assert await keys(storage, {"long": {"mode": "sum"}}) == {"b": 5, "a": (1 << 63) - 1}


async def test_a_page_goes_on_after_a_sum_that_no_value_can_be(storage: SqliteStorage) -> None:
    await put(storage, {name: {"items": [{"n": 100}, {"n": n}]} for name, n in (("a", 1), ("b", 50), ("c", 90))})
    sort = {"items.n": {"mode": "sum", "nested_path": "items"}}
    assert list(await keys(storage, sort, search_after=[150])) == ["c"]
    assert list(await keys(storage, sort, search_after=["101"])) == ["b", "c"]
    with pytest.raises(KuzzleError, match="Failed to parse search_after value"):
        await keys(storage, sort, search_after=["much"])


async def test_only_the_objects_that_match_the_filter_count(storage: SqliteStorage) -> None:
    await put(
        storage,
        {
            "a": {"items": [{"k": "red", "n": 5}, {"k": "blue", "n": 1}]},
            "b": {"items": [{"k": "red", "n": 3}, {"k": "blue", "n": 9}]},
            "c": {"items": [{"k": "blue", "n": 2}]},
        },
    )
    red = {"nested_path": "items", "nested_filter": {"term": {"items.k": "red"}}}
    assert await keys(storage, {"items.n": red}) == {"b": 3, "a": 5, "c": None}
    assert await keys(storage, {"items.n": {**red, "missing": 4}}) == {"b": 3, "c": 4, "a": 5}
    assert await keys(storage, {"items.n": {"nested": {"path": "items"}}}) == {"a": 1, "c": 2, "b": 3}
    by_id = {"nested": {"path": "items", "filter": {"ids": {"values": "a"}}}}
    assert await keys(storage, {"items.n": by_id}) == {"a": 1, "b": None, "c": None}


async def test_filters_of_outer_objects_choose_too(storage: SqliteStorage) -> None:
    parts = [{"n": 5}, {"n": 7}]
    await put(
        storage,
        {
            "a": {"items": [{"k": "red", "parts": parts}, {"k": "blue", "parts": {"n": 1}}]},
            "b": {"items": {"k": "red", "parts": {"n": 6}}},
        },
    )
    direct = {"nested": {"path": "items.parts"}}
    assert await keys(storage, {"items.parts.n": direct}) == {"a": 1, "b": 6}
    of_red = {"path": "items", "filter": {"term": {"items.k": "red"}}, "nested": {"path": "items.parts"}}
    assert await keys(storage, {"items.parts.n": {"nested": of_red}}) == {"a": 5, "b": 6}
    of_red["nested"]["filter"] = {"range": {"items.parts.n": {"gt": 5}}}
    assert await keys(storage, {"items.parts.n": {"nested": of_red}}) == {"b": 6, "a": 7}


async def test_distances_of_nested_objects(storage: SqliteStorage) -> None:
    await put(
        storage,
        {
            "far": {"items": [{"at": "10,0", "k": "x"}, {"at": "0,0", "k": "y"}]},
            "near": {"items": [{"at": "1,0", "k": "x"}]},
            "none": {"items": []},
        },
    )
    sort = {"items.at": "0,0", "unit": "km", "nested_path": "items"}
    assert list(await keys(storage, {"_geo_distance": sort})) == ["far", "near", "none"]
    sort["nested_filter"] = {"term": {"items.k": "x"}}
    found = await keys(storage, {"_geo_distance": sort})
    assert list(found) == ["near", "far", "none"]
    assert found["near"] == pytest.approx(111.2, abs=0.5)


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        ({"items.n": "asc"}, "[nested_path] is needed to sort on [items.n], a field of the nested objects [items]"),
        ({"items.parts.n": {"nested_path": "items"}}, "[nested_path] [items] does not directly hold the field "
         "[items.parts.n]"),
        ({"plain.n": {"nested_path": "items"}}, "[nested_path] [items] does not directly hold the field [plain.n]"),
        ({"items.n": {"nested_path": "none"}}, "[nested] failed to find nested object under path [none]"),
        ({"items.n": {"nested_path": "plain"}}, "[nested] nested object under path [plain] is not of nested type"),
        ({"items.x": {"nested_path": "items"}}, "No mapping found for [items.x] in order to sort on"),
        ({"items.n": {"nested": {"path": "items.parts", "nested": {"path": "items"}}}},
         "[nested] the path [items] does not stand directly in [items.parts]"),
        ({"plain.k": {"mode": "avg"}}, "we only support AVG, MEDIAN and SUM on number based fields, not on [plain.k]"),
        ({"_geo_distance": {"items.at": "0,0"}}, "[nested_path] is needed to sort on [items.at], a field of the nested "
         "objects [items]"),
    ],
)  # fmt: skip
async def test_a_sort_that_cannot_be_is_refused(storage: SqliteStorage, sort: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        await search(storage, sort)
    assert (caught.value.message, caught.value.status) == (text, 400)


async def test_a_field_that_is_not_mapped_may_be(storage: SqliteStorage) -> None:
    await put(storage, {"a": {}})
    sort = {"items.x": {"nested_path": "items", "unmapped_type": "long"}}
    assert await keys(storage, sort) == {"a": None}
