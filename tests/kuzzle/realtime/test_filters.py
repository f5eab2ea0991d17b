"""Which filters are refused, which are the same, and what a filter may come to."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_filters import CLAUSES, DOCUMENTS, FILTERS, matches
from rewritten_filters import rewritten

from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import read_filter, room_identifier
from kuzzle.realtime.matcher import CollectionMatcher
from kuzzle.realtime.normal_form import WORK_PER_TERM, are_exclusive

A = {"equals": {"a": 1}}
B = {"equals": {"b": 2}}
C = {"exists": "c"}
D = {"range": {"d": {"gt": 1, "lte": 5}}}

CIRCLE = {"geoDistance": {"a": [1, 2], "distance": "1km"}}
BOX = {"geoBoundingBox": {"a": {"top": 1, "left": 0, "bottom": 0, "right": 1}}}


def identify(filters: Any) -> str:
    return room_identifier("library", "books", read_filter(filters))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, None),
        ({}, []),
        ({}, ""),
        ({}, 5),
        ({}, True),
        ({"in": {"a": ["x", "y"]}}, {"or": [{"equals": {"a": "x"}}, {"equals": {"a": "y"}}]}),
        ({"in": {"a": ["x", "y"]}}, {"in": {"a": ["y", "x", "y"]}}),
        ({"exists": "a"}, {"exists": {"field": "a"}}),
        ({"exists": "a[1]"}, {"exists": {"field": "a[ 1.0 ]"}}),
        ({"equals": {"a": 1}}, {"equals": {"a": 1.0}}),
        ({"equals": {"a": 0}}, {"equals": {"a": -0.0}}),
        ({"range": {"a": {"gt": 1, "lt": 2}}}, {"range": {"a": {"lt": 2.0, "gt": 1.0}}}),
        ({"and": [A, B]}, {"and": [B, A]}),
        ({"or": [A, B]}, {"or": [B, A]}),
        (A, {"and": [A]}),
        (A, {"or": [A, A]}),
        (A, {"and": [A, A]}),
        (A, {"or": [A, {"and": [A, B]}]}),
        (A, {"and": [A, {"or": [A, B]}]}),
        (A, {"not": {"not": A}}),
        ({"not": {"and": [A, B]}}, {"or": [{"not": A}, {"not": B}]}),
        ({"not": {"or": [A, B]}}, {"and": [{"not": A}, {"not": B}]}),
        ({"not": {"in": {"a": ["x", "y"]}}}, {"and": [{"not": {"equals": {"a": value}}} for value in ("x", "y")]}),
        ({"and": [A, {"or": [B, C]}]}, {"or": [{"and": [A, B]}, {"and": [A, C]}]}),
        ({"or": [A, {"or": [B, C]}]}, {"or": [{"or": [A, B]}, C]}),
        ({"and": [A, {"not": A}]}, {"and": [{"equals": {"x": 1}}, {"equals": {"x": 2}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"exists": "x"}, {"not": {"exists": "x"}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"equals": {"x": 1}}, {"not": {"exists": "x"}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"range": {"x": {"gt": 1}}}, {"not": {"exists": "x"}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"equals": {"x": 1}}, {"range": {"x": {"gt": 1}}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"range": {"x": {"lt": 1}}}, {"range": {"x": {"gt": 1}}}]}),
        ({"and": [A, {"not": A}]}, {"and": [{"exists": "x[1]"}, {"equals": {"x": 1}}]}),
        (A, {"or": [A, {"and": [B, {"not": B}]}]}),
        (D, {"and": [{"range": {"d": {"gt": 1}}}, {"range": {"d": {"lte": 5}}}]}),
        (A, {"and": [A, {"exists": "a"}, {"range": {"a": {"gt": 0}}}, {"not": {"equals": {"a": 2}}}]}),
        (D, {"and": [D, {"exists": "d"}, {"not": {"equals": {"d": 7}}}, {"not": {"exists": "d[1]"}}]}),
        ({}, {"not": {"exists": "a[{}]"}}),
        ({"missing": "a"}, {"not": {"exists": "a"}}),
        ({"exists": "a"}, {"not": {"missing": {"field": "a"}}}),
        ({"ids": {"values": ["x", "y"]}}, {"in": {"_id": ["y", "x"]}}),
        ({}, {"not": {"nothing": 1}}),
        ({"nothing": None}, {"and": [A, {"not": A}]}),
        ({"bool": {"must": A}}, A),
        ({"bool": {"must": [A, B], "should": None}}, {"and": [A, B]}),
        ({"bool": {"must_not": [A, B]}}, {"not": {"or": [A, B]}}),
        ({"bool": {"should": [A, B], "must": [C]}}, {"and": [C, {"or": [A, B]}]}),
        ({"bool": {"should_not": [A, B]}}, {"not": {"and": [A, B]}}),
        ({"not": {"bool": {"must": [A], "must_not": [B]}}}, {"or": [{"not": A}, B]}),
        ({"regexp": {"a": "x"}}, {"regexp": {"a": {"value": "x", "flags": None}}}),
        ({"regexp": {"a": {"value": "x", "flags": "im"}}}, {"regexp": {"a": {"value": "x", "flags": "migy"}}}),
        ({"regexp": {"a": "x"}}, {"and": [{"regexp": {"a": "x"}}, {"exists": "a"}, {"not": {"equals": {"a": 1}}}]}),
        ({"nothing": 1}, {"and": [{"regexp": {"a": "x"}}, {"range": {"a": {"gt": 1}}}]}),
        ({"nothing": 1}, {"and": [{"regexp": {"a": "x"}}, {"not": {"regexp": {"a": "x"}}}]}),
        ({"nothing": 1}, {"and": [{"regexp": {"a": "x"}}, {"equals": {"a": "yy"}}]}),
        (CIRCLE, {"geoDistance": {"a": "1, 2", "distance": "1 000 meters"}}),
        (CIRCLE, {"geoDistanceRange": {"a": {"latLon": [1, 362]}, "from": "0m", "to": "1km"}}),
        (BOX, {"geoBoundingBox": {"a": {"topLeft": [1, 0], "bottom_right": {"lat": 0, "lon": 1}}}}),
        (BOX, {"geoBoundingBox": {"a": {"top": 1, "left": 360, "bottom": 0, "right": 361}}}),
        (
            {"geoPolygon": {"a": {"points": [[0, 0], [0, 1], [1, 1]]}}},
            {"geoPolygon": {"a": {"points": [[1, 1], [0, 1], [0, 0], [1, 1]]}}},
        ),
        ({"and": [{"not": CIRCLE}, {"not": BOX}]}, {"not": {"or": [BOX, CIRCLE]}}),
        ({"nothing": 1}, {"and": [CIRCLE, {"not": CIRCLE}]}),
        (CIRCLE, {"and": [CIRCLE, {"exists": "a"}, {"not": {"equals": {"a": None}}}]}),
    ],
)
def test_filters_that_mean_the_same_share_a_room(one: Any, other: Any) -> None:
    assert identify(one) == identify(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, A),
        (A, {"not": A}),
        (A, {"equals": {"b": 1}}),
        ({"equals": {"a": 1}}, {"equals": {"a": "1"}}),
        ({"equals": {"a": 1}}, {"equals": {"a": True}}),
        ({"equals": {"a": None}}, {"equals": {"a": "null"}}),
        ({"equals": {"a": 2**53}}, {"equals": {"a": 2**53 + 1}}),
        ({"regexp": {"a": "x"}}, {"regexp": {"a": "y"}}),
        ({"regexp": {"a": "x"}}, {"regexp": {"a": {"value": "x", "flags": "i"}}}),
        (CIRCLE, {"geoDistance": {"a": [1, 2], "distance": "2km"}}),
        (CIRCLE, {"geoDistance": {"b": [1, 2], "distance": "1km"}}),
        (CIRCLE, BOX),
        (CIRCLE, {"and": [CIRCLE, {"exists": "a[1]"}]}),
        (CIRCLE, {"and": [CIRCLE, {"regexp": {"a": "1"}}]}),
        ({"not": CIRCLE}, {"not": BOX}),
        ({"exists": "a"}, {"exists": "a[1]"}),
        ({"exists": "a[1]"}, {"equals": {"a": 1}}),
        ({"exists": 'a["1"]'}, {"exists": "a[1]"}),
        ({"range": {"a": {"gt": 1}}}, {"range": {"a": {"gte": 1}}}),
        ({"range": {"a": {"gt": 1}}}, {"range": {"a": {"lt": 1}}}),
        ({"and": [A, B]}, {"or": [A, B]}),
        ({"and": [{"not": {"equals": {"a": "1"}}}, {"exists": "a"}]}, {"exists": "a"}),
        ({"and": [{"exists": 'a["x"]'}, {"not": {"exists": 'a["y"]'}}]}, {"and": [A, {"not": A}]}),
    ],
)
def test_filters_that_differ_have_rooms_of_their_own(one: Any, other: Any) -> None:
    assert identify(one) != identify(other)


def test_a_room_is_one_collection_of_one_index() -> None:
    form = read_filter(A)
    places = [("a", "b"), ("b", "a"), ("a", "bb"), ("ab", "b"), ("a,b", "c"), ("a", "b,c")]
    assert len({room_identifier(index, collection, form) for index, collection in places}) == len(places)


def test_the_id_of_a_room_is_the_same_in_every_process() -> None:
    """Sets and dicts are ordered by random hashes: the id must not depend on them."""
    filters = {"and": [{"or": [A, {"not": B}, C]}, {"or": [D, {"in": {"e": ["x", "y", "z"]}}]}]}
    program = (
        "import json, sys; from kuzzle.realtime.filters import *;"
        "print(room_identifier('library', 'books', read_filter(json.loads(sys.argv[1]))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(filters)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }
    assert found == {identify(filters)}
    assert re.fullmatch(r"[0-9a-f]{32}", identify(filters))


@settings(max_examples=300, deadline=None)
@given(FILTERS, st.data())
def test_rewriting_a_filter_does_not_change_its_room(filters: Any, data: st.DataObject) -> None:
    form = read_filter(filters, 5000)
    assert read_filter(rewritten(filters, data), 5000) == form


@settings(max_examples=400, deadline=None)
@given(FILTERS, FILTERS, st.data(), st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_filters_that_some_document_tells_apart_never_share_a_room(
    one: Any, other: Any, data: st.DataObject, documents: list[dict[str, Any]]
) -> None:
    """A second filter that has much in common with the first meets it more often than a random one."""
    near = data.draw(st.sampled_from((other, {"or": [one, other]}, {"and": [one, other]}, {"not": one})))
    one_form, near_form = read_filter(one, 5000), read_filter(near, 5000)
    if any(matches(one, document) != matches(near, document) for document in documents):
        assert room_identifier("i", "c", one_form) != room_identifier("i", "c", near_form)


@settings(max_examples=200, deadline=None)
@given(FILTERS, FILTERS, FILTERS)
def test_the_laws_of_logic_do_not_change_a_room(one: Any, other: Any, third: Any) -> None:
    def same(left: Any, right: Any) -> bool:
        return read_filter(left, 5000) == read_filter(right, 5000)

    assert same({"and": [one, other]}, {"and": [other, one, other]})
    assert same({"or": [one, {"or": [other, third]}]}, {"or": [{"or": [third, one]}, other]})
    assert same({"not": {"and": [one, other]}}, {"or": [{"not": one}, {"not": other}]})
    assert same({"not": {"or": [one, other]}}, {"and": [{"not": one}, {"not": other}]})
    assert same({"or": [one, {"and": [one, other]}]}, one)
    assert same({"and": [one, {"or": [other, third]}]}, {"or": [{"and": [one, other]}, {"and": [one, third]}]})
    assert same(
        {"bool": {"must": [one], "should_not": [other, third]}}, {"and": [one, {"not": {"and": [other, third]}}]}
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(CLAUSES, min_size=2, max_size=4), DOCUMENTS)
def test_terms_told_to_be_exclusive_never_hold_together(clauses: list[Any], document: dict[str, Any]) -> None:
    form = read_filter({"or": clauses})
    matcher: CollectionMatcher[int] = CollectionMatcher()
    for number, term in enumerate(form):
        matcher.add((term,), number)
    assert len(matcher.match(None, document)) <= 1 or not are_exclusive(form)


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ({"equals": {"a": 1}, "exists": "b"}, "A filter must have exactly one keyword, not 2"),
        ([A], "A filter must be an object"),
        ("exists", "A filter must be an object"),
        ({"match": {"a": "x"}}, '"match": unknown keyword (known: equals, exists, missing, in, ids, range, regexp, '),
        ({"select": {"field": "a"}}, '"select": unknown keyword'),
        ({"and": [{"everything": 1}]}, '"and.everything": unknown keyword'),
        ({"equals": 1}, '"equals": must be an object'),
        ({"equals": {}}, '"equals": must have exactly one field, not 0'),
        ({"equals": {"a": 1, "b": 2}}, '"equals": must have exactly one field, not 2'),
        ({"equals": {"a": [1]}}, '"equals.a": must be a string, a number, a boolean or null'),
        ({"equals": {"a": {}}}, '"equals.a": must be a string, a number, a boolean or null'),
        ({"equals": {"a": float("inf")}}, '"equals.a": must be a string, a number, a boolean or null'),
        ({"in": {"a": []}}, '"in.a": cannot be empty'),
        ({"in": {"a": "x"}}, '"in.a": must be an array'),
        ({"in": {"a": ["x", 1]}}, '"in.a": must hold only values of type string'),
        ({"exists": 5}, '"exists": must be a string'),
        ({"exists": ""}, '"exists": cannot test an empty field name'),
        ({"exists": {"field": ""}}, '"exists.field": cannot test an empty field name'),
        ({"exists": {"field": 1}}, '"exists.field": must be a string'),
        ({"exists": {"path": "a"}}, '"exists": must be a field, or an object with nothing but "field"'),
        ({"exists": {"field": "a", "b": 1}}, '"exists": must be a field, or an object with nothing but "field"'),
        ({"exists": "a['x']"}, "\"exists\": invalid array value ('x')"),
        ({"exists": "a[x]"}, '"exists": invalid array value (x)'),
        ({"exists": "a[]"}, '"exists": invalid array value ()'),
        ({"exists": "a[1][2]"}, '"exists": invalid array value (1][2)'),
        ({"range": {"a": {}}}, '"range.a": must be a non-empty object'),
        ({"range": {"a": 1}}, '"range.a": must be a non-empty object'),
        ({"range": {"a": {"from": 1}}}, '"range.a": "from" is not an allowed attribute (allowed: gt, gte, lt, lte)'),
        ({"range": {"a": {"gt": "1"}}}, '"range.a.gt": must be a number'),
        ({"range": {"a": {"gt": True}}}, '"range.a.gt": must be a number'),
        ({"range": {"a": {"gt": 1, "gte": 1}}}, '"range.a": only 1 lower boundary allowed'),
        ({"range": {"a": {"lt": 1, "lte": 1}}}, '"range.a": only 1 upper boundary allowed'),
        ({"range": {"a": {"gte": 5, "lte": 5}}}, '"range.a": the lower boundary must be strictly below the upper one'),
        ({"missing": "a[x]"}, '"missing": invalid array value (x)'),
        ({"ids": ["x"]}, '"ids": must be a non-empty object'),
        ({"ids": {"values": []}}, '"ids.values": cannot be empty'),
        ({"ids": {"values": [1]}}, '"ids.values": must hold only values of type string'),
        ({"ids": {"values": ["x"], "a": 1}}, '"ids": "a" is not an allowed attribute (allowed: values)'),
        ({"regexp": {"a": 1}}, '"regexp.a": the pattern must be a string'),
        ({"regexp": {"a": {"value": 1, "flags": "i"}}}, '"regexp.a": the pattern must be a string'),
        ({"regexp": {"a": {"flags": "i"}}}, '"regexp.a": the property "value" is missing'),
        ({"regexp": {"a": {"value": "x", "flags": 5}}}, '"regexp.a.flags": must be a string'),
        ({"regexp": {"a": {"value": "x", "g": 1}}}, '"regexp.a": "g" is not an allowed attribute'),
        ({"regexp": {"a": "(x"}}, '"regexp.a": cannot parse regexp expression (missing ): (x)'),
        ({"regexp": {"a": "(?=x)"}}, '"regexp.a": cannot parse regexp expression (invalid perl operator: (?=)'),
        ({"regexp": {"a": r"(x)\1"}}, '"regexp.a": cannot parse regexp expression (invalid escape sequence'),
        ({"regexp": {"a": r"(\pL{30}){30}"}}, '"regexp.a": cannot parse regexp expression (pattern too large'),
        ({"geoDistance": {"a": [1, 2]}}, '"geoDistance": the property "distance" is missing'),
        ({"geoDistance": {"distance": "1m"}}, '"geoDistance": must have distance and exactly one field, not 1'),
        ({"geoDistance": {"a": [1, 2], "distance": 1}}, '"geoDistance.distance": must be a string'),
        ({"geoDistance": {"a": [1, 2], "distance": "x1m"}}, '"geoDistance.distance": unable to parse distance value'),
        ({"geoDistance": {"a": [1, 2], "distance": "1 s"}}, '"geoDistance.distance": unable to parse distance value'),
        ({"geoDistance": {"a": [91, 2], "distance": "1m"}}, '"geoDistance.a": must not lie beyond a pole'),
        ({"geoDistance": {"a": {"lat": 1}, "distance": "1m"}}, '"geoDistance.a": unrecognized point format'),
        ({"geoDistanceRange": {"a": [1, 2], "from": "1m"}}, '"geoDistanceRange": the property "to" is missing'),
        (
            {"geoDistanceRange": {"a": [1, 2], "from": "1m", "to": "1m"}},
            '"geoDistanceRange": inner radius must be smaller than outer radius',
        ),
        ({"geoBoundingBox": {"a": None}}, '"geoBoundingBox.a": must be a non-empty object'),
        ({"geoBoundingBox": {"a": {"top": 1}}}, '"geoBoundingBox.a": unrecognized geo-point format'),
        (
            {"geoBoundingBox": {"a": {"top": 0, "left": 0, "bottom": 1, "right": 1}}},
            '"geoBoundingBox.a": the bottom must be below the top',
        ),
        (
            {"geoBoundingBox": {"a": {"top": 1, "left": 170, "bottom": 0, "right": -170}}},
            '"geoBoundingBox.a": the left side must be below the right one',
        ),
        ({"geoPolygon": {"a": None}}, '"geoPolygon.a": must be a non-empty object'),
        ({"geoPolygon": {"a": {"points": [[0, 0], [0, 1]]}}}, '"geoPolygon.a.points": must have at least 3 points'),
        ({"geoPolygon": {"a": {"points": [[0, 0]] * 1001}}}, '"geoPolygon.a.points": must have at least 3 points, and'),
        ({"geoPolygon": {"a": {"points": [[0, 0], [0, 1], 5]}}}, '"geoPolygon.a.points": unrecognized point format'),
        ({"bool": {}}, '"bool": must be a non-empty object'),
        ({"bool": {"must": None}}, '"bool": cannot be empty'),
        ({"bool": {"must": []}}, '"bool.must": cannot be empty'),
        ({"bool": {"must": {}}}, '"bool.must": can only contain non-empty objects'),
        ({"bool": {"should": A}}, '"bool.should": must be an array'),
        (
            {"bool": {"must": [A], "filter": [A]}},
            '"bool": "filter" is not an allowed attribute (allowed: must',
        ),
        ({"and": []}, '"and": cannot be empty'),
        ({"and": {}}, '"and": must be an array'),
        ({"or": [A, {}]}, '"or": can only contain non-empty objects'),
        ({"or": [A, None]}, '"or": can only contain non-empty objects'),
        ({"not": {}}, '"not": must have exactly one keyword, not 0'),
        ({"not": [A]}, '"not": must be an object'),
        ({"and": [A, {"not": {"range": {"a": {"gt": "x"}}}}]}, '"and.not.range.a.gt": must be a number'),
    ],
)
def test_what_is_no_filter_is_refused_by_its_place(filters: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as refusal:
        read_filter(filters)
    assert (refusal.value.status, refusal.value.id, refusal.value.code) == (400, None, None)
    assert refusal.value.message.startswith(text)


def _two_way_ors(count: int) -> dict[str, Any]:
    return {"and": [{"or": [{"equals": {f"a{n}": 1}}, {"equals": {f"b{n}": 1}}]} for n in range(count)]}


@pytest.mark.parametrize(
    ("filters", "limit", "received"),
    [
        (_two_way_ors(8), 255, "256"),
        (_two_way_ors(16), 256, "65536"),
        (_two_way_ors(2000), 256, "more than 1000000"),
        ({"in": {"a": [str(n) for n in range(257)]}}, 256, "257"),
        ({"in": {"a": [str(n) for n in range(100_000)]}}, 8192, "more than 8192"),
        ({"not": {"in": {"a": [str(n) for n in range(100_000)]}}}, 8192, "more than 8192"),
        ({"or": [{"and": [{"exists": f"{m}.{n}"} for n in range(100)]} for m in range(100)]}, 8192, "more than 8192"),
    ],
)
def test_a_filter_that_comes_to_too_much_is_refused(filters: Any, limit: int, received: str) -> None:
    with pytest.raises(KuzzleError) as refusal:
        read_filter(filters, 255 if limit == 255 else 256)
    assert (refusal.value.id, refusal.value.status) == ("core.realtime.too_many_terms", 413)
    assert refusal.value.message.endswith(f"(max {limit}, received {received}).")


def _hostile_filters(size: int) -> list[dict[str, Any]]:
    ways = [[{"exists": f"{place}.{way}"} for way in range(3)] for place in range(size)]
    nested: dict[str, Any] = A
    for first, second, _ in ways[:12]:
        nested = {"and": [{"or": [nested, first]}, {"or": [nested, second]}]}
    return [
        {"and": [{"or": one} for one in ways]},
        {"not": {"or": [{"and": one} for one in ways]}},
        {"bool": {"must": [{"or": one} for one in ways], "should_not": [{"or": one} for one in ways]}},
        {"or": [{"and": [C, one[0]]} for one in ways]},
        {"and": [{"or": one} for one in (*ways, *reversed(ways))]},
        nested,
    ]


@pytest.mark.parametrize("max_terms", [1, 5, 64, 256])
def test_the_steps_that_a_filter_takes_are_bounded_by_the_limit_of_terms(max_terms: int) -> None:
    """Calls of functions are counted: what is multiplied out without a bound takes more than there is time for."""
    for filters in _hostile_filters(2000):
        calls = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal calls
            calls += event == "call"

        sys.setprofile(count)
        try:
            with contextlib.suppress(KuzzleError):
                read_filter(filters, max_terms)
        finally:
            sys.setprofile(None)
        assert calls < 2000 + 30 * WORK_PER_TERM * max_terms


def test_a_filter_of_as_many_terms_as_allowed_is_taken() -> None:
    assert len(read_filter(_two_way_ors(8))) == 256


def test_a_filter_that_only_looks_like_too_much_is_taken() -> None:
    filters = {"and": [{"or": [A, {"exists": f"x{number}"}]} for number in range(50)]}
    assert sorted(map(len, read_filter(filters))) == [1, 50]


@pytest.mark.parametrize("operator", ["and", "or", "not"])
def test_operators_that_nest_too_deep_are_refused(operator: str) -> None:
    filters: Any = A
    for _ in range(1000):
        filters = {operator: filters if operator == "not" else [filters]}
    with pytest.raises(KuzzleError) as refusal:
        read_filter(filters)
    assert refusal.value.status == 400
    assert refusal.value.message.endswith("nests deeper than 64 operators")


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), CLAUSES),
        lambda parts: st.one_of(
            st.lists(parts, max_size=3),
            st.dictionaries(
                st.sampled_from(["and", "or", "not", "equals", "in", "exists", "range", "field", "gt", "lte", "a"]),
                parts,
                max_size=2,
            ),
        ),
        max_leaves=8,
    ),
    DOCUMENTS,
)
def test_whatever_is_sent_is_taken_or_refused_with_a_documented_error(filters: Any, document: dict[str, Any]) -> None:
    try:
        form = read_filter(filters)
    except KuzzleError as refusal:
        error = refusal
    else:
        error = None
    if error is not None:
        assert error.status == 400 or error.id == "core.realtime.too_many_terms"
        return
    matcher: CollectionMatcher[int] = CollectionMatcher()
    matcher.add(form, 1)
    is_filter = isinstance(filters, dict) and bool(filters)
    assert matcher.match(None, document) == [1] * matches(filters if is_filter else {}, document)
