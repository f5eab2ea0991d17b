"""The keywords that later generations of filters have: what they mean, and that the first refuses them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_filters import DOCUMENTS, LATER_FILTERS, SCALARS, matches
from realtime_scene import API, Scene

from kuzzle.api.v1 import ApiV1
from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import read_filter
from kuzzle.realtime.likenesses import Likeness, LikenessIndex
from kuzzle.realtime.matcher import CollectionMatcher
from kuzzle.realtime.normal_form import NormalForm

# Filters here ask a lot about arrays, so documents hold some.
KEYS = st.sampled_from(("a", "b", "value"))
ELEMENTS = st.recursive(
    SCALARS,
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(KEYS, parts, max_size=2)),
    max_leaves=5,
)
ARRAYS = st.one_of(
    DOCUMENTS, st.dictionaries(st.sampled_from(("a", "b", "a.b", "_id")), st.lists(ELEMENTS, max_size=3), max_size=3)
)


def read(filters: Any, max_terms: int = 5000) -> NormalForm:
    return read_filter(filters, max_terms, with_later_keywords=True)


def is_match(filters: Any, document: dict[str, Any]) -> bool:
    matcher: CollectionMatcher[int] = CollectionMatcher()
    matcher.add(read(filters), 0)
    return matcher.match(None, document) == [0]


def selected(query: Any, index: int = 0, field: str = "a") -> dict[str, Any]:
    return {"select": {"field": field, "index": index, "query": query}}


@settings(max_examples=500, deadline=None)
@given(st.lists(LATER_FILTERS, min_size=1, max_size=8), st.lists(ARRAYS, min_size=1, max_size=4), st.data())
def test_a_match_is_what_plain_reading_gives(
    filters: list[Any], documents: list[dict[str, Any]], data: st.DataObject
) -> None:
    matcher: CollectionMatcher[int] = CollectionMatcher()
    for number, one in enumerate(filters):
        matcher.add(read(one), number)
    staying = set(range(len(filters)))
    for number in data.draw(st.permutations(range(len(filters)))):
        for document in documents:
            wanted = [other for other in sorted(staying) if matches(filters[other], document)]
            assert sorted(matcher.match(None, document)) == wanted
        matcher.remove(read(filters[number]), number)
        staying.discard(number)
    assert not matcher._terms.fields
    assert not matcher._paths.root.children
    assert not matcher._paths._elements


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.lists(ELEMENTS), st.dictionaries(KEYS, ELEMENTS)), min_size=1, max_size=8), ELEMENTS)
def test_an_index_finds_what_is_like_the_value(patterns: list[Any], value: Any) -> None:
    likenesses = [Likeness(pattern) for pattern in patterns]
    index: LikenessIndex[int] = LikenessIndex()
    for number, likeness in enumerate(likenesses):
        index.add(likeness, number)
    assert sorted(index.find(value)) == [
        number for number, likeness in enumerate(likenesses) if likeness.is_like(value)
    ]
    for number, likeness in enumerate(likenesses):
        index.remove(likeness, number)
    assert not index


@pytest.mark.parametrize(
    ("filters", "document", "wanted"),
    [
        ({"match": {"a": 1}}, {"a": 1.0}, True),
        ({"match": {"a": True}}, {"a": 1}, False),
        ({"match": {"a": None}}, {}, False),
        ({"match": {"a.b": 1}}, {"a": {"b": 1}}, True),
        ({"match": {"a": {"b": 1}}}, {"a.b": 1}, False),
        ({"match": {"a": {"b.c": 1}}}, {"a": {"b": {"c": 1}}}, False),
        ({"match": {"a": {}}}, {"a": {"b": 1}}, True),
        ({"match": {"a": {}}}, {"a": []}, False),
        ({"match": {"a": []}}, {"a": [1]}, True),
        ({"match": {"a": [1, 1]}}, {"a": [1, 2]}, False),
        ({"match": {"a": [1, 1]}}, {"a": [1, 2, 1]}, True),
        ({"match": {"a": [{"x": 1}, {"x": 1, "y": 1}]}}, {"a": [{"x": 1, "y": 1}, {"x": 1}]}, False),
        ({"not": {"match": {"a": {"b": 1}}}}, {}, True),
        ({"not": {"match": {"a": 1, "b": 2}}}, {"a": 1, "b": 3}, True),
        (selected({"equals": {"value": 2}}, -1), {"a": [1, 2]}, True),
        (selected({"missing": "x"}, -3), {"a": [1, 2]}, False),
        (selected({"missing": "x"}), {"a": "text"}, False),
        ({"not": selected({"missing": "x"}, 5)}, {"a": [1]}, True),
        (selected({"equals": {"value.x": 1}}, field="a.b"), {"a": {"b": [{"x": 1}]}}, True),
        (selected({"exists": "value"}, field="a[0]"), {"a[0]": [1]}, True),
        (selected(selected({"equals": {"value": 2}}, 1, "value")), {"a": [[1, 2]]}, True),
        (selected({"exists": "value"}, 10**20), {"a": [1]}, False),
        (selected({"exists": "value"}), {"a.b": 1, "a": [1]}, True),
        ({"equals": {"\x001:0:avalue": 1}}, {"a": [1]}, False),
        ({"equals": {"\x001:0:avalue": 1}}, {"\x001:0:avalue": 1}, True),
    ],
)
def test_the_meaning_of_the_later_keywords(filters: Any, document: dict[str, Any], wanted: bool) -> None:
    assert is_match(filters, document) is wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"match": {"a": 1}}, {"equals": {"a": 1}}),
        ({"match": {"a": 1, "b": {"c": 2.0}}}, {"and": [{"match": {"b": {"c": 2}}}, {"match": {"a": 1}}]}),
        ({"match": {"a": {"x": 1, "y": 2}}}, {"match": {"a": {"y": 2, "x": 1}}}),
        (
            selected({"and": [{"equals": {"value.x": 1}}, {"exists": "value.y"}]}),
            {"and": [selected({"exists": "value.y"}, 0.0), selected({"equals": {"value.x": 1}})]},  # type: ignore[arg-type]
        ),
        ({"nothing": 1}, selected({"nothing": 1})),
        ({"nothing": 1}, {"and": [{"match": {"a": {"b": 1}}}, {"match": {"a": [1]}}]}),
        ({"match": {"a": {"b": 1}}}, {"and": [{"match": {"a": {"b": 1}}}, {"not": {"regexp": {"a": "x"}}}]}),
    ],
)
def test_later_filters_that_mean_the_same_have_one_form(one: Any, other: Any) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ({"match": {}}, '"match": must be a non-empty object'),
        ({"match": [1]}, '"match": must be an object'),
        ({"match": {"a": [0] * 256}}, '"match": cannot hold more than 256 values'),
        ({"match": {"a": {"b": float("inf")}}}, '"match.a.b": must hold only values of JSON'),
        ({"select": {}}, '"select": must be a non-empty object'),
        ({"select": {"field": "a", "index": 0}}, '"select": the property "query" is missing'),
        ({"select": {**selected({"exists": "value"})["select"], "x": 1}}, '"select": "x" is not an allowed attribute'),
        (selected({"exists": "value"}, field=""), '"select.field": cannot be empty'),
        (selected({"exists": "value"}, field=1), '"select.field": must be a string'),  # type: ignore[arg-type]
        (selected({"exists": "value"}, "0"), '"select.index": must be an integer'),  # type: ignore[arg-type]
        (selected({"exists": "value"}, True), '"select.index": must be an integer'),
        (selected({"exists": "value"}, 0.5), '"select.index": must be an integer'),  # type: ignore[arg-type]
        (selected({}), '"select.query": must have exactly one keyword, not 0'),
        (selected({"foo": 1}), '"select.query.foo": unknown keyword (known: equals, '),
        (selected({"regexp": {"value": "("}}), '"select.query.regexp.value": cannot parse regexp'),
    ],
)
def test_a_wrong_use_of_the_later_keywords_is_refused(filters: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as refusal:
        read(filters)
    assert refusal.value.status == 400
    assert refusal.value.message.startswith(text)


@pytest.mark.parametrize("nested", ["select", "match"])
def test_later_keywords_that_nest_too_deep_are_refused(nested: str) -> None:
    filters: Any = {"exists": "value"} if nested == "select" else {}
    for _ in range(100):
        filters = selected(filters) if nested == "select" else {"a": filters}
    with pytest.raises(KuzzleError, match="nests"):
        read(filters if nested == "select" else {"match": filters})


def test_long_paths_into_elements_are_paid_for() -> None:
    """Each clause carries the whole path: a short filter must not come to gigabytes."""
    many = selected({"or": [{"exists": f"value.{number}"} for number in range(200)]}, field="a" * 100_000)
    with pytest.raises(KuzzleError) as refusal:
        read(many, 256)
    assert refusal.value.id == "core.realtime.too_many_terms"


class LaterApi(ApiV1):
    """A generation of the API whose filters have every keyword."""

    has_later_filter_keywords = True


@pytest.mark.parametrize("filters", [{"match": {"a": 1}}, {"not": selected({"exists": "value"})}])
def test_the_generation_of_the_api_decides_which_keywords_there_are(
    scene: Scene, ann: Connection, filters: dict[str, Any]
) -> None:
    with pytest.raises(KuzzleError, match="unknown keyword") as refusal:
        scene.subscribe(ann, filters)
    assert (refusal.value.status, refusal.value.id) == (400, None)
    request = scene.request(ann, "realtime", "subscribe")
    request.api = LaterApi(API.catalogue)
    assert scene.realtime.subscribe(request, filters, scope="all", users="none", state="done") is not None
