"""Queries of queries: read from what clients write, refused by name, and what only a store can refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FieldFactor, FunctionScore, ScoreFunction
from kuzzle.storage.query import MATCH_ALL, MatchNone, Search, Term, parse_query
from kuzzle.storage.sqlite import SqliteStorage

A, B = {"term": {"a": 1}}, {"term": {"b": 2}}
TERM_A, TERM_B = Term("a", 1), Term("b", 2)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"constant_score": {"filter": A}}, ConstantScore(TERM_A)),
        ({"constant_score": {"filter": A, "boost": "2"}}, ConstantScore(TERM_A, 2.0)),
        ({"constant_score": {"filter": {}}}, ConstantScore(MATCH_ALL)),
        ({"dis_max": {"queries": [A, {}, B], "tie_breaker": 0.5, "boost": 2}}, DisMax((TERM_A, TERM_B), 0.5, 2.0)),
        ({"dis_max": {"queries": A}}, DisMax((TERM_A,))),
        ({"dis_max": {"queries": [{}]}}, MatchNone()),
        ({"boosting": {"positive": A, "negative": B, "negative_boost": 0.2}}, Boosting(TERM_A, TERM_B, 0.2)),
        ({"function_score": {}}, FunctionScore(MATCH_ALL)),
        ({"function_score": {"query": A, "weight": 3}}, FunctionScore(TERM_A, (ScoreFunction(MATCH_ALL, 3.0),))),
        (
            {"function_score": {"field_value_factor": {"field": "n", "factor": 2, "modifier": "log1p", "missing": 1}}},
            FunctionScore(MATCH_ALL, (ScoreFunction(MATCH_ALL, 1.0, FieldFactor("n", 2.0, "log1p", 1.0)),)),
        ),
        (
            {
                "function_score": {
                    "query": A,
                    "functions": [{"filter": B, "weight": 2}, {"field_value_factor": {"field": "n"}}],
                    "score_mode": "sum",
                    "boost_mode": "replace",
                    "max_boost": 10,
                    "min_score": 1,
                    "boost": 2,
                }
            },
            FunctionScore(
                TERM_A,
                (ScoreFunction(TERM_B, 2.0), ScoreFunction(MATCH_ALL, 1.0, FieldFactor("n"))),
                "sum",
                "replace",
                10.0,
                1.0,
                2.0,
            ),
        ),
    ],
)
def test_a_compound_clause_is_read(body: Any, expected: Any) -> None:
    assert parse_query(body) == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"constant_score": {}}, "[constant_score] requires a 'filter' element"),
        ({"constant_score": {"filter": A, "query": B}}, "[constant_score] query does not support [query]"),
        ({"dis_max": {}}, "[dis_max] requires 'queries' field with at least one clause"),
        ({"dis_max": {"queries": []}}, "[dis_max] requires 'queries' field with at least one clause"),
        ({"dis_max": {"queries": [A], "tie_breaker": 2}}, "[dis_max] [tie_breaker] must be between 0 and 1"),
        ({"dis_max": {"queries": [{"nonsense": {}}]}}, "no [query] registered for [nonsense]"),
        ({"boosting": {"negative": A}}, "[boosting] query requires 'positive' query to be set"),
        ({"boosting": {"positive": A}}, "[boosting] query requires 'negative' query to be set"),
        ({"boosting": {"positive": A, "negative": B}}, "[boosting] query requires 'negative_boost' to be set"),
        ({"function_score": {"script_score": {"script": "1"}}},
         "[function_score] the function [script_score] is not supported"),
        ({"function_score": {"functions": [{"gauss": {}}]}}, "[function_score] the function [gauss] is not supported"),
        ({"function_score": {"functions": [{"filter": A}]}}, "an entry in functions list is missing a function."),
        ({"function_score": {"functions": [{"nonsense": 1}]}},
         "[function_score] no function registered for [nonsense]"),
        ({"function_score": {"functions": [], "weight": 1}},
         "already found [functions] array, now encountering [weight]."),
        ({"function_score": {"functions": [{"weight": 1}] * 101}},
         "[function_score] too many functions: at most 100 are allowed"),
        ({"function_score": {"score_mode": "x"}}, "[function_score] illegal score_mode [x]"),
        ({"function_score": {"nonsense": 1}}, "[function_score] query does not support [nonsense]"),
        ({"function_score": {"field_value_factor": {}}}, "[field_value_factor] required field 'field' missing"),
        ({"function_score": {"field_value_factor": {"field": "n", "x": 1}}},
         "field_value_factor query does not support [x]"),
        ({"function_score": {"field_value_factor": {"field": "n", "modifier": "cube"}}},
         "[function_score] illegal modifier [cube]"),
    ],
)  # fmt: skip
def test_a_faulty_compound_clause_is_refused_by_name(body: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_query(body)
    assert (caught.value.id, caught.value.message) == ("services.storage.unexpected_bad_request", text)


@pytest.mark.parametrize("name", ["geo_distance_range", "geo_shape", "more_like_this", "has_child", "has_parent",
                                  "percolate", "script"])  # fmt: skip
def test_a_clause_that_is_not_supported_is_refused_by_name(name: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_query({name: {}})
    assert caught.value.message == f"no [query] registered for [{name}]"


async def test_a_factor_of_a_field_without_numbers_is_refused(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db")
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", {"properties": {"k": {"type": "keyword"}}})
    for field, text in (
        ("k", "[field_value_factor] needs a number: [k] is of type [keyword]"),
        ("none", "Unable to find a field mapper for field [none]. No 'missing' value defined."),
    ):
        query = parse_query({"function_score": {"field_value_factor": {"field": field}}})
        with pytest.raises(KuzzleError) as caught:
            await storage.search("i", "c", Search(query))
        assert caught.value.message == text
    await storage.close()


@pytest.mark.parametrize("name", ["dis_max", "boosting", "function_score", "constant_score"])
async def test_the_deepest_query_that_is_allowed_is_answered(tmp_path: Path, name: str) -> None:
    query: dict[str, Any] = {"match_all": {}}
    for _ in range(24):
        inner = query
        query = {
            "dis_max": {"dis_max": {"queries": [inner, {"match_none": {}}], "tie_breaker": 0.5}},
            "boosting": {"boosting": {"positive": inner, "negative": {"match_none": {}}, "negative_boost": 0.5}},
            "function_score": {"function_score": {"query": inner, "weight": 1, "score_mode": "avg", "min_score": 0.5}},
            "constant_score": {"constant_score": {"filter": inner}},
        }[name]
    storage = SqliteStorage(tmp_path / "kuzzle.db")
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", None)
    page = await storage.search("i", "c", Search(parse_query(query)))
    assert page.total == 0
    await storage.close()
