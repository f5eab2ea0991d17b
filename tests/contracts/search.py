"""What every storage backend must find, and in which order: the searches of `kuzzle/storage/base.py`."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.errors import UnknownIndexError
from kuzzle.storage.query import parse_query
from tests.contracts.filling import found, make_collection, put, put_all, refusal, search, sorted_ids

PEOPLE = {
    "ada": {"name": "Ada Lovelace", "born": 1815, "tags": ["maths", "poetry"], "alive": False, "height": 1.6},
    "alan": {"name": "Alan Turing", "born": 1912, "tags": ["maths"], "alive": False, "height": 1.79},
    "grace": {"name": "Grace Hopper", "born": 1906, "tags": [], "alive": False},
    "linus": {"name": "Linus", "born": 1969, "tags": "kernel", "alive": True, "height": 1.8},
    "nobody": {"name": None, "born": None},
}
MAPPING = {
    "properties": {
        "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "born": {"type": "integer"},
        "tags": {"type": "keyword"},
        "alive": {"type": "boolean"},
        "height": {"type": "double"},
    }
}


async def people(storage: Storage) -> None:
    """Store some people."""
    await make_collection(storage, MAPPING)
    await put_all(storage, PEOPLE)


class ClauseContract:
    """Each clause by itself."""

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, ["ada", "alan", "grace", "linus", "nobody"]),
            ({"match_all": {}}, ["ada", "alan", "grace", "linus", "nobody"]),
            ({"match_none": {}}, []),
            ({"term": {"tags": "maths"}}, ["ada", "alan"]),
            ({"term": {"tags": {"value": "kernel", "boost": 2}}}, ["linus"]),
            ({"term": {"tags": "Maths"}}, []),
            ({"term": {"name": "grace"}}, ["grace"]),
            ({"term": {"name": "Grace"}}, []),
            ({"term": {"name": "grace hopper"}}, []),
            ({"term": {"name.raw": "Grace Hopper"}}, ["grace"]),
            ({"term": {"name.raw": "grace hopper"}}, []),
            ({"term": {"born": 1906}}, ["grace"]),
            ({"term": {"born": "1906"}}, ["grace"]),
            ({"term": {"born": 1906.0}}, ["grace"]),
            ({"term": {"born": 1906.5}}, []),
            ({"term": {"born": 1 << 40}}, []),
            ({"term": {"alive": True}}, ["linus"]),
            ({"term": {"alive": "false"}}, ["ada", "alan", "grace"]),
            ({"term": {"height": 1.8}}, ["linus"]),
            ({"term": {"unknown": 1}}, []),
            ({"term": {"_id": "ada"}}, ["ada"]),
            ({"term": {"_uid": "c#ada"}}, ["ada"]),
            ({"terms": {"tags": ["kernel", "poetry", "none"]}}, ["ada", "linus"]),
            ({"terms": {"born": [1815, "1912", 3.5]}}, ["ada", "alan"]),
            ({"terms": {"name": ["hopper", "turing"]}}, ["alan", "grace"]),
            ({"terms": {"_id": ["ada", "none", "linus"]}}, ["ada", "linus"]),
            ({"terms": {"tags": []}}, []),
            ({"terms": {"height": [1.6, 1.79]}}, ["ada", "alan"]),
            ({"terms": {"tags": ["poetry", "nul\0byte"]}}, ["ada"]),
            ({"range": {"born": {"gte": 1906, "lt": 1969}}}, ["alan", "grace"]),
            ({"range": {"born": {"gt": 1906, "lte": 1969}}}, ["alan", "linus"]),
            ({"range": {"born": {"gte": 1905.5, "lte": "1906"}}}, ["grace"]),
            ({"range": {"born": {"gte": None, "lte": None}}}, ["ada", "alan", "grace", "linus"]),
            ({"range": {"born": {"from": 1815, "to": 1912, "include_upper": False}}}, ["ada", "grace"]),
            ({"range": {"born": {"gt": "1" * 40}}}, []),
            ({"range": {"born": {"lt": "1" * 400}}}, ["ada", "alan", "grace", "linus"]),
            ({"range": {"height": {"gt": 1.6}}}, ["alan", "linus"]),
            ({"range": {"tags": {"gte": "l", "lt": "n"}}}, ["ada", "alan"]),
            ({"range": {"name": {"gte": "l", "lt": "lj"}}}, ["linus"]),
            ({"range": {"unknown": {"gt": 1}}}, []),
            ({"exists": {"field": "tags"}}, ["ada", "alan", "linus"]),
            ({"exists": {"field": "name"}}, ["ada", "alan", "grace", "linus"]),
            ({"exists": {"field": "unknown"}}, []),
            ({"exists": {"field": "_id"}}, ["ada", "alan", "grace", "linus", "nobody"]),
            ({"ids": {"values": ["ada", "nobody", "none"]}}, ["ada", "nobody"]),
            ({"ids": {"values": "ada", "type": "c"}}, ["ada"]),
            ({"ids": {"values": []}}, []),
        ],
    )
    async def test_a_clause_finds_what_it_should(
        self, storage: Storage, query: dict[str, Any], expected: list[str]
    ) -> None:
        await people(storage)
        assert await found(storage, query) == expected

    @pytest.mark.parametrize(
        ("clauses", "expected"),
        [
            ({}, ["ada", "alan", "grace", "linus", "nobody"]),
            ({"must": {"term": {"tags": "maths"}}}, ["ada", "alan"]),
            ({"must": [{"term": {"tags": "maths"}}, {"range": {"born": {"gt": 1900}}}]}, ["alan"]),
            ({"filter": {"term": {"tags": "maths"}}, "must_not": {"ids": {"values": ["ada"]}}}, ["alan"]),
            ({"should": [{"term": {"tags": "maths"}}, {"term": {"alive": True}}]}, ["ada", "alan", "linus"]),
            ({"must": [{}], "should": [{"term": {"alive": True}}]}, ["linus"]),
            ({"filter": {"exists": {"field": "name"}}, "should": {"term": {"alive": True}}},
             ["ada", "alan", "grace", "linus"]),
            ({"must_not": [{"exists": {"field": "height"}}]}, ["grace", "nobody"]),
            ({"must_not": [{}]}, ["ada", "alan", "grace", "linus", "nobody"]),
            ({"should": [{"term": {"tags": "maths"}}, {"term": {"alive": False}}, {"term": {"born": 1815}}],
              "minimum_should_match": 2}, ["ada", "alan"]),
            ({"should": [{"term": {"tags": "maths"}}, {"term": {"alive": False}}, {"term": {"born": 1815}}],
              "minimum_should_match": "100%"}, ["ada"]),
            ({"should": [{"term": {"tags": "maths"}}, {"term": {"alive": False}}, {"term": {"born": 1815}}],
              "minimum_should_match": -2}, ["ada", "alan", "grace"]),
            ({"should": [{"match_all": {}}], "minimum_should_match": 2}, []),
            ({"should": [{"term": {"alive": True}}], "minimum_should_match": 0},
             ["ada", "alan", "grace", "linus", "nobody"]),
            ({"must": {"bool": {"must_not": {"bool": {"should": [{"term": {"alive": False}}]}}}}}, ["linus", "nobody"]),
        ],
    )  # fmt: skip
    async def test_a_bool_combines_its_clauses(
        self, storage: Storage, clauses: dict[str, Any], expected: list[str]
    ) -> None:
        await people(storage)
        assert await found(storage, {"bool": clauses}) == expected

    @pytest.mark.parametrize(
        "query",
        [
            {"term": {"born": "soon"}},
            {"terms": {"born": [1, "soon"]}},
            {"range": {"born": {"gt": "soon"}}},
            {"range": {"born": {"gt": True}}},
            {"term": {"alive": "perhaps"}},
            {"range": {"_id": {"gt": "a"}}},
        ],
    )
    async def test_a_value_that_its_field_cannot_hold_is_refused(self, storage: Storage, query: dict[str, Any]) -> None:
        await people(storage)
        for asked in (storage.count("i", "c", parse_query(query)), search(storage, query=query)):
            error = await refusal(asked)
            assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)

    async def test_the_largest_query_is_served(self, storage: Storage) -> None:
        await people(storage)
        wide = {"bool": {"should": [{"term": {"born": number}} for number in range(1000, 1000 + 1020)]}}
        assert await found(storage, wide) == ["ada", "alan", "grace", "linus"]
        deep: dict[str, Any] = {"term": {"alive": True}}
        for _ in range(49):
            deep = {"bool": {"must": [deep], "should": [{"term": {"born": 1969}}], "must_not": [{"match_none": {}}]}}
        assert await found(storage, deep) == ["linus"]
        many = {"terms": {"tags": [f"t{number}" for number in range(65535)] + ["kernel"]}}
        assert await found(storage, many) == ["linus"]


class ShapeContract:
    """Arrays, objects and dotted names."""

    async def test_an_array_matches_when_any_element_does(self, storage: Storage) -> None:
        await make_collection(storage)
        await put_all(storage, {"a": {"n": [1, [5, None]], "k": ["x y", "z"]}, "b": {"n": 3}})
        assert await found(storage, {"term": {"n": 5}}) == ["a"]
        assert await found(storage, {"range": {"n": {"gt": 1, "lt": 5}}}) == ["b"]
        assert await found(storage, {"range": {"n": {"gt": 2}}}) == ["a", "b"]
        assert await found(storage, {"term": {"k.keyword": "z"}}) == ["a"]
        assert await found(storage, {"bool": {"must_not": {"term": {"n": 1}}}}) == ["b"]

    async def test_objects_in_arrays_are_flattened(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"o": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, None]})
        both = {"bool": {"must": [{"term": {"o.x": 1}}, {"term": {"o.y": 4}}]}}
        assert await found(storage, both) == ["a"]

    async def test_dotted_names_are_paths(self, storage: Storage) -> None:
        await make_collection(storage)
        await put_all(storage, {"a": {"o.p": {"q": 1}}, "b": {"o": {"p.q": 2}}, "c": {"o": {"p": {"q": 3}}}})
        assert await found(storage, {"range": {"o.p.q": {"gte": 1}}}) == ["a", "b", "c"]
        for bad in ({".a": 1}, {"a.": 1}, {"a..b": 1}, {"": 1}):
            assert (await refusal(put(storage, "d", bad))).status == 400

    async def test_an_object_exists_when_something_below_does(self, storage: Storage) -> None:
        await make_collection(storage)
        await put_all(storage, {"a": {"o": {"p": {"q": 1}}}, "b": {"o": {"p": {"q": None}}}, "c": {"o": {}}, "d": {}})
        assert await found(storage, {"exists": {"field": "o"}}) == ["a"]
        assert await found(storage, {"exists": {"field": "o.p"}}) == ["a"]

    async def test_a_value_cannot_stand_where_an_object_is_mapped(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"o": {"p": 1}, "v": 1})
        for bad in ({"o": 1}, {"o": [{"p": 1}, 2]}, {"o.p": {"q": 1}}, {"v": {"w": 1}}, {"v.w": 1}):
            assert (await refusal(put(storage, "b", bad))).id == "services.storage.wrong_mapping_property"


class ChangeContract:
    """Searches after changes."""

    async def test_a_search_sees_the_newest_content_only(self, storage: Storage) -> None:
        await make_collection(storage)
        await put(storage, "a", {"k": ["x", "y"], "n": 1})
        await put(storage, "a", {"k": ["y", "z"]})
        assert await found(storage, {"term": {"k": "x"}}) == []
        assert await found(storage, {"terms": {"k": ["y", "z"]}}) == ["a"]
        assert await found(storage, {"exists": {"field": "n"}}) == []

    async def test_refreshing_makes_writes_visible(self, storage: Storage) -> None:
        await make_collection(storage)
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 1}))
        await storage.refresh("i")
        assert await found(storage, {"term": {"n": 1}}) == ["a"]
        assert isinstance(await refusal(storage.refresh("unknown")), UnknownIndexError)

    async def test_an_unknown_collection_is_empty_and_an_unknown_index_an_error(self, storage: Storage) -> None:
        await storage.create_index("i")
        page = await search(storage)
        assert (page.hits, page.total, page.max_score) == ([], 0, None)
        assert (await storage.count("i", "c"), await storage.find_ids("i", "c")) == (0, [])
        await storage.delete_index("i")
        for asked in (search(storage), storage.count("i", "c"), storage.find_ids("i", "c")):
            assert isinstance(await refusal(asked), UnknownIndexError)

    async def test_collections_do_not_see_each_other(self, storage: Storage) -> None:
        await make_collection(storage)
        await storage.create_collection("i", "d", None)
        await put(storage, "a", {"n": 1})
        write = DocumentWrite("a", {"n": "text here, number there"})
        await storage.write_document("i", "d", WriteKind.CREATE, write, refresh=True)
        assert await found(storage, {"term": {"n": 1}}) == ["a"]
        assert await storage.count("i", "d", parse_query({"term": {"n": "text"}})) == 1


class OrderContract:
    """Scores, sorting and pages."""

    async def test_hits_tell_where_they_are_from(self, storage: Storage) -> None:
        await people(storage)
        (hit,) = (await search(storage, query={"term": {"_id": "linus"}})).hits
        assert (hit.index, hit.collection, hit.id, hit.score, hit.sort) == ("i", "c", "linus", 1.0, None)
        assert hit.source == PEOPLE["linus"]

    async def test_what_matches_more_comes_first(self, storage: Storage) -> None:
        await people(storage)
        should = [{"term": {"tags": "maths"}}, {"term": {"alive": {"value": True, "boost": 3}}}]
        page = await search(storage, query={"bool": {"should": should, "must": [{"match_all": {}}]}})
        assert [(hit.id, hit.score) for hit in page.hits] == [
            ("linus", 4.0),
            ("ada", 2.0),
            ("alan", 2.0),
            ("grace", 1.0),
            ("nobody", 1.0),
        ]
        assert page.max_score == 4.0
        page = await search(
            storage, query={"bool": {"should": should, "must": [{"match_all": {}}]}}, size=2, **{"from": 1}
        )
        assert ([hit.id for hit in page.hits], page.max_score, page.total) == (["ada", "alan"], 4.0, 5)

    async def test_filters_do_not_score(self, storage: Storage) -> None:
        await people(storage)
        page = await search(storage, query={"bool": {"filter": {"term": {"tags": "maths"}}}})
        assert ({hit.score for hit in page.hits}, page.max_score) == ({0.0}, 0.0)
        page = await search(storage, query={"match_all": {"boost": 2.5}})
        assert ({hit.score for hit in page.hits}, page.max_score) == ({2.5}, 2.5)

    async def test_a_sort_puts_scores_away(self, storage: Storage) -> None:
        await people(storage)
        page = await search(storage, sort="born")
        assert ({hit.score for hit in page.hits}, page.max_score) == ({None}, None)
        assert [hit.sort for hit in page.hits] == [[1815], [1906], [1912], [1969], [None]]
        assert (await search(storage, query={"match_none": {}})).max_score is None

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ([], ["ada", "alan", "grace", "linus", "nobody"]),
            ("born", ["ada", "grace", "alan", "linus", "nobody"]),
            ({"born": "desc"}, ["linus", "alan", "grace", "ada", "nobody"]),
            ([{"born": {"order": "asc", "missing": "_first"}}], ["nobody", "ada", "grace", "alan", "linus"]),
            ([{"born": {"order": "desc", "missing": "_first"}}], ["nobody", "linus", "alan", "grace", "ada"]),
            ([{"born": {"missing": 1910}}], ["ada", "grace", "nobody", "alan", "linus"]),
            ("name.raw", ["ada", "alan", "grace", "linus", "nobody"]),
            ({"tags": "asc"}, ["linus", "ada", "alan", "grace", "nobody"]),
            ({"tags": "desc"}, ["ada", "alan", "linus", "grace", "nobody"]),
            ({"tags": {"order": "desc", "mode": "min"}}, ["ada", "alan", "linus", "grace", "nobody"]),
            ([{"tags": {"order": "asc", "mode": "max"}}, "born"], ["linus", "alan", "ada", "grace", "nobody"]),
            ([{"born": {"order": "desc", "mode": "sum"}}], ["linus", "alan", "grace", "ada", "nobody"]),
            ([{"alive": "desc"}, {"born": "desc"}], ["linus", "alan", "grace", "ada", "nobody"]),
            (["alive", "_id"], ["ada", "alan", "grace", "linus", "nobody"]),
            ([{"_id": "desc"}], ["nobody", "linus", "grace", "alan", "ada"]),
            ([{"_uid": {"order": "desc"}}], ["nobody", "linus", "grace", "alan", "ada"]),
            ("_doc", ["ada", "alan", "grace", "linus", "nobody"]),
            (["_score", {"_doc": "desc"}], ["nobody", "linus", "grace", "alan", "ada"]),
            ([{"unknown": {"unmapped_type": "long"}}, {"_id": "desc"}], ["nobody", "linus", "grace", "alan", "ada"]),
            ({"height": "asc"}, ["ada", "alan", "linus", "grace", "nobody"]),
        ],
    )
    async def test_a_sort_orders(self, storage: Storage, sort: Any, expected: list[str]) -> None:
        await people(storage)
        assert await sorted_ids(storage, sort) == expected
        paged = [(await sorted_ids(storage, sort, size=1, **{"from": position})) for position in range(6)]
        assert paged == [*([document_id] for document_id in expected), []]

    async def test_a_sort_orders_what_a_query_found(self, storage: Storage) -> None:
        await make_collection(storage)
        await put_all(storage, {f"d{number}": {"n": number * 7 % 50, "even": number % 2 == 0} for number in range(50)})
        page = await search(storage, query={"term": {"even": True}}, sort=[{"n": "desc"}], size=5, **{"from": 2})
        assert [hit.sort for hit in page.hits] == [[44], [42], [40], [38], [36]]
        assert page.total == 25
        page = await search(storage, query={"range": {"n": {"lt": 3}}}, sort="n")
        assert [hit.sort for hit in page.hits] == [[0], [1], [2]]

    @pytest.mark.parametrize(
        ("sort", "text"),
        [
            ("unknown", "No mapping found for [unknown] in order to sort on"),
            ("name", "Fielddata is disabled on text fields by default. Set fielddata=true on [name]"),
            ({"born": {"missing": "soon"}}, "[missing] of [born]"),
            ({"tags": {"mode": "sum"}}, "we only support AVG, MEDIAN and SUM on number based fields, not on [tags]"),
        ],
    )
    async def test_a_sort_that_cannot_be_is_refused(self, storage: Storage, sort: Any, text: str) -> None:
        await people(storage)
        error = await refusal(search(storage, sort=sort))
        assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)
        assert error.message.startswith(text)

    async def test_a_sort_goes_by_what_is_made_of_several_values(self, storage: Storage) -> None:
        big = (1 << 63) - 1
        kinds = {"n": "long", "f": "double", "d": "date", "b": "boolean", "s": "byte"}
        await make_collection(storage, {"properties": {name: {"type": kind} for name, kind in kinds.items()}})
        await put_all(
            storage,
            {
                "a": {"n": [1, 2, 10], "f": [0.5, 1.5], "d": [0, 3], "b": [True, False], "s": [100, 120]},
                "b": {"n": [3, 4], "f": 1.25, "d": 1, "b": True, "s": 127},
                "c": {"n": [big, big - 1], "f": [1e308, 1.5e308], "s": [-128, -127]},
                "d": {},
            },
        )
        for field, mode, values in (
            ("n", "sum", [7, 13, big, None]),
            ("n", "avg", [4, 4, big, None]),
            ("n", "median", [2, 4, big, None]),
            ("f", "sum", [1.25, 2.0, 1.7976931348623157e308, None]),
            ("f", "avg", [1.0, 1.25, 1.7976931348623157e308, None]),
            ("f", "median", [1.0, 1.25, 1.7976931348623157e308, None]),
            ("d", "avg", [1, 2, None, None]),
            ("b", "sum", [1, 1, None, None]),
            ("b", "median", [1, 1, None, None]),
            ("s", "sum", [-255, 127, 220, None]),
        ):
            sort = [{field: {"order": "asc", "mode": mode}}, "_id"]
            page = await search(storage, sort=sort)
            assert [hit.sort[0] for hit in page.hits if hit.sort] == pytest.approx(values), (field, mode)
            for position, hit in enumerate(page.hits):
                rest = (await search(storage, sort=sort, search_after=hit.sort)).hits
                assert rest == page.hits[position + 1 :]

    async def test_a_sort_by_score_shows_the_scores(self, storage: Storage) -> None:
        await people(storage)
        query = {"bool": {"must": {"match_all": {}}, "should": {"term": {"alive": True}}}}
        page = await search(storage, query=query, sort=["_score", {"born": "desc"}], size=2)
        assert [(hit.id, hit.score, hit.sort) for hit in page.hits] == [
            ("linus", 2.0, [2.0, 1969]),
            ("alan", 1.0, [1.0, 1912]),
        ]
        assert page.max_score == 2.0

    async def test_a_page_can_be_empty(self, storage: Storage) -> None:
        await people(storage)
        assert (await search(storage, size=0)).total == 5
        assert (await search(storage, size=0)).hits == []
        assert (await search(storage, **{"from": 9000})).hits == []

    async def test_a_search_shows_the_parts_asked_for(self, storage: Storage) -> None:
        await people(storage)
        ada = {"term": {"_id": "ada"}}
        for wanted, expected in (
            (False, None),
            (True, PEOPLE["ada"]),
            ("born", {"born": 1815}),
            (["b*", "tags"], {"born": 1815, "tags": ["maths", "poetry"]}),
            ({"excludes": ["*a*", "born", "height"]}, {}),
            ({"includes": "*e*", "excludes": ["name"]}, {"alive": False, "height": 1.6}),
        ):
            assert (await search(storage, query=ada, _source=wanted)).hits[0].source == expected


class SearchContract(ClauseContract, ShapeContract, ChangeContract, OrderContract):
    """All of the searches."""
