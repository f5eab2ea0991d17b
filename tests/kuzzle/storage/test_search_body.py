"""Bodies of searches: what they may not say about hits and groups."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.query import parse_search


@pytest.mark.parametrize(
    ("body", "text"),
    [
        *(({name: value}, f"[{name}] of a search is not supported") for name, value in (
            ("profile", True), ("script_fields", {}),
            ("suggest", {}), ("rescore", {}), ("terminate_after", 1), ("indices_boost", []),
            ("slice", {}), ("stats", []), ("ext", {}))),
        ({"query": {"bool": {"should": [{"match_all": {"_name": "x"}}] * 400}},
          "post_filter": {"bool": {"must": [{"match_all": {"_name": "x"}}] * 101}}},
         "Too many clauses with a [_name]: at most [500] are allowed"),
        ({"version": "no"}, "[search] [version] must be a boolean"),
        ({"min_score": "high"}, "[search] [min_score] must be a number"),
        ({"collapse": []}, "[collapse] must be an object"),
        ({"collapse": {}}, "[collapse] must have a [field]"),
        ({"collapse": {"field": "a", "size": 1}}, "[collapse] unknown field [size], parser not found"),
        ({"collapse": {"field": "a", "max_concurrent_group_searches": 0}},
         "[max_concurrent_group_searches] must be positive"),
        ({"collapse": {"field": "a", "inner_hits": 1}}, "[inner_hits] must be an object"),
        ({"collapse": {"field": "a", "inner_hits": {"size": 1}}},
         "[inner_hits] must have a [name] when used with [collapse]"),
        ({"collapse": {"field": "a", "inner_hits": {"name": "x", "query": {}}}},
         "[inner_hits] unknown field [query], parser not found"),
        ({"collapse": {"field": "a", "inner_hits": {"name": "x", "script_fields": {}}}},
         "[inner_hits] [script_fields] is not supported in [collapse]"),
        ({"collapse": {"field": "a", "inner_hits": [{"name": "x"}, {"name": "x"}]}},
         "[inner_hits] already contains an entry for key [x]"),
        ({"collapse": {"field": "a", "inner_hits": [{"name": f"x{i}"} for i in range(11)]}},
         "[collapse] too many [inner_hits]: at most [10] are allowed"),
        ({"collapse": {"field": "a"}, "sort": "b", "search_after": [1]},
         "cannot use `collapse` in conjunction with `search_after`"),
        *(({"timeout": value}, f"failed to parse setting [timeout] with value [{value}] as a time value: unit is "
                               "missing or unrecognized") for value in (10, "10", "soon", "-2s", [])),
        ({"explain": "why"}, "[search] [explain] must be a boolean"),
        ({"docvalue_fields": {"a": 1}}, "[docvalue_fields] does not support [a]"),
        ({"docvalue_fields": [{"field": "a", "format": "x"}]}, "[docvalue_fields] does not support [format]"),
        ({"docvalue_fields": [1]}, "[docvalue_fields] must be a list of names of fields"),
        ({"docvalue_fields": [f"a{i}" for i in range(101)]},
         "Too many fields in [docvalue_fields]: at most [100] are allowed"),
        ({"stored_fields": "_none_"}, "[stored_fields] [_none_] is not supported"),
        ({"stored_fields": [1]}, "[stored_fields] must be a list of names of fields"),
        ({"stored_fields": ["a"] * 101}, "Too many patterns in [stored_fields]: at most [100] are allowed"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_understood_is_refused_by_name(body: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_search(body, offset=None, size=None)
    assert (caught.value.id, caught.value.status) == ("services.storage.unexpected_bad_request", 400)
    assert caught.value.message == text


def test_what_is_off_may_be_said() -> None:
    body = {"profile": False, "explain": "false", "version": False, "track_scores": "false", "timeout": None}
    assert parse_search(body, offset=None, size=None) == parse_search({}, offset=None, size=None)
