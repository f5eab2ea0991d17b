"""The matcher against a plain evaluator, and its bookkeeping."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_filters import DOCUMENT_IDS, DOCUMENTS, FILTERS, matches

from kuzzle.realtime.filters import read_filter
from kuzzle.realtime.matcher import CollectionMatcher, Matcher

BOUND = 5000


def matcher_of(*filters: Any) -> CollectionMatcher[int]:
    matcher: CollectionMatcher[int] = CollectionMatcher()
    for number, one in enumerate(filters):
        matcher.add(read_filter(one, BOUND), number)
    return matcher


@settings(max_examples=600, deadline=None)
@given(st.lists(FILTERS, min_size=1, max_size=12), st.lists(DOCUMENTS, min_size=1, max_size=4), DOCUMENT_IDS)
def test_a_match_is_what_plain_reading_gives(
    filters: list[Any], documents: list[dict[str, Any]], document_id: str | None
) -> None:
    matcher = matcher_of(*filters)
    for document in documents:
        wanted = [number for number, one in enumerate(filters) if matches(one, document, document_id)]
        assert sorted(matcher.match(document_id, document)) == wanted


@settings(max_examples=300, deadline=None)
@given(st.lists(FILTERS, min_size=2, max_size=12), st.data(), DOCUMENTS)
def test_removed_filters_leave_no_trace(filters: list[Any], data: st.DataObject, document: dict[str, Any]) -> None:
    matcher = matcher_of(*filters)
    leaving = data.draw(st.permutations(range(len(filters))))
    staying = set(leaving)
    for number in leaving:
        matcher.remove(read_filter(filters[number], BOUND), number)
        staying.discard(number)
        assert sorted(matcher.match(None, document)) == [
            other for other in sorted(staying) if matches(filters[other], document)
        ]
    assert len(matcher) == 0
    assert not matcher._terms.fields
    assert not matcher._excluding.fields
    assert not matcher._paths.root.children
    assert not matcher._overlapping


@pytest.mark.parametrize(
    ("filters", "document", "is_match"),
    [
        ({}, {}, True),
        ({"equals": {"a": 1}}, {"a": 1.0}, True),
        ({"equals": {"a": 1}}, {"a": True}, False),
        ({"equals": {"a": 1}}, {"a": "1"}, False),
        ({"equals": {"a": False}}, {"a": 0}, False),
        ({"equals": {"a": 0}}, {"a": -0.0}, True),
        ({"equals": {"a": None}}, {"a": None}, True),
        ({"equals": {"a": None}}, {}, False),
        ({"equals": {"a": "x"}}, {"a": ["x"]}, False),
        ({"equals": {"a.b": 1}}, {"a": {"b": 1}}, True),
        ({"equals": {"a.b": 1}}, {"a.b": 1}, True),
        ({"equals": {"a.b": 2}}, {"a.b": 1, "a": {"b": 2}}, True),
        ({"equals": {"a.b": 1}}, {"a.b": 1, "a": {"b": 2}}, False),
        ({"equals": {"a.b.c": 1}}, {"a": {"b.c": 1}}, True),
        ({"equals": {"a..b": 1}}, {"a": {"": {"b": 1}}}, True),
        ({"equals": {"x": 1}}, {"": {"": {"x": 1}}}, True),
        ({"equals": {".x": 1}}, {"": {"x": 1}}, False),
        ({"equals": {".x": 1}}, {".x": 1}, True),
        ({"equals": {"list.0": 1}}, {"list": [1]}, False),
        ({"exists": "a"}, {"a": None}, True),
        ({"exists": "a"}, {"a": {}}, True),
        ({"exists": "a"}, {"b": 1}, False),
        ({"exists": {"field": "a"}}, {"a": []}, True),
        ({"exists": 'a["1"]'}, {"a": [1]}, False),
        ({"exists": "a[1]"}, {"a": [2, 1, 1.0]}, True),
        ({"exists": "a[1]"}, {"a": [True]}, False),
        ({"exists": "a[ null ]"}, {"a": [None]}, True),
        ({"exists": 'a["x]"]'}, {"a": ["x]"]}, True),
        ({"exists": r"a\[b\]"}, {"a[b]": 1}, True),
        ({"exists": r'a\[b["x"]'}, {"a[b": ["x"]}, True),
        ({"exists": "[1]"}, {"[1]": 0}, True),
        ({"exists": 'a["x"].b'}, {'a["x"]': {"b": 1}}, True),
        ({"exists": "a[{}]"}, {"a": [{}]}, False),
        ({"not": {"exists": "a[{}]"}}, {"a": [{}]}, True),
        ({"range": {"a": {"gt": 1}}}, {"a": 1}, False),
        ({"range": {"a": {"gt": 1}}}, {"a": 1 + 2**-52}, True),
        ({"range": {"a": {"gt": 10**9}}}, {"a": 10**9}, False),
        ({"range": {"a": {"gt": 2**53}}}, {"a": 2**53 + 1}, True),
        ({"range": {"a": {"lt": -(2**63)}}}, {"a": -(2**63)}, False),
        ({"range": {"a": {"gt": 2**64 - 1}}}, {"a": 2**64 - 1}, False),
        ({"range": {"a": {"gt": 1, "lt": 1 + 2**-52}}}, {"a": 1}, False),
        ({"range": {"a": {"gte": 1}}}, {"a": True}, False),
        ({"range": {"a": {"gte": 1}}}, {"a": "2"}, False),
        ({"not": {"range": {"a": {"gte": 1}}}}, {"a": "2"}, True),
        ({"not": {"equals": {"a": 1}}}, {}, True),
        ({"in": {"a": ["x", "y"]}}, {"a": "y"}, True),
        ({"equals": {"_id": "doc"}}, {"_id": "another"}, True),
        ({"not": {"in": {"a": ["x", "y"]}}}, {"a": "y"}, False),
        ({"and": [{"exists": 'a["x"]'}, {"not": {"exists": 'a["y"]'}}]}, {"a": ["x"]}, True),
        ({"and": [{"not": {"equals": {"a": "1"}}}, {"equals": {"a": 1}}]}, {"a": 1}, True),
        ({"exists": "constructor"}, {"constructor": 1}, True),
    ],
)
def test_the_meaning_of_keywords(filters: Any, document: dict[str, Any], is_match: bool) -> None:
    assert matcher_of(filters).match("doc", document) == [0] * is_match


def test_the_id_of_the_body_counts_where_no_other_is_known() -> None:
    matcher = matcher_of({"equals": {"_id": "own"}})
    assert matcher.match(None, {"_id": "own"}) == [0]
    assert matcher.match(None, {}) == []


def test_a_room_is_found_once_however_many_of_its_terms_hold() -> None:
    matcher = matcher_of(
        {"or": [{"equals": {"a": 1}}, {"exists": "b"}, {"not": {"exists": "c"}}, {"not": {"exists": "d"}}]},
        {"or": [{"exists": "a[1]"}, {"exists": "a[2]"}]},
    )
    assert matcher.match(None, {"a": 1, "b": 2}) == [0]
    assert sorted(matcher.match(None, {"a": [2, 1, 1]})) == [0, 1]


def test_filters_that_come_and_go_between_matches_are_found_at_once() -> None:
    """What a value finds is listed once for many matches: a list must not outlive a change."""
    matcher: CollectionMatcher[int] = CollectionMatcher()
    form = read_filter({"in": {"a": ["x", "y"]}})
    present: list[int] = []
    for number in (1, 2, 3, -2, 4, -1, -3, 5, -4, -5, 6):
        if number > 0:
            matcher.add(form, number)
            present.append(number)
        else:
            matcher.remove(form, -number)
            present.remove(-number)
        for _ in range(2):
            found = matcher.match(None, {"a": "y"})
            assert sorted(found) == sorted(present)
            found.append(0)  # the caller's own


def test_collections_do_not_hear_of_each_other() -> None:
    matcher: Matcher[str] = Matcher()
    everything = read_filter({})
    matcher.add("library", "books", everything, "room")
    assert matcher.match("library", "books", None, {}) == ["room"]
    assert matcher.match("library", "authors", None, {}) == []
    assert matcher.match("books", "library", None, {}) == []
    matcher.remove("library", "books", everything, "room")
    assert list(matcher) == []
    assert matcher.find("library", "books") is None


def test_removing_what_was_never_added_is_an_error() -> None:
    matcher = matcher_of({"equals": {"a": 1}}, {"and": [{"equals": {"a": 1}}, {"exists": "b"}]})
    for filters in ({"equals": {"b": 1}}, {"equals": {"a": 2}}, {"range": {"a": {"gt": 1}}}, {"not": {"exists": "a"}}):
        with pytest.raises(KeyError):
            matcher.remove(read_filter(filters), 0)


def test_a_document_of_long_keys_and_deep_nests_costs_no_more_than_its_keys() -> None:
    matcher = matcher_of({"equals": {"a.b": 1}})
    deep: dict[str, Any] = {"a": {"b": 1}}
    for _ in range(1000):
        deep = {"": deep}
    assert matcher.match(None, deep) == [0]
    wide = {"k" * 500_000: {f"key{number}": number for number in range(50_000)}}  # 25 GB, if written out
    assert matcher.match(None, wide) == []
