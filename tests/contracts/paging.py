"""How the pages of a search follow each other, by `search_after` and by scroll (`kuzzle/storage/base.py`)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.errors import UnknownIndexError, UnknownScrollIdError
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import parse_search
from tests.contracts.filling import make_collection, put, put_all, refusal, search

MAPPING = {
    "properties": {
        "tags": {"type": "keyword", "ignore_above": 8},
        "count": {"type": "integer"},
        "price": {"type": "half_float"},
        "day": {"type": "date"},
        "address": {"type": "ip"},
        "sold": {"type": "boolean"},
        "place": {"type": "geo_point"},
    }
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"tags": ["m", "z"], "count": 3, "price": 0.1, "day": "2020-01-02", "address": "10.0.0.2", "sold": True},
    "b": {
        "tags": "x",
        "count": "2",
        "price": 2,
        "day": 1577836800000,
        "address": "10.0.0.10",
        "sold": "false",
        "place": [{"lat": 43.6, "lon": 3.9}],
    },
    "c": {"tags": "much too long", "count": 1.5, "price": 0.3, "day": "2019", "address": "::1"},
    "d": {"count": -1, "place": "48.8,2.3"},
    "e": {"tags": ["b", "y"], "sold": False},
}
SORTS: list[Any] = [
    *({field: order} for field in ("count", "price", "day", "address") for order in ("asc", "desc")),
    *({"tags": {"order": order, "mode": mode}} for order in ("asc", "desc") for mode in ("min", "max")),
    *({field: {"mode": mode}} for field in ("count", "price", "day", "sold") for mode in ("sum", "avg", "median")),
    {"count": {"missing": "_first"}},
    {"tags": {"order": "desc", "missing": "_first"}},
    {"day": {"missing": "2019-06-01"}},
    {"unknown": {"unmapped_type": "long"}},
    {"_geo_distance": {"place": "43,3", "unit": "km"}},
    {"_geo_distance": {"place": "43,3", "order": "desc"}},
]


async def followed(storage: Storage, body: dict[str, Any], last_of: Any) -> list[str]:
    """Return the ids of all pages of two hits, each asked for by what is last on the one before."""
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = await search(storage, **body, **after, size=2)
        assert page.total == len(DOCUMENTS)
        found += [hit.id for hit in page.hits]
        if not page.hits:
            return found
        after = {"search_after": last_of(page.hits[-1])}


class SearchAfterContract:
    """Pages that begin after a tuple."""

    @pytest.mark.parametrize("sort", SORTS)
    async def test_pages_after_the_last_hit_make_the_whole_list(self, storage: Storage, sort: Any) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        for unique in ("_id", {"_uid": "desc"}):
            body = {"sort": [sort, unique]}
            expected = [hit.id for hit in (await search(storage, **body)).hits]
            assert await followed(storage, body, lambda hit: hit.sort) == expected

    async def test_the_tuple_may_be_taken_from_contents(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        for field in ("count", "price", "day", "address", "sold"):
            body = {"sort": [{field: "desc"}, "_uid"]}
            expected = [hit.id for hit in (await search(storage, **body)).hits]
            from_content = await followed(
                storage, body, lambda hit, field=field: [hit.source.get(field), f"c#{hit.id}"]
            )
            assert from_content == expected
        long_text = await search(storage, sort=["tags", "_id"], search_after=["much too long", "c"])
        assert [hit.id for hit in long_text.hits] == ["d"], "a text that is too long is not indexed"

    async def test_equal_tuples_are_passed(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, {f"d{number}": {"count": number // 3} for number in range(9)})
        page = await search(storage, sort="count", search_after=[1], **{"from": -1})
        assert [hit.id for hit in page.hits] == ["d6", "d7", "d8"]
        assert (await search(storage, sort="count", search_after=[2])).hits == []

    async def test_a_single_key_with_several_values_stands_where_one_of_them_does(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, {"a": {"count": [1, 9]}, "b": {"count": 5}, "c": {"count": [3, 7]}, "d": {}})
        for sort, after, expected in (
            ({"count": "asc"}, 2, ["c", "b", "d"]),
            ({"count": "desc"}, 8, ["c", "b", "d"]),
            ({"count": {"order": "asc", "mode": "max"}}, 5, ["c", "a", "d"]),
            ({"count": "asc"}, None, []),
            ({"count": {"order": "asc", "missing": "_first"}}, None, ["a", "c", "b"]),
            ({"count": {"order": "asc", "missing": "_first"}}, 1, ["c", "b"]),
        ):
            page = await search(storage, sort=[sort], search_after=[after])
            assert [hit.id for hit in page.hits] == expected

    async def test_scores_and_order_of_storing_are_keys_too(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        query = {"bool": {"must": {"match_all": {}}, "should": {"term": {"sold": False}}}}
        body = {"query": query, "sort": ["_score", {"_doc": "desc"}]}
        assert await followed(storage, body, lambda hit: hit.sort) == ["e", "b", "d", "c", "a"]

    @pytest.mark.parametrize(
        ("sort", "after"),
        [({"count": "asc"}, ["soon"]), ({"day": "asc"}, ["soon"]), ("_id", [3]), ("_score", ["high"]),
         ("sold", ["perhaps"]), ("address", ["here"])],
    )  # fmt: skip
    async def test_a_value_that_its_key_cannot_have_is_refused(self, storage: Storage, sort: Any, after: Any) -> None:
        await make_collection(storage, MAPPING)
        error = await refusal(search(storage, sort=sort, search_after=after))
        assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)


async def scrolled(storage: Storage, lifetime_ms: int = 10_000, **body: Any) -> SearchPage:
    """Open a scroll over `i`/`c`."""
    return await storage.open_scroll("i", "c", parse_search(body, offset=None, size=None), lifetime_ms)


async def next_page(storage: Storage, page: SearchPage, lifetime_ms: int = 10_000) -> SearchPage:
    """Return the page after this one."""
    assert page.scroll_id is not None
    return await storage.next_scroll_page(page.scroll_id, lifetime_ms)


async def rest_of(storage: Storage, page: SearchPage) -> list[str]:
    """Return the ids of this page and all that follow."""
    found: list[str] = []
    while page.hits:
        found += [hit.id for hit in page.hits]
        page = await next_page(storage, page)
    return found


class ScrollContract:
    """Searches that stay open."""

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
    async def test_a_scroll_gives_the_whole_list_and_then_empty_pages(self, storage: Storage, size: int) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        for body in ({}, {"sort": [{"count": "desc"}]}, {"query": {"bool": {"should": [{"term": {"sold": False}}]}}}):
            whole = await search(storage, **body)
            page = await scrolled(storage, **body, size=size)
            assert (page.total, page.max_score) == (whole.total, whole.max_score)
            hits = []
            while page.hits:
                hits += page.hits
                page = await next_page(storage, page)
            assert hits == whole.hits
            page = await next_page(storage, page)
            assert (page.hits, page.total, page.max_score) == ([], whole.total, whole.max_score)

    async def test_a_scroll_does_not_see_what_is_written_meanwhile(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        first = await scrolled(storage, query={"exists": {"field": "count"}}, sort="count", size=1)
        assert [hit.id for hit in first.hits] == ["d"]
        await put(storage, "a", {"count": 0})
        await put(storage, "new", {"count": 2})
        await storage.write_document("i", "c", WriteKind.DELETE, DocumentWrite("b", None), refresh=True)
        second = await next_page(storage, first)
        assert [(hit.id, hit.source) for hit in second.hits] == [("c", DOCUMENTS["c"])]
        await storage.delete_index("i")
        assert await rest_of(storage, second) == ["c", "b", "a"]

    async def test_a_scroll_with_an_owner_is_read_by_nobody_else(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        one_by_one = parse_search({"sort": "_id"}, offset=None, size=1)
        first = await storage.open_scroll("i", "c", one_by_one, 10_000, owner="ann")
        assert first.scroll_id is not None
        for other in ("bob", None):
            with pytest.raises(UnknownScrollIdError):
                await storage.next_scroll_page(first.scroll_id, 10_000, owner=other)
        assert (await storage.next_scroll_page(first.scroll_id, 10_000, owner="ann")).hits

    async def test_two_scrolls_do_not_meet(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        one, other = await scrolled(storage, sort="_id", size=2), await scrolled(storage, sort="_id", size=2)
        assert one.scroll_id != other.scroll_id
        assert [hit.id for hit in (await next_page(storage, one)).hits] == ["c", "d"]
        assert [hit.id for hit in (await next_page(storage, other)).hits] == ["c", "d"]

    async def test_pages_asked_for_at_once_come_each_once(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        first = await scrolled(storage, sort="_id", size=1)
        pages = await asyncio.gather(*(next_page(storage, first) for _ in range(6)))
        assert sorted(hit.id for page in pages for hit in page.hits) == ["b", "c", "d", "e"]

    async def test_a_scroll_ends_when_its_time_is_over(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        page = await scrolled(storage, size=1, lifetime_ms=1)
        await asyncio.sleep(0.05)
        assert isinstance(await refusal(next_page(storage, page)), UnknownScrollIdError)
        assert isinstance(await refusal(storage.next_scroll_page("unknown", 10)), UnknownScrollIdError)

    async def test_an_unknown_collection_is_an_empty_scroll(self, storage: Storage) -> None:
        await storage.create_index("i")
        page = await scrolled(storage)
        assert (page.hits, page.total, page.max_score) == ([], 0, None)
        assert (await next_page(storage, page)).hits == []
        await storage.delete_index("i")
        assert isinstance(await refusal(scrolled(storage)), UnknownIndexError)

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({"from": 1}, "using [from] is not allowed in a scroll context"),
            ({"size": 0}, "[size] cannot be [0] in a scroll context"),
            ({"sort": "count", "search_after": [1]}, "`search_after` cannot be used in a scroll context."),
            ({"sort": "unknown"}, "No mapping found for [unknown] in order to sort on"),
        ],
    )
    async def test_what_a_scroll_cannot_do_is_refused(self, storage: Storage, body: Any, text: str) -> None:
        await make_collection(storage, MAPPING)
        error = await refusal(scrolled(storage, **body))
        assert (error.status, error.message) == (400, text)


class PagingContract(SearchAfterContract, ScrollContract):
    """All of the paging."""
