"""Query strings: read from what clients write, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.query import parse_query
from kuzzle.storage.query_string_tree import AnyField, FieldQuery, QueryText
from kuzzle.storage.text_tree import Fuzziness, Match, MatchBoolPrefix, MatchPhrase, Prefix, Regexp, Wildcard
from kuzzle.storage.tree import Bool, Exists, MatchAll, MatchNone, Query, Range


def on(query: FieldQuery, name: str = "*", boost: float = 1.0, *, weight: float = 1.0) -> AnyField:
    return AnyField(((name, weight),), query, boost=boost)


def word(text: str, name: str = "*", boost: float = 1.0) -> AnyField:
    return on(Match("", text), name, boost)


A, B, C = word("a"), word("b"), word("c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", MatchNone()),
        (" \t\u3000", MatchNone()),
        ("a", A),
        ("a b", Bool(should=(A, B))),
        ("a OR b", Bool(should=(A, B))),
        ("a || b", Bool(should=(A, B))),
        ("a AND b", Bool(must=(A, B))),
        ("a && b", Bool(must=(A, B))),
        # Neither operator binds stronger than the other.
        ("a OR b AND c", Bool(must=(B, C), should=(A,))),
        ("a AND b OR c", Bool(must=(A, B), should=(C,))),
        ("(a OR b) AND c", Bool(must=(Bool(should=(A, B)), C))),
        ("+a -b c", Bool(must=(A,), should=(C,), must_not=(B,))),
        ("-a", Bool(must_not=(A,))),
        ("NOT a", Bool(must_not=(A,))),
        ("!a", Bool(must_not=(A,))),
        ("+a", Bool(must=(A,))),
        ("-a AND b", Bool(must=(B,), must_not=(A,))),
        ("a AND NOT b", Bool(must=(A,), must_not=(B,))),
        ("((a))", A),
        ("(a)^2", word("a", boost=2.0)),
        ("(a b)^2 c", Bool(should=(Bool(should=(A, B), boost=2.0), C))),
        ("a^2.5", word("a", boost=2.5)),
        # A sign with a blank behind it is a word.
        ("a - b", Bool(should=(A, word("-"), B))),
        ("android", word("android")),
        ("and", word("and")),
        ("a-b+c", word("a-b+c")),
        (r"\(1\+1\)\=2", word("(1+1)=2")),
        (r"\u0061\AND", word("aAND")),
        ("\\ud83e\\udd89", word("\U0001f989")),
        ("t:a", word("a", "t")),
        ("t : a", word("a", "t")),
        ("t:(a OR k:b)", Bool(should=(word("a", "t"), word("b", "k")))),
        (r"o.\*:a", word("a", "o.*")),
        ("_all:a", A),
        ('"a b"', on(MatchPhrase("", "a b"))),
        (r'"a \" b"~3^2', on(MatchPhrase("", 'a " b', 3), boost=2.0)),
        ('t:"a"', on(MatchPhrase("", "a"), "t")),
        ("a~", on(Match("", "a", fuzziness=Fuzziness()))),
        ("a~1", on(Match("", "a", fuzziness=Fuzziness(1)))),
        ("a~9^2", on(Match("", "a", fuzziness=Fuzziness(2)), boost=2.0)),
        ("a^2~0", on(Match("", "a", fuzziness=Fuzziness(0)), boost=2.0)),
        ("abcd~0.5", on(Match("", "abcd", fuzziness=Fuzziness(2)))),
        ("a*", on(Prefix("", "a"))),
        (r"a\**", on(Prefix("", "a*"))),
        (r"a\*", word("a*")),
        ("a*b?", on(Wildcard("", "a*b?"))),
        ("*a", on(Wildcard("", "*a"))),
        ("t:/a.*(b|c)/^2", on(Regexp("", "a.*(b|c)"), "t", 2.0)),
        (r"/a\/b/ c", Bool(should=(on(Regexp("", r"a\/b")), C))),
        ("*", MatchAll()),
        ("*:*", MatchAll()),
        ("*^2", MatchAll(2.0)),
        ("t:*", on(Exists(""), "t")),
        ("_exists_:t", on(Exists(""), "t")),
        ("n:[1 TO 2]", on(Range("", "1", "2"), "n")),
        ("n:{1 TO 2]^2", on(Range("", "1", "2", includes_lower=False), "n", 2.0)),
        ('n:["1 2" TO *}', on(Range("", "1 2", None, includes_upper=False), "n")),
        ("n:[* TO 2}", on(Range("", None, "2", includes_upper=False), "n")),
        ("n:[1 2]", on(Range("", "1", "2"), "n")),
        ("n:>1", on(Range("", "1", None, includes_lower=False), "n")),
        ("n:>=1", on(Range("", "1", None), "n")),
        ("n:<1", on(Range("", None, "1", includes_upper=False), "n")),
        (
            "n:(>=1 AND <=2)",
            Bool(must=(on(Range("", "1", None), "n"), on(Range("", None, "2"), "n"))),
        ),
        (">1", word(">1")),
    ],
)
def test_a_query_string_is_read(text: str, expected: Query) -> None:
    assert parse_query({"query_string": {"query": text}}) == QueryText(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", Bool(must=(A, B))),
        ("a OR b", Bool(should=(A, B))),
        ("a b OR c", Bool(must=(A,), should=(B, C))),
        ("a AND b OR c", Bool(must=(A,), should=(B, C))),
        ("a -b", Bool(must=(A,), must_not=(B,))),
    ],
)
def test_the_default_operator_may_be_and(text: str, expected: Query) -> None:
    query = {"query_string": {"query": text, "default_operator": "AND", "lenient": False}}
    read = parse_query(query)
    assert isinstance(read, QueryText)
    assert _without_operator(read.query) == expected


def _without_operator(query: Any) -> Any:
    """Return the tree with `or` for the words of one term."""
    if isinstance(query, Bool):
        lists = {name: tuple(map(_without_operator, getattr(query, name))) for name in ("must", "should", "must_not")}
        return Bool(**lists)
    assert query.query.operator == "and"
    return word(query.query.text)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"default_field": "t"}, QueryText(on(Match("", "a"), "t"))),
        ({"default_field": "_all"}, QueryText(A)),
        ({"fields": ["t^3", "o.*"]}, QueryText(AnyField((("t", 3.0), ("o.*", 1.0)), Match("", "a")))),
        ({"fields": "t"}, QueryText(on(Match("", "a"), "t"))),
        ({"all_fields": True, "boost": 2}, QueryText(A, boost=2.0)),
        ({"use_dis_max": False}, QueryText(AnyField((("*", 1.0),), Match("", "a"), 1.0))),
        ({"type": "most_fields"}, QueryText(AnyField((("*", 1.0),), Match("", "a"), 1.0))),
        ({"tie_breaker": 0.5}, QueryText(AnyField((("*", 1.0),), Match("", "a"), 0.5))),
        ({"lenient": True}, QueryText(AnyField((("*", 1.0),), Match("", "a", is_lenient=True), is_lenient=True))),
        ({"analyzer": "stop"}, QueryText(on(Match("", "a", analyzer="stop")))),
        ({"auto_generate_phrase_queries": True, "phrase_slop": 2}, QueryText(on(MatchPhrase("", "a", 2)))),
        ({"minimum_should_match": "50%"}, QueryText(A, "50%")),
        ({"split_on_whitespace": True, "enable_position_increments": True, "rewrite": "constant_score"}, QueryText(A)),
        ({"query": "a*", "analyze_wildcard": True}, QueryText(on(MatchBoolPrefix("", "a", "and")))),
        ({"query": "a~", "fuzziness": 1, "fuzzy_prefix_length": 2, "fuzzy_max_expansions": 3},
         QueryText(on(Match("", "a", fuzziness=Fuzziness(1, prefix_length=2, max_expansions=3))))),
        ({"query": "a~", "fuzzy_transpositions": False},
         QueryText(on(Match("", "a", fuzziness=Fuzziness(exchanges=False))))),
        ({"query": '"a b"', "quote_analyzer": "simple", "phrase_slop": 1},
         QueryText(on(MatchPhrase("", "a b", 1, "simple")))),
        ({"query": "d:[a TO b]", "time_zone": "+01:00"},
         QueryText(on(Range("", "a", "b", time_zone="+01:00"), "d"))),
        ({"query": "(a* OR +", "escape": True}, QueryText(Bool(should=(word("(a*"), word("+"))))),
    ],
)  # fmt: skip
def test_the_options_of_a_query_string_are_read(options: Any, expected: Query) -> None:
    assert parse_query({"query_string": {"query": "a", **options}}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", MatchNone()),
        ('+ | " ( ) -', MatchNone()),
        ("a b", Bool(should=(A, B))),
        ("a | b", Bool(should=(A, B))),
        ("a + b", Bool(must=(A, B))),
        ("a+b|c", Bool(should=(Bool(must=(A, B)), C))),
        ("a | b + c", Bool(must=(Bool(should=(A, B)), C))),
        ("a | (b + c)", Bool(should=(A, Bool(must=(B, C))))),
        ("a () + b", Bool(must=(A, B))),
        ("a + () b", Bool(should=(A, B))),
        ("a + | b", Bool(must=(A, B))),
        ("-a", Bool(should=(MatchAll(),), must_not=(A,))),
        ("--a", A),
        ("- a", A),
        ("a +-b", Bool(must=(A, Bool(should=(MatchAll(),), must_not=(B,))))),
        ("a-b", word("a-b")),
        (r"\-a", word("-a")),
        ("(a", A),
        ("a)", A),
        ('"a', A),
        ('"a b"', on(MatchPhrase("", "a b"))),
        ('"a b"~2 c', Bool(should=(on(MatchPhrase("", "a b", 2)), C))),
        (r'"a \" b"', on(MatchPhrase("", 'a " b'))),
        ("a*", on(Prefix("", "a"))),
        (r"a\*", word("a*")),
        ("a*b", word("a*b")),
        ("a~", on(Match("", "a", fuzziness=Fuzziness(2)))),
        ("a~1", on(Match("", "a", fuzziness=Fuzziness(1)))),
        ("a~0", A),
        ("a~x", A),
        ("a~99", on(Match("", "a", fuzziness=Fuzziness(2)))),
        ("a\\", A),
        ("AND", word("AND")),
        ("t:a", word("t:a")),
    ],
)
def test_a_simple_query_string_is_read(text: str, expected: Query) -> None:
    read = parse_query({"simple_query_string": {"query": text}})
    assert read == QueryText(_added_up(expected))


def _added_up(query: Any) -> Any:
    """Return the tree with the scores of several fields added up, as this clause does."""
    if isinstance(query, AnyField):
        return AnyField(query.fields, query.query, 1.0)
    if not isinstance(query, Bool):
        return query
    lists = {name: tuple(map(_added_up, getattr(query, name))) for name in ("must", "should", "must_not")}
    return Bool(**lists)


@pytest.mark.parametrize(
    ("flags", "text", "expected"),
    [
        ("ALL", "a+b", Bool(must=(A, B))),
        ("", "a+b", word("a+b")),
        ("NONE", '"a b"', word('"a b"')),
        ("WHITESPACE", "-a | b", Bool(should=(word("-a"), word("|"), B))),
        ("OR|AND|PREFIX", "a* b|c", Bool(should=(word("a* b"), C))),
        ("FUZZY", "a~1", on(Match("", "a", fuzziness=Fuzziness(1)))),
        ("PHRASE", '"a b"~1', on(MatchPhrase("", "a b"))),
        ("PHRASE|SLOP", '"a b"~1', on(MatchPhrase("", "a b", 1))),
        ("PHRASE|NEAR", '"a b"~1', on(MatchPhrase("", "a b", 1))),
        ("WHITESPACE", r"a\ b", Bool(should=(word("a\\"), B))),
        ("WHITESPACE|ESCAPE", r"a\ b", word("a b")),
    ],
)
def test_flags_say_which_operators_are_known(flags: str, text: str, expected: Query) -> None:
    read = parse_query({"simple_query_string": {"query": text, "flags": flags}})
    assert isinstance(read, QueryText)
    if flags == "PHRASE":
        # What is no operator is a word.
        assert isinstance(read.query, Bool)
        assert read.query.should[0] == _added_up(expected)
    else:
        assert read.query == _added_up(expected)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query_string": {}}, "[query_string] must be provided with a [query]"),
        ({"query_string": {"query": 1}}, "[query_string] must be provided with a [query]"),
        ({"query_string": {"query": "a", "quote_field_suffix": ".x"}}, "does not support [quote_field_suffix]"),
        ({"query_string": {"query": "a", "split_on_whitespace": False}}, "[split_on_whitespace: false] is not"),
        ({"query_string": {"query": "a", "type": "cross_fields"}}, "the type [cross_fields] is not supported"),
        ({"query_string": {"query": "a", "rewrite": "top_terms_3"}}, "the rewrite [top_terms_3] is not supported"),
        ({"query_string": {"query": "a", "fuzzy_rewrite": "x"}}, "does not support [fuzzy_rewrite]"),
        ({"query_string": {"query": "a", "default_operator": "xor"}}, "unknown default_operator [xor]"),
        ({"query_string": {"query": "a", "default_field": "t", "fields": ["k"]}}, "either [default_field] or"),
        ({"query_string": {"query": "a", "default_field": 1}}, "[default_field] must be a text"),
        ({"query_string": {"query": "a", "default_field": "t", "all_fields": True}}, "cannot use [all_fields]"),
        ({"query_string": {"query": "a", "fields": [1]}}, "[fields] must be a list of texts"),
        ({"query_string": {"query": "a", "fields": ["t^x"]}}, "[query_string] [boost] must be a number"),
        ({"query_string": {"query": "a", "analyzer": "x"}}, "analyzer [x] not found"),
        ({"query_string": {"query": "a", "minimum_should_match": "x"}}, 'For input string: "x"'),
        ({"query_string": {"query": "a", "fuzziness": 3}}, "Valid edit distances are [0, 1, 2]"),
        ({"query_string": {"query": "a", "fuzziness": None}}, "[fuzziness] cannot be null"),
        ({"query_string": {"query": "a", "time_zone": 1}}, "[time_zone] must be a text"),
        ({"query_string": {"query": "a", "lenient": "x"}}, "[lenient] must be a boolean"),
        ({"query_string": {"query": "*a", "allow_leading_wildcard": False}}, "not allowed as first character"),
        ({"query_string": {"query": "(" * 60 + "a" + ")" * 60}}, "Groups are nested too deep"),
        ({"query_string": {"query": "a " * 1100}}, "too_many_clauses"),
        ({"bool": {"must": [{"query_string": {"query": "a " * 600}}] * 2}}, "too_many_clauses"),
        ({"simple_query_string": {"query": "a", "default_field": "t"}}, "does not support [default_field]"),
        ({"simple_query_string": {"query": "a", "flags": "SOME"}}, "Unknown simple_query_string flag [SOME]"),
        ({"simple_query_string": {"query": "a", "flags": 3}}, "[flags] must be a text"),
        ({"simple_query_string": {"query": None}}, "must be provided with a [query]"),
        ({"simple_query_string": {"query": "a " * 1100}}, "too_many_clauses"),
        ({"simple_query_string": {"query": "a + b | " * 60}}, "nested too deep"),
        *(
            ({"query_string": {"query": text}}, f"Failed to parse query [{text}]")
            for text in (
                "(", ")", "a)", "()", "AND a", "a AND", "a OR", "NOT", "a AND OR b", "+-a", "t:", ":a", "a:b:c", '"a',
                "a\\", "[1 TO", "[1 TO 2", "[1 TO ]", "{}", "/a", "a^", "a^b", "a~1.5", "t*:a", "^2", "~", "a]", "}",
                "\\ud800", "\\u12", "[\\u TO b]",
            )
        ),
    ],
)  # fmt: skip
def test_a_query_string_that_cannot_be_read_is_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(KuzzleError) as raised:
        parse_query(body)
    assert (raised.value.id, raised.value.status) == ("services.storage.unexpected_bad_request", 400)
    assert message in raised.value.message
