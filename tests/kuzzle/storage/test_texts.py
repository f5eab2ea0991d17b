"""Clauses that look into texts: read from what clients write, refused by name, and what the embedded store finds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import plain_texts
import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import Search, Term, parse_query
from kuzzle.storage.sqlite import SqliteStorage, fuzzy
from kuzzle.storage.sqlite.automata import Automaton
from kuzzle.storage.sqlite.distances import NearTerms
from kuzzle.storage.sqlite.regexps import read_regexp
from kuzzle.storage.text_tree import (
    AnyCase,
    Fuzziness,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MultiMatch,
    Prefix,
    Regexp,
    Wildcard,
)

MAPPING = {
    "properties": {
        "t": {"type": "text"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "b": {"type": "boolean"},
        "d": {"type": "date"},
        "w": {"type": "text", "analyzer": "whitespace"},
        "s": {"type": "text", "analyzer": "stop"},
    }
}
DOCUMENTS: dict[str, Any] = {
    "fox": {"t": "The quick brown Fox", "k": "Quick Fox", "n": 1, "b": True, "d": "2020-02-03", "w": "Quick fox"},
    "dog": {"t": "a lazy dog, a quick nap", "k": "dog.1", "n": 2, "b": False, "d": "2021-02-03", "w": "lazy Dog"},
    "owl": {"t": ["one owl", "two owls"], "k": ["owl", "\U0001f989"], "n": 3, "s": "to be or not to be an owl"},
    "mute": {"t": "", "k": "", "n": 30},
}

WORDS = " ".join(f"w{number}" for number in range(1000))


async def found(tmp_path: Path, *queries: Any) -> list[list[str]]:
    """Return the ids that queries find, the best first."""
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(name, source) for name, source in DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        pages = [await storage.search("i", "c", Search(parse_query(query))) for query in queries]
    finally:
        await storage.close()
    return [[hit.id for hit in page.hits] for page in pages]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"match": {"t": "a b"}}, Match("t", "a b")),
        ({"match": {"n": 3}}, Match("n", 3)),
        (
            {
                "match": {
                    "t": {
                        "query": "a b",
                        "operator": "AND",
                        "minimum_should_match": "75%",
                        "zero_terms_query": "all",
                        "analyzer": "simple",
                        "lenient": True,
                        "boost": 2,
                    }
                }
            },
            Match("t", "a b", "and", "75%", "all", "simple", True, 2.0),
        ),
        ({"match_bool_prefix": {"t": "a b"}}, MatchBoolPrefix("t", "a b")),
        ({"multi_match": {"query": "a", "fields": "t"}}, MultiMatch((("t", 1.0),), "a")),
        (
            {
                "multi_match": {
                    "query": "a",
                    "fields": ["t^3", "k*"],
                    "type": "most_fields",
                    "operator": "and",
                    "tie_breaker": 0.3,
                    "lenient": True,
                    "boost": 2,
                }
            },
            MultiMatch(
                (("t", 3.0), ("k*", 1.0)), "a", "most_fields", "and", tie_breaker=0.3, is_lenient=True, boost=2.0
            ),
        ),
        ({"fuzzy": {"t": "ab"}}, Fuzzy("t", "ab")),
        ({"fuzzy": {"t": "abc"}}, Fuzzy("t", "abc")),
        ({"fuzzy": {"t": {"value": "abc", "fuzziness": "auto:4,9"}}}, Fuzzy("t", "abc", Fuzziness(None, 4, 9))),
        ({"fuzzy": {"k": {"term": True, "fuzziness": "2", "_name": "x"}}}, Fuzzy("k", "true", Fuzziness(2))),
        (
            {"fuzzy": {"t": {"value": "a", "fuzziness": 2, "prefix_length": 9, "transpositions": False, "boost": 2}}},
            Fuzzy("t", "a", Fuzziness(2, prefix_length=9, exchanges=False), 2.0),
        ),
        (
            {"match": {"t": {"query": "a", "fuzziness": "AUTO", "max_expansions": 1e9, "fuzzy_transpositions": False}}},
            Match("t", "a", fuzziness=Fuzziness(exchanges=False, max_expansions=1024)),
        ),
        ({"match": {"t": {"query": "a", "prefix_length": 1}}}, Match("t", "a")),
        (
            {"match_bool_prefix": {"t": {"query": "a", "fuzziness": 1}}},
            MatchBoolPrefix("t", "a", fuzziness=Fuzziness(1)),
        ),
        (
            {"multi_match": {"query": "a", "fields": "t", "fuzziness": 0, "prefix_length": "2"}},
            MultiMatch((("t", 1.0),), "a", fuzziness=Fuzziness(0, prefix_length=2)),
        ),
        ({"term": {"t": {"value": "A", "case_insensitive": True, "boost": 2}}}, AnyCase("t", "A", 2.0)),
        ({"term": {"t": {"value": "A", "case_insensitive": False}}}, Term("t", "A")),
        (
            {"prefix": {"t": {"value": "a", "rewrite": "constant_score"}}},
            Prefix("t", "a"),
        ),
        ({"prefix": {"t": "a"}}, Prefix("t", "a")),
        ({"prefix": {"t": {"value": "a", "case_insensitive": True, "boost": 2}}}, Prefix("t", "a", True, 2.0)),
        ({"prefix": {"t": {"prefix": "a"}}}, Prefix("t", "a")),
        ({"wildcard": {"t": {"wildcard": "a*", "boost": 3}}}, Wildcard("t", "a*", boost=3.0)),
        ({"regexp": {"t": {"value": "a~b", "flags": "NONE"}}}, Regexp("t", "a~b", frozenset())),
        ({"regexp": {"t": {"value": "a", "flags": "COMPLEMENT|INTERVAL"}}}, Regexp("t", "a", frozenset("~<"))),
    ],
)
def test_a_text_clause_is_read(body: Any, expected: Any) -> None:
    assert parse_query(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"match": {"t": "a", "k": "b"}}, "[match] query doesn't support multiple fields, found [t] and [k]"),
        ({"match": {"t": ["a"]}}, "[match] query does not support [array]"),
        ({"match": {"t": {}}}, "No text specified for text query"),
        ({"match": {"t": None}}, "query cannot be null"),
        ({"match": {"t": {"query": "a", "x": 1}}}, "[match] query does not support [x]"),
        ({"match": {"t": {"query": "a", "operator": "xor"}}}, "[match] unknown operator [xor]"),
        ({"match": {"t": {"query": "a", "analyzer": "x"}}}, "[match] analyzer [x] not found"),
        ({"match": {"t": {"query": "a", "minimum_should_match": "x"}}}, 'For input string: "x"'),
        ({"multi_match": {"query": "a"}}, "[multi_match] requires a list of [fields]"),
        ({"multi_match": {"query": "a", "fields": ["t"], "type": "all"}}, "[multi_match] unknown type [all]"),
        ({"multi_match": {"query": "a", "fields": ["t^x"]}}, "[multi_match] [boost] must be a number"),
        ({"multi_match": {"query": "a", "fields": ["t"], "near": 1}}, "[multi_match] query does not support [near]"),
        ({"match_bool_prefix": {"t": {"query": "a", "slop": 1}}}, "query does not support [slop]"),
        ({"match": {"t": {"query": "a", "fuzzy_rewrite": "x"}}}, "[match] query does not support [fuzzy_rewrite]"),
        ({"match": {"t": {"query": "a", "prefix_length": -1}}}, "[match] requires prefix length to be non-negative"),
        ({"match": {"t": {"query": "a", "max_expansions": "x"}}}, "[match] [max_expansions] must be a number"),
        ({"fuzzy": {"t": {"value": "a", "rewrite": "x"}}}, "[fuzzy] query does not support [rewrite]"),
        ({"fuzzy": {"t": {"value": "a", "case_insensitive": True}}}, "does not support [case_insensitive]"),
        ({"fuzzy": {"t": None}}, "query value cannot be null"),
        ({"fuzzy": {"t": {"value": ["a"]}}}, "[fuzzy] query does not support [array]"),
        ({"fuzzy": {"t": {"value": "a", "fuzziness": "AUTO:6,3"}}}, "the second length is less than the first"),
        ({"fuzzy": {"t": {"value": "a", "fuzziness": [1]}}}, "[fuzzy] [fuzziness] must be a number"),
        ({"fuzzy": {"t": {"value": "a", "fuzziness": 1.5}}}, "Valid edit distances are [0, 1, 2] but was [1.5]"),
        ({"prefix": {"t": {"value": "a", "rewrite": "scoring_boolean"}}}, "[scoring_boolean] is not supported"),
        ({"term": {"t": {"value": "a", "case_insensitive": "x"}}}, "[term] [case_insensitive] must be a boolean"),
        ({"match": {"t": {"query": "a", "case_insensitive": True}}}, "does not support [case_insensitive]"),
        ({"fuzzy": {"t": {"value": "a", "fuzziness": 3}}}, "Valid edit distances are [0, 1, 2] but was [3]"),
        ({"fuzzy": {"t": {"value": "a", "fuzziness": "some"}}}, "[fuzzy] [fuzziness] must be a number"),
        ({"fuzzy": {"t": {"value": "a", "prefix_length": -1}}}, "requires prefix length to be non-negative"),
        ({"fuzzy": {"t": {"value": "a", "max_expansions": 0}}}, "requires maxExpansions to be positive"),
        ({"prefix": {"t": None}}, "value cannot be null"),
        ({"wildcard": {"t": {"value": "a", "slop": 1}}}, "[wildcard] query does not support [slop]"),
        ({"regexp": {"t": {"value": "a", "flags": "SOME"}}}, "Unknown regexp flag [SOME]"),
        ({"regexp": {"t": {"value": "a", "flags_value": 1}}}, "[flags_value] is not supported"),
        ({"regexp": {"t": "a" * 1001}}, "exceeds the allowed maximum of [1000]"),
    ],
)
def test_a_text_clause_that_cannot_be_read_is_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(KuzzleError) as refused:
        parse_query(body)
    assert refused.value.id == "services.storage.unexpected_bad_request"
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"match": {"t": "QUICK fox!"}}, {"fox", "dog"}),
        ({"match": {"t": {"query": "quick fox", "operator": "and"}}}, {"fox"}),
        ({"match": {"t": {"query": "lazy fox owl", "minimum_should_match": 2}}}, set()),
        ({"match": {"t": {"query": "lazy quick nap", "minimum_should_match": "-1"}}}, {"dog"}),
        ({"match": {"t": "!"}}, set()),
        ({"match": {"t": {"query": "!", "zero_terms_query": "all"}}}, set(DOCUMENTS)),
        ({"match": {"k": "Quick Fox"}}, {"fox"}),
        ({"match": {"k": "Quick"}}, set()),
        ({"match": {"n": "2"}}, {"dog"}),
        ({"match": {"b": "true"}}, {"fox"}),
        ({"match": {"d": "2020-02-03"}}, {"fox"}),
        ({"match": {"d": "2020"}}, set()),
        ({"match": {"_id": "owl"}}, {"owl"}),
        ({"match": {"_id": {"query": "owl"}}}, {"owl"}),
        ({"match": {"none": "quick"}}, set()),
        ({"match": {"n": {"query": "two", "lenient": True}}}, set()),
        ({"match": {"w": "quick"}}, set()),
        ({"match": {"w": {"query": "Quick"}}}, {"fox"}),
        ({"match": {"t": {"query": "Fox", "analyzer": "whitespace"}}}, set()),
        ({"match": {"s": "to be"}}, set()),
        ({"match": {"s": "an owl"}}, {"owl"}),
        ({"match_bool_prefix": {"t": {"query": "lazy q", "operator": "and"}}}, {"dog"}),
        ({"match_bool_prefix": {"t": "one fo"}}, {"owl", "fox"}),
        ({"match_bool_prefix": {"n": 2}}, {"dog"}),
        ({"multi_match": {"query": "quick owl", "fields": ["t", "k"]}}, {"fox", "dog", "owl"}),
        ({"multi_match": {"query": "2", "fields": ["*"]}}, {"dog"}),
        ({"multi_match": {"query": "fox", "fields": ["*"]}}, {"fox"}),
        ({"multi_match": {"query": "fox", "fields": ["none", "z*"]}}, set()),
        ({"multi_match": {"query": "lazy q", "fields": ["t", "k"], "type": "bool_prefix"}}, {"fox", "dog"}),
        ({"fuzzy": {"t": "quikc"}}, {"fox", "dog"}),
        ({"fuzzy": {"t": {"value": "quikc", "fuzziness": 1, "transpositions": False}}}, set()),
        ({"fuzzy": {"t": {"value": "wuick", "prefix_length": 1}}}, set()),
        ({"fuzzy": {"_id": "foy"}}, {"fox"}),
        ({"fuzzy": {"t": {"value": "quick", "prefix_length": 5}}}, {"fox", "dog"}),
        ({"fuzzy": {"t": {"value": "quicks", "prefix_length": 6}}}, set()),
        ({"fuzzy": {"t": {"value": "ow", "fuzziness": 2}}}, {"owl"}),
        ({"fuzzy": {"k": {"value": "owk", "fuzziness": "AUTO:3,6"}}}, {"owl"}),
        ({"fuzzy": {"k": {"value": "owk", "fuzziness": "AUTO:4,6"}}}, set()),
        ({"fuzzy": {"t": {"value": "owls", "fuzziness": 1, "max_expansions": 1}}}, {"owl"}),
        ({"fuzzy": {"none": "owl"}}, set()),
        ({"match": {"t": {"query": "Quikc Lasy", "fuzziness": "AUTO", "operator": "and"}}}, {"dog"}),
        ({"match": {"t": {"query": "quikc lasy nab", "fuzziness": 1, "minimum_should_match": 2}}}, {"dog"}),
        ({"match": {"t": {"query": "quikc", "fuzziness": 1, "fuzzy_transpositions": False}}}, set()),
        ({"match": {"t": {"query": "a the", "fuzziness": 0}}}, {"dog", "fox"}),
        ({"match": {"k": {"query": "Quick Fix", "fuzziness": "AUTO"}}}, {"fox"}),
        ({"match": {"n": {"query": 1, "fuzziness": 1, "lenient": True}}}, set()),
        ({"match_bool_prefix": {"t": {"query": "laxy q", "fuzziness": 1, "operator": "and"}}}, {"dog"}),
        ({"multi_match": {"query": "quikc", "fields": ["*"], "fuzziness": "AUTO"}}, {"fox", "dog"}),
        ({"term": {"k": {"value": "QUICK fox", "case_insensitive": True}}}, {"fox"}),
        ({"term": {"t": {"value": "QUICK", "case_insensitive": "true"}}}, {"fox", "dog"}),
        ({"term": {"_id": {"value": "FOX", "case_insensitive": True}}}, {"fox"}),
        ({"term": {"k": {"value": "dog", "case_insensitive": True}}}, set()),
        ({"prefix": {"t": "ow"}}, {"owl"}),
        ({"prefix": {"k": "q"}}, set()),
        ({"prefix": {"k": {"value": "q", "case_insensitive": True}}}, {"fox"}),
        ({"prefix": {"k": "\U0001f989"}}, {"owl"}),
        ({"prefix": {"_id": "o"}}, {"owl"}),
        ({"prefix": {"_uid": "c#o"}}, {"owl"}),
        ({"prefix": {"none": "o"}}, set()),
        ({"wildcard": {"k": "*.?"}}, {"dog"}),
        ({"wildcard": {"k": "Quick*"}}, {"fox"}),
        ({"wildcard": {"k": {"value": "dog\\*"}}}, set()),
        ({"wildcard": {"_id": "?o?"}}, {"fox", "dog"}),
        ({"wildcard": {"k": ""}}, {"mute"}),
        ({"wildcard": {"t": "*"}}, {"fox", "dog", "owl"}),
        ({"regexp": {"k": ".*[qQ][uU].*"}}, {"fox"}),
        ({"regexp": {"k": "dog"}}, set()),
        ({"regexp": {"k": "dog.[0-9]{1,2}"}}, {"dog"}),
        ({"regexp": {"k": '"dog."<1-3>'}}, {"dog"}),
        ({"regexp": {"t": "ow@&~(.*ls)"}}, {"owl"}),
        ({"regexp": {"t": "owl?s"}}, {"owl"}),
        ({"regexp": {"t": {"value": "OWL", "case_insensitive": True}}}, {"owl"}),
        ({"regexp": {"_id": "(fox|owl)"}}, {"fox", "owl"}),
        ({"regexp": {"t": "#"}}, set()),
    ],
)
async def test_the_store_finds_what_a_text_clause_asks(tmp_path: Path, body: Any, expected: set[str]) -> None:
    (ids,) = await found(tmp_path, body)
    assert set(ids) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"match": {"n": "two"}}, 'For input string: "two"'),
        ({"multi_match": {"query": "two", "fields": ["n"]}}, 'For input string: "two"'),
        ({"multi_match": {"query": " ".join("abcdefgh" * 40), "fields": ["*"]}}, "too_many_clauses"),
        ({"fuzzy": {"n": "1"}}, "Can only use fuzzy queries on keyword and text fields"),
        ({"match": {"n": {"query": 1, "fuzziness": 1}}}, "Can only use fuzzy queries on keyword and text fields"),
        ({"term": {"n": {"value": 1, "case_insensitive": True}}}, "does not support case insensitive term queries"),
        ({"prefix": {"n": "1"}}, "Can only use prefix queries on keyword and text fields - not on [n]"),
        ({"regexp": {"k": "a("}}, "failed to read the regular expression [a(]"),
        ({"regexp": {"k": "a)"}}, "unexpected [)]"),
        ({"regexp": {"k": "[z-a]"}}, "illegal character range"),
        ({"regexp": {"k": "a{3,1}"}}, "illegal repetition range"),
        ({"regexp": {"k": "(" * 51 + "a" + ")" * 51}}, "nested too deep"),
        ({"regexp": {"k": "a" + "*" * 100}}, "nested too deep"),
        ({"match": {"t": " ".join(f"w{number}" for number in range(1025))}}, "too_many_clauses"),
        ({"bool": {"should": [{"match": {"t": WORDS}}] * 5}}, "a search may look for 4096 words"),
        ({"bool": {"filter": [{"match": {"t": {"query": WORDS, "operator": "and"}}}] * 9}}, "4096 words"),
    ],
)
async def test_what_only_the_store_can_refuse_is_refused_by_name(tmp_path: Path, body: Any, message: str) -> None:
    with pytest.raises(KuzzleError) as refused:
        await found(tmp_path, body)
    assert refused.value.id == "services.storage.unexpected_bad_request"
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "is_matched"),
    [
        ("(a*)*b", False),
        ("(a|a)*", False),
        ("(a?){50}a{50}b", False),
        ("(.*a){20}.*", True),
        ("~(.*b)", True),
        ("(" * 49 + "[ab]" + "*)" * 49, True),
    ],
)
def test_no_pattern_backtracks(pattern: str, is_matched: bool) -> None:
    automaton = Automaton(read_regexp(pattern, frozenset("~&@#<"), ignores_case=False))
    assert automaton.accepts("aab" * 300 + "a" * 100) is is_matched


def test_a_pattern_of_too_many_states_is_refused() -> None:
    automaton = Automaton(read_regexp(".*a.{20}", frozenset(), ignores_case=False))
    letters = random.Random(1)
    with pytest.raises(KuzzleError, match="more than 10000 states"):
        automaton.accepts("".join(letters.choice("ab") for _ in range(20_000)))


async def test_a_search_that_would_read_too_many_terms_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"fuzzy": {"t": {"value": "quikc", "fuzziness": 2}}}
    monkeypatch.setattr(fuzzy, "MAX_TERMS_READ", 13)
    assert await found(tmp_path / "enough", body) == [["fox", "dog"]]
    monkeypatch.setattr(fuzzy, "MAX_TERMS_READ", 3)
    with pytest.raises(KuzzleError, match="need more than 3 terms"):
        await found(tmp_path / "less", body)


@pytest.mark.parametrize("word", ["abcdefgh", "a", "", "zz􏿿", "a" * 40, "퟿"])
def test_terms_near_a_word_are_those_a_table_of_distances_says(word: str) -> None:
    letters = random.Random(word)
    for errors in (0, 1, 2):
        for exchanges in (True, False):
            near = NearTerms(word, Fuzziness(errors, exchanges=exchanges))
            for _ in range(60):
                term = list(word)
                for _ in range(letters.randrange(4)):
                    place = letters.randrange(len(term) + 1)
                    term[place : place + letters.randrange(3)] = letters.choices("abz􏿿", k=letters.randrange(3))
                other = "".join(term)
                expected = plain_texts.errors_between(word, other, exchanges)
                is_near = not expected or (expected <= errors and expected < min(len(word), len(other)))
                assert near.distance(other) == (expected if is_near else None), other


async def test_a_search_may_look_for_many_words(tmp_path: Path) -> None:
    bodies = [{"bool": {"should": [{"match": {"t": f"{WORDS} lazy"}}] * 4}}]
    assert await found(tmp_path, *bodies) == [["dog"]]


async def test_a_document_that_has_more_of_the_words_comes_first(tmp_path: Path) -> None:
    assert await found(tmp_path, {"match": {"t": "lazy quick nap"}}) == [["dog", "fox"]]
