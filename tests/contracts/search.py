"""What every storage backend must find, and in which order: the searches of `kuzzle/storage/base.py`."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import DocumentWrite, Storage, UnknownIndexError, WriteKind
from kuzzle.storage.query import parse_query
from tests.contracts.storage import found, make_collection, put, put_all, refusal, search, sorted_ids

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


async def typed(storage: Storage, definition: dict[str, Any], **values: Any) -> None:
    """Store documents with a field `f` of some type; each is named by its argument."""
    await make_collection(storage, {"properties": {"f": definition}})
    await put_all(storage, {name: {"f": value} for name, value in values.items()})


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


class TypeContract:
    """Values of each type."""

    async def test_long_values_keep_64_bits(self, storage: Storage) -> None:
        big = (1 << 63) - 1
        await typed(storage, {"type": "long"}, a=big, b=big - 1, c=-(1 << 63), d=str(big - 2))
        assert await found(storage, {"term": {"f": big}}) == ["a"]
        assert await found(storage, {"range": {"f": {"gte": big - 1}}}) == ["a", "b"]
        assert await found(storage, {"terms": {"f": [big - 2, -(1 << 63)]}}) == ["c", "d"]
        assert await sorted_ids(storage, {"f": "desc"}) == ["a", "b", "d", "c"]

    @pytest.mark.parametrize(
        ("kind", "bad"),
        [
            *(("long", bad) for bad in (1 << 63, True, {"a": 1}, "x")),
            *(("ip", bad) for bad in ("1.2.3", 5)),
            *(("geo_point", bad) for bad in ({"lat": 91, "lon": 0}, "far away", {"lat": 1})),
            *(("keyword", bad) for bad in ({"a": 1}, "é" * 20000)),
            ("integer", 1 << 31),
            ("short", 40000),
            ("byte", -129),
            ("double", "x"),
            ("half_float", 1e10),
            ("boolean", "maybe"),
            ("date", "soon"),
            ("text", {"a": 1}),
            ("geo_shape", "round"),
            ("binary", 1),
        ],
    )
    async def test_a_value_outside_its_type_is_refused(self, storage: Storage, kind: str, bad: Any) -> None:
        await typed(storage, {"type": kind})
        error = await refusal(put(storage, "a", {"f": bad}))
        assert (error.id, error.message) == (
            "services.storage.wrong_mapping_property",
            'Cannot parse mapping property "f"',
        )

    async def test_numbers_are_coerced_unless_told_otherwise(self, storage: Storage) -> None:
        await typed(storage, {"type": "integer"}, a="12", b=12.7, c=[13, "14"])
        assert await found(storage, {"term": {"f": 12}}) == ["a", "b"]
        await storage.update_mapping("i", "c", {"properties": {"g": {"type": "integer", "coerce": False}}})
        assert (await refusal(put(storage, "d", {"g": "12"}))).status == 400
        assert (await refusal(put(storage, "d", {"g": 12.5}))).status == 400
        await put(storage, "d", {"g": 12.0})
        assert await found(storage, {"term": {"g": 12}}) == ["d"]

    async def test_floats_are_rounded_as_their_type_stores_them(self, storage: Storage) -> None:
        for kind in ("float", "half_float", "double"):
            await storage.create_index(kind)
            await storage.create_collection(kind, "c", {"properties": {"f": {"type": kind}}})
            write = DocumentWrite("a", {"f": 0.1})
            await storage.write_document(kind, "c", WriteKind.CREATE, write, refresh=True)
            assert await storage.count(kind, "c", parse_query({"term": {"f": 0.1}})) == 1
            assert await storage.count(kind, "c", parse_query({"term": {"f": 0.11}})) == 0
            assert await storage.count(kind, "c", parse_query({"range": {"f": {"gte": 0.1, "lte": 0.1}}})) == 1
            assert await storage.count(kind, "c", parse_query({"range": {"f": {"lt": 1e300}}})) == 1
            assert await storage.count(kind, "c", parse_query({"range": {"f": {"gt": "1" * 400}}})) == 0
        await typed(storage, {"type": "double"}, huge=1e30)
        assert await found(storage, {"range": {"f": {"gt": 1 << 63, "lt": 1e31}}}) == ["huge"]

    async def test_scaled_floats_are_rounded_to_their_scale(self, storage: Storage) -> None:
        await typed(storage, {"type": "scaled_float", "scaling_factor": 100}, a=1.234, b=1.23, c=1.24)
        assert await found(storage, {"term": {"f": 1.231}}) == ["a", "b"]

    async def test_dates_are_understood_in_all_their_forms(self, storage: Storage) -> None:
        await typed(
            storage,
            {"type": "date"},
            day="2020-03-01",
            time="2020-03-01T12:30:00Z",
            zone="2020-03-02T00:30:00+01:00",
            number=1583107200000,
            month="2020-04",
        )
        assert await found(storage, {"term": {"f": "2020-03-01"}}) == ["day", "time", "zone"]
        assert await found(storage, {"range": {"f": {"gt": "2020-03-01"}}}) == ["month", "number"]
        assert await found(storage, {"range": {"f": {"lte": "2020-03"}}}) == ["day", "number", "time", "zone"]
        assert await found(storage, {"range": {"f": {"gte": "2020-03-01||+1M/M"}}}) == ["month"]
        assert await found(storage, {"range": {"f": {"lt": "now-1d/d"}}}) == ["day", "month", "number", "time", "zone"]
        assert await found(storage, {"range": {"f": {"gte": "01.04.2020", "format": "dd.MM.yyyy"}}}) == ["month"]
        assert await found(storage, {"range": {"f": {"gte": "2020-03-02", "time_zone": "+01:00"}}}) == [
            "month",
            "number",
            "zone",
        ]
        assert await found(storage, {"terms": {"f": ["2020-04-01", 1583107200000]}}) == ["month", "number"]
        for bad in ("soon", "now+", "2020-01-01||+1x", "||/d", True):
            assert (await refusal(storage.count("i", "c", parse_query({"range": {"f": {"gte": bad}}})))).status == 400
        assert (await search(storage, sort="f", size=1)).hits[0].sort == [1583020800000]

    async def test_a_date_field_reads_its_own_formats(self, storage: Storage) -> None:
        formats = "yyyy-MM-dd HH:mm:ss||yyyy-MM-dd||epoch_second"
        await typed(storage, {"type": "date", "format": formats}, a="2020-01-01 10:00:00", b="2020-01-02", c=1577836800)
        assert await sorted_ids(storage, "f") == ["c", "a", "b"]
        assert (await refusal(put(storage, "d", {"f": "2020-01-01T10:00:00"}))).status == 400

    async def test_addresses_are_compared_as_addresses(self, storage: Storage) -> None:
        await typed(storage, {"type": "ip"}, a="10.0.0.9", b="10.0.0.10", c="192.168.1.1", d="2001:db8::1")
        assert await found(storage, {"term": {"f": "10.0.0.0/8"}}) == ["a", "b"]
        assert await found(storage, {"terms": {"f": ["192.168.1.1", "2001:db8::/32"]}}) == ["c", "d"]
        assert await found(storage, {"range": {"f": {"gt": "10.0.0.9", "lt": "192.168.1.1"}}}) == ["b"]
        assert (await search(storage, sort={"f": "asc"}, size=3)).hits[2].sort == ["192.168.1.1"]

    async def test_true_is_not_1(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"k": {"type": "keyword"}, "b": {"type": "boolean"}}})
        await put_all(storage, {"a": {"k": True, "b": True}, "b": {"k": 1}, "c": {"k": "1"}, "d": {"k": "true"}})
        assert await found(storage, {"term": {"k": 1}}) == ["b", "c"]
        assert await found(storage, {"term": {"k": True}}) == ["a", "d"]
        assert await found(storage, {"term": {"b": True}}) == ["a"]

    async def test_places_and_blobs_only_exist(self, storage: Storage) -> None:
        definitions = {kind: {"type": kind} for kind in ("geo_point", "geo_shape", "binary")}
        await make_collection(storage, {"properties": definitions})
        await put_all(
            storage,
            {
                "a": {"geo_point": {"lat": "1.5", "lon": 2}, "geo_shape": {"type": "point"}, "binary": "AA=="},
                "b": {"geo_point": [2, 1]},
                "c": {"geo_point": ["1,2", "u09"]},
                "d": {},
            },
        )
        assert await found(storage, {"exists": {"field": "geo_point"}}) == ["a", "b", "c"]
        for kind in definitions:
            assert (await refusal(storage.count("i", "c", parse_query({"term": {kind: "x"}})))).status == 400
            assert (await refusal(search(storage, sort=kind))).status == 400

    async def test_text_is_cut_into_lower_case_words(self, storage: Storage) -> None:
        await typed(
            storage, {"type": "text"}, a="L'Été, it's 3.14: e-mail naïve_x", b="東京", c=42, d=["Ab cd", "EF"], e="!!"
        )
        for token, ids in {
            "l'été": ["a"],
            "it's": ["a"],
            "3.14": ["a"],
            "e": ["a"],
            "mail": ["a"],
            "naïve_x": ["a"],
            "東": ["b"],
            "42": ["c"],
            "ab": ["d"],
            "ef": ["d"],
            "e-mail": [],
            "!!": [],
            "": [],
        }.items():
            assert await found(storage, {"term": {"f": token}}) == ids, token
        assert await found(storage, {"exists": {"field": "f"}}) == ["a", "b", "c", "d", "e"]
        assert await found(storage, {"range": {"f": {"gte": "a"}}}) == ["a", "b", "d"]

    async def test_analysers_cut_in_their_own_ways(self, storage: Storage) -> None:
        analyzers = ("standard", "simple", "whitespace", "keyword", "stop")
        await make_collection(storage, {"properties": {name: {"type": "text", "analyzer": name} for name in analyzers}})
        await put(storage, "a", dict.fromkeys(analyzers, "The R2 Unit"))
        expected = {
            "the": ["simple", "standard"],
            "r2": ["standard"],
            "r": ["simple", "stop"],
            "R2": ["whitespace"],
            "The R2 Unit": ["keyword"],
        }
        for token, names in expected.items():
            matching = [name for name in sorted(analyzers) if await found(storage, {"term": {name: token}})]
            assert matching == names, token

    async def test_mapping_options_decide_what_is_found(self, storage: Storage) -> None:
        await make_collection(
            storage,
            {
                "properties": {
                    "short": {"type": "keyword", "ignore_above": 3},
                    "filled": {"type": "integer", "null_value": 7},
                    "loose": {"type": "integer", "ignore_malformed": True},
                    "hidden": {"type": "keyword", "index": False},
                    "off": {"type": "object", "enabled": False},
                    "name": {"type": "text", "copy_to": ["all", "target.deep"]},
                    "all": {"type": "keyword", "store": True},
                    "items": {"type": "nested", "properties": {"n": {"type": "long"}}},
                }
            },
        )
        source = {
            "short": ["abc", "abcd"],
            "filled": None,
            "loose": "x",
            "hidden": "h",
            "off": {"n": [1, "x"]},
            "name": "Ada Lovelace",
            "items": [{"n": 1}],
        }
        await put(storage, "a", source)
        assert await found(storage, {"terms": {"short": ["abc", "x"]}}) == ["a"]
        assert await found(storage, {"term": {"short": "abcd"}}) == []
        assert await found(storage, {"term": {"filled": 7}}) == ["a"]
        assert await found(storage, {"exists": {"field": "loose"}}) == []
        assert (await refusal(found(storage, {"term": {"hidden": "h"}}))).message == (
            "Cannot search on field [hidden] since it is not indexed."
        )
        assert await found(storage, {"exists": {"field": "off"}}) == []
        assert await found(storage, {"term": {"all": "Ada Lovelace"}}) == ["a"]
        assert await found(storage, {"term": {"target.deep": "lovelace"}}) == ["a"]
        assert await found(storage, {"term": {"items.n": 1}}) == []
        assert (await storage.get_document("i", "c", "a")).source == source

    async def test_a_copy_added_later_holds_for_later_writes(self, storage: Storage) -> None:
        await make_collection(storage, {"properties": {"name": {"type": "text"}}})
        await put(storage, "a", {"name": "Ada"})
        await storage.update_mapping(
            "i", "c", {"properties": {"name": {"type": "text", "copy_to": "all"}, "all": {"type": "keyword"}}}
        )
        await put(storage, "b", {"name": "Bob"})
        assert await found(storage, {"terms": {"all": ["Ada", "Bob"]}}) == ["b"]
        await put(storage, "a", {"name": "Ada"})
        assert await found(storage, {"terms": {"all": ["Ada", "Bob"]}}) == ["a", "b"]


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
        ],
    )
    async def test_a_sort_that_cannot_be_is_refused(self, storage: Storage, sort: Any, text: str) -> None:
        await people(storage)
        error = await refusal(search(storage, sort=sort))
        assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)
        assert error.message.startswith(text)

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


class SearchContract(ClauseContract, TypeContract, ShapeContract, ChangeContract, OrderContract):
    """All of the searches."""
