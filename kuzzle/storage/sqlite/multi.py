"""Clauses that stand for several others, once the mapping is known: `match_bool_prefix`, `multi_match`, strings."""

from __future__ import annotations

import re
from typing import Final

from kuzzle.storage.compound_tree import DisMax
from kuzzle.storage.fields import Field
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.query_string_tree import AnyField, QueryStrings, QueryText
from kuzzle.storage.reading import bad_request, minimum_should_match
from kuzzle.storage.sqlite import cross_fields
from kuzzle.storage.sqlite.analysis import query_words, words_of
from kuzzle.storage.sqlite.query_strings import Takes, expand_fields, expand_text
from kuzzle.storage.text_tree import (
    ALL_FIELDS,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Prefix,
)
from kuzzle.storage.tree import Bool, MatchNone, Query, Term

# Words times fields, each a look-up of its own: indices.query.bool.max_clause_count of Elasticsearch.
MAX_LOOKUPS: Final = 1024

_UNMATCHED: Final = frozenset({"geo_point", "geo_shape", "binary"})


Several = MatchBoolPrefix | MultiMatch | QueryStrings


def expand(mapping: Mapping, query: Several, scope: str, takes: Takes = lambda _: True) -> Query:
    """Return the query that a clause stands for.

    Args:
        scope: Path of the nested objects that it is about, empty for documents.
        takes: Tells which queries are left out where a field is only one of those that a `*` found.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: it would be too many.
    """
    if isinstance(query, QueryText):
        return expand_text(mapping, query, scope)
    if isinstance(query, AnyField):
        return expand_fields(mapping, query, scope, takes)
    if isinstance(query, MatchBoolPrefix):
        return _words_and_prefix(mapping, query, scope)
    return _fields(mapping, query, scope)


def _words_and_prefix(mapping: Mapping, query: MatchBoolPrefix, scope: str) -> Query:
    field = mapping.find_field(query.field, scope)
    if field is None:
        return MatchNone()
    if field.type == "keyword":
        return Prefix(query.field, str(query.text), boost=query.boost)
    if field.type != "text":
        return Match(query.field, query.text, is_lenient=query.is_lenient, boost=query.boost)
    words = query_words(field, query.text, query.analyzer)
    if not words:
        return MatchNone()
    if len(words) > MAX_LOOKUPS:
        raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_LOOKUPS}")
    *whole, last = words
    clauses: tuple[Query, ...] = (*(_word(query, word) for word in whole), Prefix(query.field, last))
    if query.operator == "and":
        return Bool(must=clauses, boost=query.boost)
    minimum = 1
    if query.minimum_should_match is not None and len(clauses) > 1:
        minimum = max(1, minimum_should_match(query.minimum_should_match, len(clauses)))
    return Bool(should=clauses, minimum_should_match=minimum, boost=query.boost)


def _word(query: MatchBoolPrefix, word: str) -> Query:
    return Term(query.field, word) if query.fuzziness is None else Fuzzy(query.field, word, query.fuzziness)


def _fields(mapping: Mapping, query: MultiMatch, scope: str) -> Query:
    found: dict[str, tuple[float, bool]] = {}
    for pattern, boost in query.fields:
        if "*" not in pattern and pattern != ALL_FIELDS:
            found[pattern] = (boost, query.is_lenient)
            continue
        if pattern == ALL_FIELDS:
            every = (field for field in mapping.fields_in(scope) if field.is_in_all)
            found.update({field.path: (boost, True) for field in every if _takes_texts(field)})
            continue
        expression = re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)))
        for field in mapping.fields_in(scope):
            if _takes_texts(field) and expression.fullmatch(field.path):
                found.setdefault(field.path, (boost, True))
    # However the fields cut it.
    words = max(len(words_of(analyzer, str(query.text))) for analyzer in ("standard", "simple", "whitespace"))
    if len(found) * max(1, words) > MAX_LOOKUPS:
        raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_LOOKUPS}")
    if not found:
        return MatchNone()
    if query.kind == "cross_fields":
        return cross_fields.expand(mapping, query, found)
    tie_breaker = query.tie_breaker
    if tie_breaker is None:
        tie_breaker = 1.0 if query.kind in ("most_fields", "bool_prefix") else 0.0
    clauses = tuple(_one(query, path, boost, is_lenient) for path, (boost, is_lenient) in found.items())
    return DisMax(clauses, tie_breaker, query.boost)


def _one(query: MultiMatch, path: str, boost: float, is_lenient: bool) -> Query:
    if query.kind == "bool_prefix":
        return MatchBoolPrefix(
            path,
            query.text,
            query.operator,
            query.minimum_should_match,
            query.analyzer,
            is_lenient,
            boost,
            query.fuzziness,
        )
    if query.kind == "phrase":
        return MatchPhrase(path, query.text, query.slop, query.analyzer, query.zero_terms, is_lenient, boost)
    if query.kind == "phrase_prefix":
        limit = query.max_expansions
        zero_terms = query.zero_terms
        return MatchPhrasePrefix(path, query.text, query.slop, limit, query.analyzer, zero_terms, is_lenient, boost)
    return Match(
        path,
        query.text,
        query.operator,
        query.minimum_should_match,
        query.zero_terms,
        query.analyzer,
        is_lenient,
        boost,
        query.fuzziness,
    )


def _takes_texts(field: Field) -> bool:
    return field.is_searchable and field.type not in _UNMATCHED
