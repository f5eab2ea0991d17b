"""`multi_match` of type `cross_fields`: fields that are analysed alike are searched as if they were one.

Each word may stand in any of the fields. In all of them it is taken for as rare as where it is commonest, else a name
that is rare as a street would outweigh the street; where it is less common it is taken for a little less rare, which
decides between equals as Lucene does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kuzzle.storage.compound_tree import DisMax
from kuzzle.storage.fields import Field
from kuzzle.storage.mapping import Mapping as FieldMapping
from kuzzle.storage.reading import minimum_should_match
from kuzzle.storage.sqlite.analysis import query_analyzer, query_words
from kuzzle.storage.sqlite.expressions import NOTHING, Score, joined
from kuzzle.storage.text_tree import Match, MultiMatch, WordInFields
from kuzzle.storage.tree import MATCH_ALL, Bool, MatchNone, Query

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation


def expand(mapping: FieldMapping, query: MultiMatch, fields: Mapping[str, tuple[float, bool]]) -> Query:
    """Return the query that a clause stands for.

    Args:
        fields: Of each field its boost, and whether values that it cannot take match nothing.
    """
    alike: dict[str, list[Field]] = {}
    clauses: list[Query] = []
    for path, (boost, is_lenient) in fields.items():
        field = mapping.fields.get(path)
        if field is not None and field.type == "text":
            alike.setdefault(query_analyzer(field, query.analyzer), []).append(field)
        else:
            clauses.append(Match(path, query.text, is_lenient=is_lenient, boost=boost))
    for group in alike.values():
        clauses.append(_words(query, group, {field.path: fields[field.path][0] for field in group}))
    return DisMax(tuple(clauses), query.tie_breaker or 0.0, query.boost)


def _words(query: MultiMatch, group: list[Field], boosts: Mapping[str, float]) -> Query:
    words = dict.fromkeys(query_words(group[0], query.text, query.analyzer))
    if not words:
        return MATCH_ALL if query.zero_terms == "all" else MatchNone()
    clauses = tuple(WordInFields(tuple(boosts.items()), word, query.tie_breaker or 0.0) for word in words)
    if query.operator == "and":
        return Bool(must=clauses)
    minimum = 1
    if query.minimum_should_match is not None and len(clauses) > 1:
        minimum = max(1, minimum_should_match(query.minimum_should_match, len(clauses)))
    return Bool(should=clauses, minimum_should_match=minimum)


def condition(translation: Translation, query: WordInFields) -> str:
    """Return the condition that documents have the word in one of the fields.

    Raises:
        KuzzleError
    """
    translation.count_words(len(query.fields))
    fields = [field for path, _ in query.fields if (field := translation.find_field(path)) is not None]
    return joined([translation.words_condition(field, [query.word]) for field in fields], "OR") if fields else NOTHING


def score(translation: Translation, query: WordInFields) -> Score:
    """Return the score of the documents that have the word in one of the fields.

    Raises:
        KuzzleError
    """
    translation.count_words(len(query.fields))
    count, lengths = translation.vocabulary.count, translation.vocabulary.lengths
    found = [
        (having, field, boost)
        for path, boost in query.fields
        if (field := translation.find_field(path)) is not None and (having := count(field, query.word))
    ]
    if not found:
        return 0.0
    found.sort(key=lambda one: -one[0])
    # No field has a word oftener than the shortest of them has words.
    limit = min(lengths(field)[1] for _, field, _ in found)
    before, blended = found[0][0], min(found[0][0], limit)
    rows = []
    for having, field, boost in found:
        blended += having < before
        before = having
        rarity = translation.relevance.rarity(field, query.word, min(blended, limit))
        rows.append(f"({translation.relevance.word_score(translation.bind, field, query.word, boost * rarity)})")
    best, others = translation.bind((1 - query.tie_breaker) * query.boost), ""
    if query.tie_breaker:
        others = f" + sum(column1) * {translation.bind(query.tie_breaker * query.boost)}"
    return f"(SELECT max(column1) * {best}{others} FROM (VALUES {', '.join(rows)}))"
