"""What every storage backend must find by query strings."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import Storage
from tests.contracts.filling import found, make_collection, put_all, refusal, search

MAPPING = {
    "properties": {
        "t": {"type": "text"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "d": {"type": "date"},
        "b": {"type": "boolean"},
        "g": {"type": "geo_point"},
        "s": {"type": "text", "analyzer": "stop"},
        "w": {"type": "text", "analyzer": "whitespace"},
        "o": {"properties": {"a": {"type": "text"}, "k": {"type": "keyword"}}},
        "items": {"type": "nested", "properties": {"t": {"type": "text"}}},
    }
}
DOCUMENTS: dict[str, Any] = {
    "fox": {"t": "The quick brown Fox", "k": "Quick Fox", "n": 1, "b": True, "d": "2020-02-03", "s": "the fox"},
    "dog": {
        "t": "a lazy dog, a quick nap: wi-fi",
        "k": "dog/1",
        "n": 2,
        "d": "2021-02-03",
        "o": {"a": "Inner", "k": "x"},
        "g": {"lat": 1, "lon": 2},
        "w": "Lazy Dog",
    },
    "owl": {"t": "one owl, two owls", "k": ["owl", "red"], "n": 30, "b": False, "items": [{"t": "feather"}]},
}


async def fill(storage: Storage) -> None:
    """Store the documents."""
    await make_collection(storage, MAPPING)
    await put_all(storage, DOCUMENTS)


class QueryStringContract:
    """Query strings, strict and simple ones."""

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"query": "quick"}, {"fox", "dog"}),
            ({"query": "t:QUICK AND NOT lazy"}, {"fox"}),
            ({"query": "2"}, {"dog"}),
            ({"query": "true"}, {"fox"}),
            ({"query": "2020-02-03"}, {"fox"}),
            ({"query": "feather"}, set()),
            ({"query": "none:x"}, set()),
            ({"query": "k:Quick\\ Fox"}, {"fox"}),
            ({"query": "k:quick"}, set()),
            ({"query": 'k:"Quick Fox"'}, {"fox"}),
            ({"query": "t:QU*"}, {"fox", "dog"}),
            ({"query": "k:QU*"}, set()),
            ({"query": "k:Qu*"}, {"fox"}),
            ({"query": "w:LAZ*"}, set()),
            ({"query": "t:Q?ICK"}, {"fox", "dog"}),
            ({"query": "t:/Q.*K/"}, {"fox", "dog"}),
            ({"query": "t:[LAZY TO OWL]"}, {"dog", "owl"}),
            ({"query": 't:"brown quick"'}, set()),
            ({"query": 't:"brown quick"~2'}, {"fox"}),
            ({"query": "t:QUIKC~"}, {"fox", "dog"}),
            ({"query": "t:quikc~", "fuzziness": 0}, set()),
            ({"query": "n:[2 TO *]"}, {"dog", "owl"}),
            ({"query": "n:(>1 AND <30)"}, {"dog"}),
            ({"query": "d:[2020-02-03 TO 2020-02-03]"}, {"fox"}),
            ({"query": "d:>2020-02-03"}, {"dog"}),
            ({"query": "d:[* TO 2020-02-02]", "time_zone": "-02:00"}, {"fox"}),
            ({"query": "_exists_:o"}, {"dog"}),
            ({"query": "g:*"}, {"dog"}),
            ({"query": "NOT _exists_:b"}, {"dog"}),
            ({"query": "_id:(fox OR owl)"}, {"fox", "owl"}),
            ({"query": "o.\\*:(inner OR x)"}, {"dog"}),
            ({"query": "inner", "fields": ["o.*", "t"]}, {"dog"}),
            ({"query": "*"}, {"fox", "dog", "owl"}),
            ({"query": "*", "default_field": "b"}, {"fox", "owl"}),
            ({"query": "abc", "fields": ["n", "t"], "lenient": True}, set()),
            ({"query": "n:ab* OR owl", "lenient": True}, {"owl"}),
            ({"query": "n:[a TO b] OR owl", "lenient": True}, {"owl"}),
            ({"query": "[1 TO 2]"}, {"fox", "dog"}),
            ({"query": "quick lazy owl", "minimum_should_match": 2}, {"dog"}),
            ({"query": "quick lazy owl", "minimum_should_match": "100%"}, set()),
            ({"query": "quick lazy", "default_operator": "and"}, {"dog"}),
            ({"query": "wi-fi", "default_field": "t", "default_operator": "and"}, {"dog"}),
            ({"query": "fi-wi", "default_field": "t", "auto_generate_phrase_queries": True}, set()),
            ({"query": "s:the AND fox"}, {"fox"}),
            ({"query": "s:the"}, set()),
            ({"query": "NOT s:the AND fox"}, {"fox"}),
            ({"query": r"quick AND \~ AND lazy", "default_field": "t"}, {"dog"}),
            ({"query": "lazy na*", "default_field": "t", "analyze_wildcard": True, "default_operator": "and"}, {"dog"}),
            ({"query": "wi-f*", "default_field": "t", "analyze_wildcard": True}, {"dog"}),
            ({"query": "wi-f*", "default_field": "t"}, set()),
        ],
    )
    async def test_documents_that_a_query_string_asks_for_are_found(
        self, storage: Storage, options: Any, expected: set[str]
    ) -> None:
        await fill(storage)
        assert await found(storage, {"query_string": options}) == sorted(expected)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"query": "quick + lazy"}, {"dog"}),
            ({"query": "QUI* | owl"}, {"fox", "dog", "owl"}),
            ({"query": '"brown quick"~2'}, {"fox"}),
            ({"query": "quikc~1"}, {"fox", "dog"}),
            ({"query": "-quick"}, {"owl"}),
            ({"query": "quick -lazy", "default_operator": "AND"}, {"fox"}),
            ({"query": "lazy 30 x", "fields": ["t", "n"], "lenient": True}, {"dog", "owl"}),
            ({"query": "quick lazy owl", "minimum_should_match": 2}, {"dog"}),
            ({"query": "quick lazy", "fields": ["t^2"], "minimum_should_match": "100%"}, {"dog"}),
            ({"query": "s:( + [ ~"}, set()),
        ],
    )
    async def test_documents_that_a_simple_query_string_asks_for_are_found(
        self, storage: Storage, options: Any, expected: set[str]
    ) -> None:
        await fill(storage)
        assert await found(storage, {"simple_query_string": options}) == sorted(expected)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"query_string": {"query": "n:abc"}}, 'For input string: "abc"'),
            ({"query_string": {"query": "n:ab*"}}, "Can only use prefix queries on keyword and text fields"),
            ({"query_string": {"query": "k:/a(/"}}, "failed to read the regular expression"),
            ({"query_string": {"query": "k:/a(/", "lenient": True}}, "failed to read the regular expression"),
            ({"query_string": {"query": "g:1"}}, "Geo fields do not support exact searching"),
            ({"simple_query_string": {"query": "abc", "fields": ["n"]}}, 'For input string: "abc"'),
            ({"query_string": {"query": " ".join(f"w{number}" for number in range(1000))}}, "too_many_clauses"),
        ],
    )
    async def test_what_fields_cannot_answer_is_refused_by_name(
        self, storage: Storage, query: Any, message: str
    ) -> None:
        await fill(storage)
        error = await refusal(search(storage, query=query))
        assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)
        assert message in error.message

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"nested": {"path": "items", "query": {"query_string": {"query": "items.t:FEATH*"}}}}, ["owl"]),
            ({"nested": {"path": "items", "query": {"query_string": {"query": "feather"}}}}, ["owl"]),
            ({"nested": {"path": "items", "query": {"query_string": {"query": "owl"}}}}, []),
            ({"nested": {"path": "items", "query": {"simple_query_string": {"query": "-feather"}}}}, []),
            ({"bool": {"must_not": {"query_string": {"query": "quick OR owl"}}}}, []),
            ({"bool": {"filter": {"query_string": {"query": "quick"}}, "must_not": {"term": {"n": 1}}}}, ["dog"]),
            ({"constant_score": {"filter": {"simple_query_string": {"query": "quick + lazy"}}}}, ["dog"]),
            ({"function_score": {"query": {"query_string": {"query": "owl"}}, "weight": 2}}, ["owl"]),
            ({"dis_max": {"queries": [{"query_string": {"query": q}} for q in ("lazy", "owls", "")]}}, ["dog", "owl"]),
            ({"boosting": {"positive": {"query_string": {"query": "quick"}}, "negative_boost": 0.5,
                           "negative": {"query_string": {"query": "lazy"}}}}, ["dog", "fox"]),
        ],
    )  # fmt: skip
    async def test_a_query_string_is_a_clause_among_others(
        self, storage: Storage, query: Any, expected: list[str]
    ) -> None:
        await fill(storage)
        assert await found(storage, query) == expected

    async def test_what_a_query_string_found_is_highlighted(self, storage: Storage) -> None:
        query = {"query_string": {"query": 't:(quick AND "lazy dog" AND na* AND NOT owl)'}}
        await fill(storage)
        (hit,) = (await search(storage, query=query, highlight={"fields": {"t": {}}})).hits
        assert hit.highlight == {"t": ["a <em>lazy</em> <em>dog</em>, a <em>quick</em> <em>nap</em>: wi-fi"]}

    async def test_the_best_field_counts_and_a_boost_multiplies(self, storage: Storage) -> None:
        await fill(storage)
        for options, expected in (
            ({"fields": ["o.k"]}, 1.0),
            ({"fields": ["o.k^3"]}, 3.0),
            ({"query": "o.k:x^2", "boost": 2}, 4.0),
            ({"query": "+o.k:x +_id:dog"}, 2.0),
            ({"query": "+x +n:2", "fields": ["o.k^2", "t"]}, 3.0),
        ):
            (hit,) = (await search(storage, query={"query_string": {"query": "x", **options}})).hits
            assert hit.score == expected, options

    async def test_a_query_string_may_be_as_deep_and_long_as_is_allowed(self, storage: Storage) -> None:
        await fill(storage)
        deep = "(" * 48 + "quick" + " OR z)" * 48
        assert await found(storage, {"query_string": {"query": deep, "default_field": "t"}}) == ["dog", "fox"]
        wide = " ".join(f"w{number}*" for number in range(400)) + " owl"
        assert await found(storage, {"query_string": {"query": wide, "fields": ["t", "k", "o.*"]}}) == ["owl"]
        simple = "a + b | " * 24 + "owl"
        assert await found(storage, {"simple_query_string": {"query": simple, "fields": ["t"]}}) == ["owl"]
