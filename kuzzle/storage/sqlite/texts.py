"""Clauses that look into texts, as SQL: words are looked up in the table of values, patterns walk a range of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import apsw

from kuzzle.errors import KuzzleError
from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request, minimum_should_match
from kuzzle.storage.sqlite import bools, cross_fields, fuzzy, phrases
from kuzzle.storage.sqlite.analysis import query_words
from kuzzle.storage.sqlite.automata import ANYTHING, Automaton, Characters, Expression, Sequence, literal, sequence
from kuzzle.storage.sqlite.expressions import EVERYTHING, NOTHING, Score, joined
from kuzzle.storage.sqlite.fuzzy import after_prefix
from kuzzle.storage.sqlite.regexps import read_regexp, read_wildcard
from kuzzle.storage.text_tree import (
    MAX_STATES,
    AnyCase,
    Fuzziness,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Pattern,
    Prefix,
    Regexp,
    Text,
    Wildcard,
    WordInFields,
)
from kuzzle.storage.tree import Term
from kuzzle.storage.values import query_value

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# indices.query.bool.max_clause_count of Elasticsearch: each word is a look-up of its own.
MAX_WORDS: Final = 1024

# Terms that a pattern is put into a statement as: a megabyte. A pattern of more is tried on each row.
MAX_ACCEPTED: Final = 10_000

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
    if isinstance(query, Fuzzy):
        return fuzzy.condition(translation, query)
    if isinstance(query, MatchPhrase | MatchPhrasePrefix):
        return phrases.condition(translation, query)
    if isinstance(query, WordInFields):
        return cross_fields.condition(translation, query)
    return _pattern(translation, query)


def score(translation: Translation, query: Text) -> Score:
    """Return the score of the documents that match: by relevance for words, else the boost.

    Raises:
        KuzzleError
    """
    if isinstance(query, Match):
        words = _words(translation, query)
        field = translation.find_field(query.field) if words else None
        if query.fuzziness is not None:
            return _fuzzy_score(translation, query, words)
        if words and field is not None:
            weights = [translation.relevance.score(translation.bind, field, word, query.boost) for word in words]
            return joined(weights, "+")
    if isinstance(query, MatchBoolPrefix | MultiMatch):
        return translation.score(translation.expanded(query))
    if isinstance(query, Fuzzy):
        return fuzzy.score(translation, query)
    if isinstance(query, MatchPhrase | MatchPhrasePrefix):
        return phrases.score(translation, query)
    if isinstance(query, WordInFields):
        return cross_fields.score(translation, query)
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
        if query.fuzziness is not None:
            return _fuzzy_value(translation, query)
        return translation.value_condition(query.field, query.text, is_lenient=query.is_lenient)
    field = translation.find_field(query.field)
    if field is None:
        return NOTHING
    if not words:
        return EVERYTHING if query.zero_terms == "all" else NOTHING
    if query.fuzziness is None:
        found = [translation.words_condition(field, [word]) for word in words]
    else:
        found = [fuzzy.condition(translation, _near(query, word)) for word in words]
    if len(found) == 1:
        return found[0]
    if query.operator == "and" and query.fuzziness is not None:
        return joined(found, "AND")
    if query.operator == "and":
        asks = [partial(_ask_word, translation, field, word) for word in words]
        return bools.conjunction(translation, list(zip(found, asks, strict=True)))
    required = 1
    if query.minimum_should_match is not None:
        required = max(1, minimum_should_match(query.minimum_should_match, len(found)))
    if required > len(found):
        return NOTHING
    if required == 1:
        return translation.words_condition(field, words) if query.fuzziness is None else joined(found, "OR")
    return f"({joined([f'({part})' for part in found], '+')} >= {required})"


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


def _ask_word(translation: Translation, field: Field, word: str) -> str:
    with translation.asking(True):
        return translation.words_condition(field, [word])


def _fuzzy_value(translation: Translation, query: Match) -> str:
    """Return the condition that a field that is no text has a value near that of the query."""
    try:
        return fuzzy.condition(translation, _near(query, query.text))
    except KuzzleError:
        if query.is_lenient:
            return NOTHING
        raise


def _fuzzy_score(translation: Translation, query: Match, words: list[str] | None) -> Score:
    if words is None:
        return fuzzy.score(translation, _near(query, query.text))
    if not words:
        return query.boost
    return joined([translation.number(fuzzy.score(translation, _near(query, word))) for word in words], "+")


def _near(query: Match, word: str | int | float | bool) -> Fuzzy:
    text = str(word).lower() if isinstance(word, bool) else str(word)
    return Fuzzy(query.field, text, query.fuzziness or Fuzziness(), query.boost)


# --- patterns


def _pattern(translation: Translation, query: Pattern) -> str:
    column = "value"
    field = None
    if query.field in _DOCUMENT_IDS:
        column = translation.id_column if query.field == "_id" else translation.uid_column()
    else:
        field = translation.find_field(query.field)
        if field is None:
            return NOTHING
        if field.type not in ("text", "keyword"):
            if isinstance(query, AnyCase):
                raise bad_request(
                    f"[{query.field}] field which is of type [{field.type}], does not support case insensitive term "
                    "queries"
                )
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
        end = after_prefix(start)
        if end is not None:
            parts.append(f"{column} < {translation.bind(end)}")
    if field is not None:
        # Blobs, among them the mark of a text without words, come after all texts.
        parts.append("value < x''")
    range_condition = " AND ".join(parts)
    accepts = None
    if expression != sequence((literal(start), ANYTHING)):
        accepts = _acceptance(translation, query, expression, column)
        parts.append(accepts)
    if field is None:
        return f"({' AND '.join(parts) or EVERYTHING})"
    if accepts is not None and not translation.asks_each:
        values = translation.values
        terms = translation.vocabulary.accepted(field, range_condition, accepts, values, MAX_ACCEPTED)
        if terms is not None:
            return translation.words_condition(field, terms) if terms else NOTHING
    return translation.field_condition(field, " AND ".join(parts))


def _acceptance(translation: Translation, query: Pattern, expression: Expression, column: str) -> str:
    """Return the condition that a pattern stands for a term."""
    accepts = f"accepts_term({translation.bind_function(automaton_of(query))}, {column})"
    piece = _literal_piece(expression)
    # SQLite finds a piece of a text in a fraction of the time that a call of the automaton takes.
    return f"iif(instr({column}, {translation.bind(piece)}), {accepts}, 0)" if piece else accepts


def expression_of(query: Pattern) -> Expression:
    """Return the form of the terms that a pattern stands for."""
    if isinstance(query, Prefix):
        return sequence((literal(query.value, ignores_case=query.ignores_case), ANYTHING))
    if isinstance(query, AnyCase):
        return literal(query.value, ignores_case=True)
    if isinstance(query, Wildcard):
        return read_wildcard(query.pattern, ignores_case=query.ignores_case)
    return read_regexp(query.pattern, query.operators, ignores_case=query.ignores_case)


def automaton_of(query: Pattern) -> Automaton:
    """Return what tells which terms a pattern stands for."""
    most = query.max_states if isinstance(query, Regexp) else MAX_STATES
    return Automaton(expression_of(query), most)


def _literal_start(expression: Expression) -> str:
    """Return the text with which all terms of an expression begin."""
    return _literal_pieces(expression)[0]


def _literal_piece(expression: Expression) -> str:
    """Return the longest text that all terms of an expression have in them."""
    return max(_literal_pieces(expression), key=len)


def _literal_pieces(expression: Expression) -> list[str]:
    """Return the texts between the parts of an expression that may be this or that, from its start on."""
    pieces = [""]
    for part in expression.parts if isinstance(expression, Sequence) else (expression,):
        one = _only_character(part)
        if one is None:
            pieces.append("")
        else:
            pieces[-1] += one
    return pieces


def _only_character(part: Expression) -> str | None:
    if not isinstance(part, Characters) or part.is_negated or part.ignores_case or len(part.ranges) != 1:
        return None
    low, high = part.ranges[0]
    return low if low == high else None


def register_functions(connection: apsw.Connection) -> None:
    """Make the functions known that the conditions call."""
    connection.create_scalar_function("accepts_term", _accepts_term, 2, deterministic=False)


def _accepts_term(*arguments: Any) -> bool:
    automaton, term = arguments
    accepted: bool = automaton.accepts(term)
    return accepted
