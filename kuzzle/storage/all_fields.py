"""Clauses about `_all`: every field that can take the value, each by itself."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from kuzzle.storage.query_string_terms import EVERY_FIELD
from kuzzle.storage.query_string_tree import AnyField
from kuzzle.storage.reading import bad_request, minimum_should_match
from kuzzle.storage.text_tree import (
    ALL_FIELDS,
    FieldsKind,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Prefix,
    Regexp,
    Wildcard,
)
from kuzzle.storage.tree import Bool, Query

# indices.query.bool.max_clause_count of Elasticsearch.
MAX_WORDS: Final = 1024

_WORD: Final = re.compile(r"\w")


def about_all_fields(clause: str, query: Query) -> Query:
    """Return what a clause about `_all` stands for; any other clause stays.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: it cannot be about all fields.
    """
    if getattr(query, "field", None) != ALL_FIELDS:
        return query
    match query:
        case Match():
            return _words_in_every(query)
        case MatchBoolPrefix() if query.operator == "or" and query.minimum_should_match is None:
            return _in_every("bool_prefix", query)
        case MatchPhrase():
            return dataclasses.replace(_in_every("phrase", query), slop=query.slop, zero_terms=query.zero_terms)
        case MatchPhrasePrefix():
            return dataclasses.replace(
                _in_every("phrase_prefix", query),
                slop=query.slop,
                zero_terms=query.zero_terms,
                max_expansions=query.max_expansions,
            )
        case Prefix() | Wildcard() | Regexp():
            return AnyField(EVERY_FIELD, dataclasses.replace(query, field="", boost=1.0), boost=query.boost)
    raise bad_request(f"[{clause}] on [{ALL_FIELDS}] is not supported")


def _words_in_every(query: Match) -> Query:
    """Return what looks for each word by itself: each may stand in another field, be it a text or a number."""
    words = list(dict.fromkeys(word for word in str(query.text).split() if _WORD.search(word)))
    if len(words) > MAX_WORDS:
        raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_WORDS}")
    if len(words) < 2:
        return dataclasses.replace(_in_every("best_fields", query), zero_terms=query.zero_terms)
    found = tuple(_in_every("best_fields", dataclasses.replace(query, text=word, boost=1.0)) for word in words)
    if query.operator == "and":
        return Bool(must=found, boost=query.boost)
    minimum = 1
    if query.minimum_should_match is not None:
        minimum = max(1, minimum_should_match(query.minimum_should_match, len(found)))
    return Bool(should=found, minimum_should_match=minimum, boost=query.boost)


def _in_every(kind: FieldsKind, query: Match | MatchBoolPrefix | MatchPhrase | MatchPhrasePrefix) -> MultiMatch:
    fuzziness = query.fuzziness if isinstance(query, Match | MatchBoolPrefix) else None
    return MultiMatch(
        ((ALL_FIELDS, 1.0),),
        query.text,
        kind,
        analyzer=query.analyzer,
        is_lenient=True,
        boost=query.boost,
        fuzziness=fuzziness,
    )
