"""Queries and search bodies as clients write them, read into the tree or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.clauses import MAX_CLAUSES
from kuzzle.storage.nested_tree import NestedLevel
from kuzzle.storage.query import (
    MATCH_ALL,
    Bool,
    Exists,
    Ids,
    MatchAll,
    MatchNone,
    Range,
    Search,
    Sort,
    SourceFilter,
    Term,
    Terms,
    parse_query,
    parse_search,
)
from kuzzle.storage.reading import MAX_TERMS, minimum_should_match

BAD_REQUEST = "services.storage.unexpected_bad_request"


def refused(body: Any) -> str:
    """Return the text that refuses a query."""
    with pytest.raises(KuzzleError) as caught:
        parse_query(body)
    assert (caught.value.id, caught.value.status) == (BAD_REQUEST, 400)
    return caught.value.message


def search(body: Any = None, offset: int | None = None, size: int | None = None) -> Search:
    """Read a search body."""
    return parse_search(body, offset=offset, size=size)


def refused_search(body: Any, offset: int | None = None, size: int | None = None) -> str:
    """Return the text that refuses a search body."""
    with pytest.raises(KuzzleError) as caught:
        search(body, offset, size)
    assert (caught.value.id, caught.value.status) == (BAD_REQUEST, 400)
    return caught.value.message


# --- queries


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, MATCH_ALL),
        ({}, MATCH_ALL),
        ({"match_all": {}}, MATCH_ALL),
        ({"match_all": {"boost": 2}}, MatchAll(2.0)),
        ({"match_none": {}}, MatchNone()),
        ({"term": {"a": 1}}, Term("a", 1)),
        ({"term": {"a": {"value": True, "boost": "1.5"}}}, Term("a", True, 1.5)),
        ({"term": {"a": {"value": "x", "_name": "mine"}}}, Term("a", "x")),
        ({"terms": {"a": [1, "x"]}}, Terms("a", (1, "x"))),
        ({"terms": {"a": [], "boost": 3}}, Terms("a", (), 3.0)),
        ({"range": {"a": {"gt": 1, "lte": 2}}}, Range("a", 1, 2, False, True)),
        ({"range": {"a": {"gte": None, "lt": 2}}}, Range("a", None, 2, True, False)),
        ({"range": {"a": {"from": 1, "to": 2, "include_lower": False}}}, Range("a", 1, 2, False, True)),
        ({"range": {"a": {"gte": "now", "format": "yyyy", "time_zone": "+01:00", "boost": 2}}},
         Range("a", "now", None, True, True, "yyyy", "+01:00", 2.0)),
        ({"exists": {"field": "a.b"}}, Exists("a.b")),
        ({"ids": {"values": ["a", 1]}}, Ids(("a", "1"))),
        ({"ids": {"values": "a", "boost": 2}}, Ids(("a",), 2.0)),
        ({"ids": {"values": "a", "type": "t", "boost": 2}},
         Bool(must=(Ids(("a",), 2.0),), filter=(Terms("_type", ("t",)),))),
        ({"bool": {"must_not": {"match_all": {}}, "adjust_pure_negative": False}}, MatchNone()),
        ({"bool": {}}, MATCH_ALL),
        ({"bool": {"must": [], "filter": {}, "should": None}}, MATCH_ALL),
        ({"bool": {"must": {"term": {"a": 1}}, "filter": [{"match_all": {}}, {}]}},
         Bool(must=(Term("a", 1),), filter=(MATCH_ALL,))),
        ({"bool": {"should": [{"match_none": {}}], "must_not": {"ids": {"values": []}}, "minimum_should_match": "50%",
                   "boost": 2}},
         Bool(should=(MatchNone(),), must_not=(Ids(()),), minimum_should_match=0, boost=2.0)),
    ],
)  # fmt: skip
def test_a_query_is_read(body: Any, expected: Any) -> None:
    assert parse_query(body) == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"equals": {"a": 1}}, "no [query] registered for [equals]"),
        ({"more_like_this": {"a": 1}}, "no [query] registered for [more_like_this]"),
        ({"script": {"source": "1"}}, "no [query] registered for [script]"),
        ({"bool": {"must": [{"bool": {"filter": {"nonsense": {}}}}]}}, "no [query] registered for [nonsense]"),
        ([], "[_na] query malformed, must start with start_object"),
        ("x", "[_na] query malformed, must start with start_object"),
        ({"bool": {"must": [1]}}, "[_na] query malformed, must start with start_object"),
        ({"term": 1}, "[term] query malformed, no start_object after query name"),
        ({"bool": []}, "[bool] query malformed, no start_object after query name"),
        ({"term": {"a": 1}, "range": {}},
         "[term] malformed query, expected [END_OBJECT] but found [FIELD_NAME] (range)"),
        ({"term": {"a": 1, "b": 2}}, "[term] query doesn't support multiple fields, found [a] and [b]"),
        ({"range": {"a": {}, "b": {}}}, "[range] query doesn't support multiple fields, found [a] and [b]"),
        ({"terms": {"a": [], "b": []}}, "[terms] query doesn't support multiple fields, found [a] and [b]"),
        ({"term": {}}, "[term] requires fieldName: field name is null or empty"),
        ({"term": {"": 1}}, "field name is null or empty"),
        ({"term": {"a": [1]}}, "[term] query does not support array of values"),
        ({"term": {"a": None}}, "value cannot be null"),
        ({"term": {"a": {"valeu": 1}}}, "[term] query does not support [valeu]"),
        ({"term": {"a": {"value": {}}}}, "[term] query does not support [object]"),
        ({"terms": {"a": "x"}}, "[terms] query does not support [a]"),
        ({"terms": {"a": {"index": "i", "id": 1, "path": "p"}}},
         "[terms] query does not support values of another document for [a]"),
        ({"terms": {"a": [None]}}, "No value specified for terms query"),
        ({"terms": {"a": [[1]]}}, "[terms] query does not support [array]"),
        ({"terms": {"a": [1] * (MAX_TERMS + 1)}}, "The number of terms [65537] exceeds the allowed maximum of [65536]"),
        ({"range": {"a": 1}}, "[range] query does not support [a]"),
        ({"range": {"a": {"above": 1}}}, "[range] query does not support [above]"),
        ({"range": {"a": {"gt": [1]}}}, "[range] query does not support [array]"),
        ({"range": {"a": {"gt": 1, "boost": "much"}}}, "[range] [boost] must be a number"),
        ({"range": {"a": {"include_lower": "perhaps"}}}, "[range] [include_lower] must be a boolean"),
        ({"exists": {}}, "[exists] must be provided with a [field]"),
        ({"exists": {"field": 1}}, "[exists] must be provided with a [field]"),
        ({"exists": {"name": "a"}}, "[exists] query does not support [name]"),
        ({"ids": {}}, "[ids] requires providing a [values] array of ids"),
        ({"ids": {"values": [{}]}}, "Illegal value for id, expecting a string or number"),
        ({"ids": {"values": ["a"] * (MAX_TERMS + 1)}},
         "The number of ids [65537] exceeds the allowed maximum of [65536]"),
        ({"match_all": {"field": "a"}}, "[match_all] query does not support [field]"),
        ({"bool": {"may": []}}, "[bool] query does not support [may]"),
        ({"bool": {"must": "x"}}, "[bool] query does not support [must]"),
        ({"bool": {"should": [{}], "minimum_should_match": "most"}}, 'For input string: "most"'),
        ({"bool": {"minimum_should_match": []}}, "[bool] query does not support [minimum_should_match] of this type"),
    ],
)  # fmt: skip
def test_a_query_that_is_not_understood_is_refused_by_name(body: Any, text: str) -> None:
    assert refused(body) == text


def test_a_query_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {"match_all": {}}
    for _ in range(5000):
        deep = {"bool": {"must": [deep]}}
    assert refused(deep) == "The query is nested too deep: more than 50 levels"


def test_a_query_of_too_many_clauses_is_refused() -> None:
    wide = {"bool": {"should": [{"term": {"a": 1}}] * MAX_CLAUSES}}
    assert refused(wide) == "too_many_clauses: maxClauseCount is set to 1024"
    wide["bool"]["should"].pop()
    assert isinstance(parse_query(wide), Bool)


@pytest.mark.parametrize(
    ("wanted", "clauses", "expected"),
    [(2, 3, 2), ("2", 3, 2), (-1, 3, 2), (-5, 3, 0), ("75%", 4, 3), ("-25%", 4, 3), ("-25%", 3, 3), ("100%", 3, 3),
     ("3<90%", 3, 3), ("3<90%", 10, 9), ("2<-25% 9<-3", 2, 2), ("2<-25% 9<-3", 8, 6), ("2 < -25% 9 < -3", 12, 9)],
)  # fmt: skip
def test_minimum_should_match_takes_all_its_forms(wanted: Any, clauses: int, expected: int) -> None:
    assert minimum_should_match(wanted, clauses) == expected


@pytest.mark.parametrize("wanted", ["", "x", "2<", "<2", "%", "1.5", True, 1.5, None, "9" * 20])
def test_minimum_should_match_refuses_other_forms(wanted: Any) -> None:
    with pytest.raises(KuzzleError):
        minimum_should_match(wanted, 3)


NAMES = st.sampled_from(
    ["bool", "must", "filter", "should", "must_not", "term", "terms", "range", "exists", "field", "ids", "values",
     "gte", "lt", "boost", "match_all", "minimum_should_match", "a", "", "query", "sort", "_source", "from", "size",
     "order"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20000) | st.floats(allow_nan=False) | st.text(max_size=3) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_any_query_is_read_or_refused(body: Any) -> None:
    error_id: str | None = BAD_REQUEST
    try:
        parse_query(body)
    except KuzzleError as error:
        error_id = error.id
    assert error_id == BAD_REQUEST


@given(st.dictionaries(NAMES, JSON, max_size=4), st.none() | st.integers(-5, 20000), st.none() | st.integers(-5, 20000))
def test_any_search_is_read_or_refused(body: dict[str, Any], offset: int | None, size: int | None) -> None:
    error_id: str | None = BAD_REQUEST
    read = Search()
    try:
        read = search(body, offset, size)
    except KuzzleError as error:
        error_id = error.id
    assert error_id == BAD_REQUEST
    assert 0 <= read.offset + read.size <= 10000


# --- search bodies


def test_an_empty_search_finds_everything() -> None:
    for body in (None, {}, {"query": {}, "sort": {}}, {"query": None, "sort": None, "from": None, "size": None}):
        assert search(body) == Search(MATCH_ALL, 0, 10, (), None)


def test_arguments_override_the_body_only_when_given() -> None:
    body = {"from": 3, "size": "4"}
    assert (search(body).offset, search(body).size) == (3, 4)
    assert (search(body, offset=0).offset, search(body, offset=0).size) == (0, 4)
    assert (search(body, size=0).offset, search(body, size=0).size) == (3, 0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"suggestions": {}}, "Unknown key for a START_OBJECT in [suggestions]."),
        ({"filters": []}, "Unknown key for a START_ARRAY in [filters]."),
        ({"x": "y"}, "Unknown key for a VALUE_STRING in [x]."),
        ({"from": -1}, "[from] parameter cannot be negative, found [-1]"),
        ({"size": -1}, "[size] parameter cannot be negative, found [-1]"),
        ({"size": "many"}, "[size] must be an integer"),
        ({"size": True}, "[size] must be an integer"),
        ({"from": 1.5}, "[from] must be an integer"),
        ({"query": []}, "[_na] query malformed, must start with start_object"),
        ({"sort": 1}, "malformed sort format, within the sort array, an object, or an actual string are allowed"),
        ({"sort": [[]]}, "malformed sort format, within the sort array, an object, or an actual string are allowed"),
        ({"sort": {"a": 1}}, "[sort] malformed options of [a], expected a string or an object"),
        ({"sort": {"a": "up"}}, "Unknown SortOrder [up]"),
        ({"sort": {"a": {"mode": "best"}}}, "Unknown SortMode [best]"),
        ({"sort": {"a": {"mode": ["avg"]}}}, "Unknown SortMode [['avg']]"),
        ({"sort": {"a": {"nested_filter": {}}}}, "[nested_filter] of a sort needs [nested_path]"),
        ({"sort": {"a": {"nested_path": 1}}}, "Sorting by nested objects needs their path"),
        ({"sort": {"a": {"nested": "b"}}}, "[nested] of a sort must be an object"),
        ({"sort": {"a": {"nested": {"path": "b", "max_children": 1}}}},
         "[nested_sort] unknown field [max_children], parser not found"),
        ({"sort": {"a": {"nested": {"path": "b"}, "nested_path": "b"}}},
         "Sorting by nested objects takes [nested_path] and [nested_filter], or [nested], not both"),
        ({"sort": {"_id": {"nested_path": "b"}}}, "[_id] sort takes only [order]"),
        ({"sort": {"a": {"unmapped_type": "strange"}}}, "No mapper found for type [strange]"),
        ({"query": {"match_all": {"_name": 1}}}, "[match_all] [_name] must be a text"),
        ({"query": {"nested": {"path": "a", "query": {"match_all": {"_name": "b"}}}}},
         "[match_all] [_name] inside of [nested] is not supported"),
        ({"sort": {"_script": {"script": "1"}}}, "[_script] sort is not supported"),
        ({"sort": {"_geo_distance": {}}}, "[_geo_distance] sort needs one field, found []"),
        ({"sort": {"a": {"reverse": True}}}, "[field_sort] unknown field [reverse], parser not found"),
        ({"sort": ""}, "[sort] field name is null or empty"),
        ({"sort": {"_score": {"mode": "min"}}}, "[_score] sort takes only [order]"),
        ({"sort": {"_score": {"unmapped_type": "long"}}}, "[_score] sort takes only [order]"),
        ({"sort": [{"a": {"missing": []}}]}, "[field_sort] malformed options of [a]"),
        ({"sort": ["a"] * 33}, "Too many sort keys: [33], at most [32] are allowed"),
        ({"highlight": []}, "[highlight] must be an object"),
        ({"highlight": {"order": "score"}}, "[highlight] unknown field [order], parser not found"),
        ({"highlight": {"type": "bold"}}, "unknown highlighter type [bold]"),
        ({"highlight": {"fields": 1}}, "[highlight] [fields] must be an object or a list of objects"),
        ({"highlight": {"fields": {"a": 1}}}, "[highlight] the options of [a] must be an object"),
        ({"highlight": {"fields": {"a": {"fragment_size": 0}}}}, "[highlight] [fragment_size] must be an integer from "
                                                                 "1 to 10000"),
        ({"highlight": {"fields": {"a": {"pre_tags": []}}}}, "[highlight] [pre_tags] must be a list of texts"),
        ({"highlight": {"fields": {"*a*b*c*d*": {}}}}, "[highlight] too many wildcards in [*a*b*c*d*]"),
        ({"highlight": {"fields": [{"a": {}}] * 101}}, "Too many fields in [highlight]: at most [100] are allowed"),
        ({"search_after": [1]}, "Sort must contain at least one field."),
        ({"search_after": [1], "sort": {}}, "Sort must contain at least one field."),
        ({"search_after": [1], "sort": ["a", "b"]}, "search_after has 1 value(s) but sort has 2."),
        ({"search_after": 1, "sort": "a"}, "Expected [START_ARRAY] in [search_after] but found [VALUE_NUMBER]"),
        ({"search_after": [], "sort": "a"}, "Values must contains at least one value."),
        ({"search_after": [[1]], "sort": "a"}, "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or "
                                               "[VALUE_NULL] but found [START_ARRAY] inside search_after."),
        ({"search_after": [1], "sort": "a", "from": 1}, "`from` parameter must be set to 0 or -1 when `search_after` "
                                                       "is used."),
        ({"_source": {"only": "a"}}, "Unknown key for a VALUE_STRING in [only]."),
        ({"_source": 1}, "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] in [_source] but "
                         "found [VALUE_NUMBER]"),
        ({"_source": [1]}, "Unknown key for a VALUE_STRING in [_source]."),
        ({"_source": ["*a*b*c*d*e*"]}, "Unknown key for a VALUE_STRING in [_source]."),
        ({"_source": ["a"] * 101}, "Too many patterns in [_source]: at most [100] are allowed"),
    ],
)  # fmt: skip
def test_a_search_that_is_not_understood_is_refused_by_name(body: Any, text: str) -> None:
    assert refused_search(body) == text


def test_a_page_beyond_the_window_is_refused() -> None:
    assert search({"from": 9990}).size == 10
    text = (
        "Result window is too large, from + size must be less than or equal to: [10000] but was [10001]. "
        "See the scroll api for a more efficient way to request large data sets."
    )
    assert refused_search({"from": 9991}) == text
    assert refused_search({}, offset=10000, size=1) == text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("a", (Sort("a"),)),
        ("_score", (Sort("_score", "desc"),)),
        ([], ()),
        ({"a": "DESC"}, (Sort("a", "desc"),)),
        ({"a": {"order": "desc", "mode": "min", "missing": "_first", "unmapped_type": "long"}},
         (Sort("a", "desc", "min", "_first", "long"),)),
        (["a", {"b": "desc", "c": {}}, "_doc", {"_uid": {"order": "desc"}}, {"_id": "asc"}],
         (Sort("a"), Sort("b", "desc"), Sort("c"), Sort("_doc"), Sort("_uid", "desc"), Sort("_id"))),
        ([{"a.b": {"missing": 0}}], (Sort("a.b", missing=0),)),
        ({"a.b": {"mode": "AVG", "nested_path": "a", "nested_filter": {"term": {"a.c": 1}}}},
         (Sort("a.b", mode="avg", nested=(NestedLevel("a", Term("a.c", 1)),)),)),
        ({"a.b.c": {"nested": {"path": "a", "filter": {"match_all": {}}, "nested": {"path": "a.b"}}}},
         (Sort("a.b.c", nested=(NestedLevel("a", MatchAll()), NestedLevel("a.b"))),)),
    ],
)  # fmt: skip
def test_a_sort_is_read_in_every_form(sort: Any, expected: tuple[Sort, ...]) -> None:
    assert search({"sort": sort}).sort == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        (True, None),
        (False, False),
        ("a", SourceFilter(("a",))),
        (["a", "b.*"], SourceFilter(("a", "b.*"))),
        ({"includes": "a", "excludes": ["b"]}, SourceFilter(("a",), ("b",))),
        ({"include": ["a"], "exclude": "b"}, SourceFilter(("a",), ("b",))),
        ({}, SourceFilter()),
    ],
)
def test_the_parts_of_a_content_are_read_in_every_form(wanted: Any, expected: Any) -> None:
    assert search({"_source": wanted}).source == expected


SOURCE = {"a": 1, "b": {"c": 2, "d": {"e": 3, "f": []}}, "l": [{"x": 1, "y": 2}, {"y": 3}, 4], "g": {}}


@pytest.mark.parametrize(
    ("includes", "excludes", "expected"),
    [
        ((), (), SOURCE),
        (("a",), (), {"a": 1}),
        (("b",), (), {"b": SOURCE["b"]}),
        (("b.d",), (), {"b": {"d": {"e": 3, "f": []}}}),
        (("b.d.e", "none"), (), {"b": {"d": {"e": 3}}}),
        (("*e",), (), {"b": {"d": {"e": 3}}}),
        (("b.*",), ("b.d.*",), {"b": {"c": 2}}),
        ((), ("b.d", "l", "g"), {"a": 1, "b": {"c": 2}}),
        ((), ("b.c", "b.d.e"), {"a": 1, "b": {"d": {"f": []}}, "l": SOURCE["l"], "g": {}}),
        (("l.x",), (), {"l": [{"x": 1}]}),
        ((), ("*.y",), {**SOURCE, "l": [{"x": 1}, 4]}),
        (("a",), ("a",), {}),
        (("a.b",), (), {}),
        (("A",), (), {}),
        (("g",), (), {"g": {}}),
    ],
)
def test_a_source_filter_picks_by_path(
    includes: tuple[str, ...], excludes: tuple[str, ...], expected: dict[str, Any]
) -> None:
    assert SourceFilter(includes, excludes).apply(SOURCE) == expected
