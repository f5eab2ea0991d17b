"""Clauses that look into texts, as SQL: words are looked up in the table of values, patterns walk a range of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request, minimum_should_match
from kuzzle.storage.sqlite.analysis import query_words
from kuzzle.storage.sqlite.automata import ANYTHING, Automaton, Characters, Expression, Sequence, literal, sequence
from kuzzle.storage.sqlite.expressions import EVERYTHING, NOTHING, Score, joined
from kuzzle.storage.sqlite.regexps import read_regexp, read_wildcard
from kuzzle.storage.text_tree import Match, MatchBoolPrefix, MultiMatch, Prefix, Regexp, Text, Wildcard
from kuzzle.storage.tree import Term
from kuzzle.storage.values import query_value

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# indices.query.bool.max_clause_count of Elasticsearch: each word is a look-up of its own.
MAX_WORDS: Final = 1024

_DOCUMENT_IDS: Final = ("_id", "_uid")


def condition(translation: Translation, query: Text) -> str:
    """Return the condition that documents match.

    Raises:
        KuzzleError
    """
    if isinstance(query, Match):
        return _match(translation, query)
    if isinstance(query, MatchBoolPrefix | MultiMatch):
        return translation.condition(translation.expanded(query))
    return _pattern(translation, query)


def score(translation: Translation, query: Text) -> Score:
    """Return the score of the documents that match: by relevance for words, else the boost.

    Raises:
        KuzzleError
    """
    if isinstance(query, Match):
        words = _words(translation, query)
        field = translation.find_field(query.field) if words else None
        if words and field is not None:
            weights = [translation.relevance.score(translation.bind, field, word, query.boost) for word in words]
            return joined(weights, "+")
    if isinstance(query, MatchBoolPrefix | MultiMatch):
        return translation.score(translation.expanded(query))
    return query.boost


def term_score(translation: Translation, query: Term) -> Score:
    """Return the score of the documents that have a term: by relevance in a text, else the boost.

    Raises:
        KuzzleError
    """
    field = None if query.field.startswith("_") else translation.find_field(query.field)
    if field is None or field.type != "text":
        return query.boost
    word = query_value(field, query.value)
    return translation.relevance.score(translation.bind, field, str(word), query.boost)


# --- match


def _match(translation: Translation, query: Match) -> str:
    words = _words(translation, query)
    if words is None:
        return translation.value_condition(query.field, query.text, is_lenient=query.is_lenient)
    field = translation.find_field(query.field)
    if field is None:
        return NOTHING
    if not words:
        return EVERYTHING if query.zero_terms == "all" else NOTHING
    found = [_word(translation, field, word) for word in words]
    if len(found) == 1 or query.operator == "and":
        return joined(found, "AND")
    required = 1
    if query.minimum_should_match is not None:
        required = max(1, minimum_should_match(query.minimum_should_match, len(found)))
    if required > len(found):
        return NOTHING
    if required == 1:
        return translation.words_condition(field, words)
    return f"({joined(found, '+')} >= {required})"


def _words(translation: Translation, query: Match) -> list[str] | None:
    """Return the distinct words of a query in their order; None when its field is not one of words."""
    field = translation.find_field(query.field) if query.field not in (*_DOCUMENT_IDS, "_type") else None
    if field is None or field.type != "text":
        return None
    words = list(dict.fromkeys(query_words(field, query.text, query.analyzer)))
    if len(words) > MAX_WORDS:
        raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_WORDS}")
    translation.count_words(len(words))
    return words


def _word(translation: Translation, field: Field, word: str) -> str:
    return f"({translation.words_condition(field, [word])})"


# --- patterns


def _pattern(translation: Translation, query: Prefix | Wildcard | Regexp) -> str:
    column = "value"
    field = None
    if query.field in _DOCUMENT_IDS:
        column = translation.id_column if query.field == "_id" else translation.uid_column()
    else:
        field = translation.find_field(query.field)
        if field is None:
            return NOTHING
        if field.type not in ("text", "keyword"):
            name = type(query).__name__.lower()
            raise bad_request(
                f"Can only use {name} queries on keyword and text fields - not on [{query.field}] which is of type "
                f"[{field.type}]"
            )
    expression = expression_of(query)
    start = _literal_start(expression)
    parts = []
    if start:
        parts.append(f"{column} >= {translation.bind(start)}")
        end = _after_prefix(start)
        if end is not None:
            parts.append(f"{column} < {translation.bind(end)}")
    if field is not None:
        # Blobs, among them the mark of a text without words, come after all texts.
        parts.append("value < x''")
    if expression != sequence((literal(start), ANYTHING)):
        parts.append(f"accepts_term({translation.bind_function(Automaton(expression))}, {column})")
    condition = " AND ".join(parts) or EVERYTHING
    return f"({condition})" if field is None else translation.field_condition(field, condition)


def expression_of(query: Prefix | Wildcard | Regexp) -> Expression:
    """Return the form of the terms that a pattern stands for."""
    if isinstance(query, Prefix):
        return sequence((literal(query.value, ignores_case=query.ignores_case), ANYTHING))
    if isinstance(query, Wildcard):
        return read_wildcard(query.pattern, ignores_case=query.ignores_case)
    return read_regexp(query.pattern, query.operators, ignores_case=query.ignores_case)


def _literal_start(expression: Expression) -> str:
    """Return the text with which all terms of an expression begin."""
    found = []
    for part in expression.parts if isinstance(expression, Sequence) else (expression,):
        if not isinstance(part, Characters) or part.is_negated or part.ignores_case or len(part.ranges) != 1:
            break
        low, high = part.ranges[0]
        if low != high:
            break
        found.append(low)
    return "".join(found)


def _after_prefix(prefix: str) -> str | None:
    """Return the first text after all that begin so; None when nothing can come after."""
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1]) + 1
        if code <= 0x10FFFF:
            # Surrogates are no characters of a text.
            return prefix[: length - 1] + chr(0xE000 if code == 0xD800 else code)
    return None


def register_functions(connection: apsw.Connection) -> None:
    """Make the functions known that the conditions call."""
    connection.create_scalar_function("accepts_term", _accepts_term, 2, deterministic=False)


def _accepts_term(*arguments: Any) -> bool:
    automaton, term = arguments
    accepted: bool = automaton.accepts(term)
    return accepted
