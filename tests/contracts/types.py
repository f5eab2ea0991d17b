"""What every storage backend must find for values of each type."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.query import parse_query
from tests.contracts.filling import found, make_collection, put, put_all, refusal, search, sorted_ids


async def typed(storage: Storage, definition: dict[str, Any], **values: Any) -> None:
    """Store documents with a field `f` of some type; each is named by its argument."""
    await make_collection(storage, {"properties": {"f": definition}})
    await put_all(storage, {name: {"f": value} for name, value in values.items()})


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
        assert await found(storage, {"range": {"f": {"lte": "2020-03"}}}) == ["day", "time", "zone"]
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

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"term": {"f": "10.0.0.9"}}, ["a", "c"]),
            ({"term": {"f": "::ffff:10.0.0.9"}}, ["a", "c"]),
            ({"term": {"f": "10.0.0.9/32"}}, ["a", "c"]),
            ({"term": {"f": "10.0.0.9/31"}}, ["a", "c"]),
            ({"term": {"f": "10.0.0.0/28"}}, ["a", "b", "c"]),
            ({"term": {"f": "0.0.0.0/0"}}, ["a", "b", "c"]),
            ({"term": {"f": "::/0"}}, ["a", "b", "c", "d"]),
            ({"term": {"f": "2001:db8::/127"}}, ["d"]),
            ({"terms": {"f": ["10.0.0.10", "2001:db8::/32"]}}, ["b", "d"]),
            ({"range": {"f": {"gte": "10.0.0.9", "lte": "10.0.0.10"}}}, ["a", "b", "c"]),
            ({"range": {"f": {"gt": "10.0.0.9"}}}, ["b", "d"]),
            ({"range": {"f": {"lt": "10.0.0.10"}}}, ["a", "c"]),
            ({"range": {"f": {"gte": "::", "lt": "10.0.0.9"}}}, []),
            ({"match": {"f": "10.0.0.0/28"}}, ["a", "b", "c"]),
        ],
    )
    async def test_an_address_or_a_network_is_looked_for(
        self, storage: Storage, query: Any, expected: list[str]
    ) -> None:
        await typed(storage, {"type": "ip"}, a="10.0.0.9", b="10.0.0.10", c="::ffff:10.0.0.9", d="2001:db8::1")
        assert await found(storage, query) == expected

    @pytest.mark.parametrize(
        ("kind", "looked_for", "expected"),
        [
            # Of numbers: an integer, as text, with a fraction of zero, with another, beyond the type.
            *((kind, 3, ["three"]) for kind in ("long", "integer", "short", "byte", "double", "float", "half_float")),
            *((kind, "3", ["three"]) for kind in ("long", "integer", "short", "byte", "double", "float")),
            *((kind, 3.0, ["three"]) for kind in ("long", "byte", "double")),
            *((kind, "3.0", ["three"]) for kind in ("long", "byte", "double")),
            *((kind, 3.5, []) for kind in ("long", "integer", "byte")),
            *((kind, 3.5, ["half"]) for kind in ("double", "float", "half_float")),
            ("byte", 300, []),
            ("long", 1e300, []),
            *((kind, "x", None) for kind in ("long", "byte", "double", "half_float", "date", "ip")),
            *((kind, True, None) for kind in ("long", "integer", "double", "float", "date", "ip")),
            # Of booleans: as such, as text, as a number.
            *(("boolean", yes, ["yes"]) for yes in (True, "true", 1)),
            *(("boolean", no, ["no"]) for no in (False, "false", 0, "")),
            ("boolean", "maybe", None),
            # Of keywords: the text of the value.
            ("keyword", 3, ["three"]),
            ("keyword", "3", ["three"]),
            ("keyword", 3.5, ["half"]),
            ("keyword", True, ["yes"]),
            ("keyword", "true", ["yes"]),
            ("keyword", "Grace", ["grace"]),
            ("keyword", "grace", []),
            # Of texts: a word as the index has it.
            ("text", 3, ["three"]),
            ("text", True, ["yes"]),
            ("text", "grace", ["grace"]),
            ("text", "Grace", []),
            # Of dates: a moment, or the day that a text names.
            ("date", 3, ["three"]),
            ("date", "3", ["three"]),
            ("date", "1970-01-01", ["half", "three"]),
            ("date", "1970-01-01T00:00:00.003Z", ["three"]),
            ("date", "1970-01-01T00:00", ["half", "three"]),
            ("ip", 3, None),
            ("ip", "10.0.0.1%1", None),
            ("ip", "10.0.0/8", None),
        ],
    )
    async def test_what_is_looked_for_is_read_as_the_type_of_the_field_says(
        self, storage: Storage, kind: str, looked_for: Any, expected: list[str] | None
    ) -> None:
        values: dict[str, dict[str, Any]] = {
            "boolean": {"yes": True, "no": False},
            "keyword": {"three": 3, "half": 3.5, "yes": True, "grace": "Grace"},
            "text": {"three": 3, "yes": True, "grace": "Grace Hopper"},
            "date": {"three": 3, "half": 35000},
            "ip": {"a": "10.0.0.1"},
        }
        numbers = {"three": 3} if kind in ("long", "integer", "short", "byte") else {"three": 3, "half": 3.5}
        await typed(storage, {"type": kind}, **values.get(kind, numbers))
        for query in ({"term": {"f": looked_for}}, {"terms": {"f": [looked_for]}}):
            if expected is None:
                error = await refusal(storage.count("i", "c", parse_query(query)))
                assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)
            else:
                assert await found(storage, query) == expected

    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            # What a text does not say of the time is all of it; of the date, the first month and day.
            ({"gte": "2020-02-01"}, ["b", "c", "d", "e"]),
            ({"gt": "2020-02-01"}, ["d", "e"]),
            ({"lt": "2020-02-01"}, ["a"]),
            ({"lte": "2020-02-01"}, ["a", "b", "c"]),
            ({"lte": "2020-02"}, ["a", "b", "c"]),
            ({"gt": "2020"}, ["a", "b", "c", "d", "e"]),
            ({"gt": "2020-02-01T23:59"}, ["d", "e"]),
            # A calculation that rounds goes to the end where the bound takes it in or begins behind it.
            ({"gte": "2020-02-10||/M"}, ["b", "c", "d", "e"]),
            ({"gt": "2020-02-10||/M"}, ["e"]),
            ({"lt": "2020-02-10||/M"}, ["a"]),
            ({"lte": "2020-02-10||/M"}, ["a", "b", "c", "d"]),
            ({"gte": "2020-01-31||+1d", "lt": "2020-01-31||+2d"}, ["b", "c"]),
            ({"gte": "now-1h"}, []),
            ({"lte": "now+1d/d", "gte": "2020-03"}, ["e"]),
            # A zone moves what names none, rounding too.
            ({"gte": "2020-02-01", "lt": "2020-02-02", "time_zone": "+01:00"}, ["a", "b"]),
            ({"lte": "2020-02-01", "time_zone": "-01:00"}, ["a", "b", "c", "d"]),
            ({"gte": "2020-02-01T00:00:00Z", "lt": "2020-02-02", "time_zone": "+01:00"}, ["b"]),
            ({"gt": "2020-02-01||/d", "time_zone": "America/New_York"}, ["e"]),
            ({"gte": 1580515200000, "time_zone": "+05:00"}, ["b", "c", "d", "e"]),
            # A format holds for both bounds, and replaces that of the field.
            ({"gte": "01/02/2020", "lt": "02/02/2020", "format": "dd/MM/yyyy"}, ["b", "c"]),
            ({"gte": "1580515200", "format": "epoch_second"}, ["b", "c", "d", "e"]),
            ({"gte": "01/2020||+1M", "format": "MM/yyyy"}, ["b", "c", "d", "e"]),
            ({"gte": "2020-02-01", "format": "dd/MM/yyyy||yyyy-MM-dd"}, ["b", "c", "d", "e"]),
            ({"from": "2020-02-01", "to": "2020-02-01"}, ["b", "c"]),
            ({"from": "2020-02-01", "to": "2020-02-02", "include_upper": False}, ["b", "c"]),
            ({"gte": None, "lt": "2020-02-01"}, ["a"]),
        ],
    )
    async def test_a_range_of_dates_begins_and_ends_where_its_texts_say(
        self, storage: Storage, bounds: Any, expected: list[str]
    ) -> None:
        await typed(
            storage,
            {"type": "date"},
            a="2020-01-31T23:30:00Z",
            b="2020-02-01T00:00:00Z",
            c="2020-02-01T23:59:59.999Z",
            d="2020-02-02T00:00:00Z",
            e="2020-03-01",
        )
        assert await found(storage, {"range": {"f": bounds}}) == expected

    async def test_a_bound_that_is_no_date_is_refused(self, storage: Storage) -> None:
        await typed(storage, {"type": "date"})
        for bounds in (
            {"gte": "01/02/2020"},
            {"gte": "2020-02-01", "format": "dd/MM/yyyy"},
            {"gte": "2020-02-01", "format": "nonsense"},
            {"gte": "2020-02-01", "time_zone": "Nowhere"},
            {"gte": "2020-02-30"},
            {"gte": "now/q"},
        ):
            error = await refusal(storage.count("i", "c", parse_query({"range": {"f": bounds}})))
            assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400), bounds

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
        analyzers = ("standard", "simple", "whitespace", "keyword", "pattern", "stop", "english")
        await make_collection(storage, {"properties": {name: {"type": "text", "analyzer": name} for name in analyzers}})
        await put(storage, "a", dict.fromkeys(analyzers, "The R2 Unit"))
        expected = {
            "the": ["pattern", "simple", "standard"],
            "r2": ["english", "pattern", "standard"],
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
