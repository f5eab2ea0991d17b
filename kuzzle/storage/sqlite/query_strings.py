"""Query strings, once the mapping is known: which fields their terms are about, and which terms hold no word."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Final

from kuzzle.storage.compound_tree import DisMax
from kuzzle.storage.fields import Field
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.query_string_terms import boosted
from kuzzle.storage.query_string_tree import AnyField, FieldQuery, QueryText
from kuzzle.storage.reading import bad_request, minimum_should_match
from kuzzle.storage.sqlite.analysis import query_words
from kuzzle.storage.text_tree import Match, MatchBoolPrefix, MatchPhrase, Prefix, Regexp, Wildcard
from kuzzle.storage.tree import Bool, Exists, MatchNone, Query, Range, Scalar

# indices.query.bool.max_clause_count of Elasticsearch.
MAX_FIELDS: Final = 1024

Takes = Callable[[Query], bool]
"""Tells whether a query about a field is one that its type can answer."""

_UNMATCHED: Final = frozenset({"geo_point", "geo_shape", "binary"})
_WORDS: Final = ("text", "keyword")
# Analysers that write words as they stand.
_KEEPS_CASE: Final = ("whitespace", "keyword")


def expand_fields(mapping: Mapping, query: AnyField, scope: str, takes: Takes) -> Query:
    """Return the query that looks into each field.

    Args:
        scope: Path of the nested objects that it is about, empty for documents.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: there are too many fields.
    """
    found = []
    for path, (boost, is_pattern) in _paths(mapping, query, scope).items():
        field = mapping.fields.get(path)
        one = _about(query.query, path, field, boost, is_lenient=is_pattern or query.is_lenient)
        if (is_pattern or query.is_lenient) and not _can_take(one, field, takes):
            continue
        found.append(one)
    if not found:
        return MatchNone()
    return DisMax(tuple(found), query.tie_breaker, query.boost)


def expand_text(mapping: Mapping, query: QueryText, scope: str) -> Query:
    """Return the query that a query string stands for.

    Raises:
        KuzzleError
    """
    found = _with_words(mapping, query.query, scope)
    if found is None:
        return MatchNone()
    wanted = query.minimum_should_match
    if wanted is not None and isinstance(found, Bool) and found.should:
        minimum = minimum_should_match(wanted, len(found.should))
        found = dataclasses.replace(found, minimum_should_match=minimum or None)
    elif wanted is not None and isinstance(found, AnyField) and isinstance(found.query, Match):
        found = dataclasses.replace(found, query=dataclasses.replace(found.query, minimum_should_match=wanted))
    return boosted(found, query.boost)


def _with_words(mapping: Mapping, query: Query, scope: str) -> Query | None:
    """Leave out texts without words; None when nothing is left."""
    if isinstance(query, Bool):
        must, should, must_not = (
            tuple(part for part in (_with_words(mapping, inner, scope) for inner in inners) if part is not None)
            for inners in (query.must, query.should, query.must_not)
        )
        if not must and not should and not must_not:
            return None
        return dataclasses.replace(query, must=must, should=should, must_not=must_not)
    if isinstance(query, AnyField) and isinstance(query.query, Match | MatchPhrase):
        return query if _has_words(mapping, query, query.query, scope) else None
    return query


def _has_words(mapping: Mapping, query: AnyField, looked_for: Match | MatchPhrase, scope: str) -> bool:
    """Tell whether a text has words for one of its fields, or is the value of a field that is named."""
    texts = []
    for path, (_, is_pattern) in _paths(mapping, query, scope).items():
        field = mapping.fields.get(path)
        if field is not None and field.type == "text":
            texts.append(field)
        elif not is_pattern:
            return True
    return not texts or any(query_words(field, looked_for.text, looked_for.analyzer) for field in texts)


def _paths(mapping: Mapping, query: AnyField, scope: str) -> dict[str, tuple[float, bool]]:
    """Return the paths of the fields, their boosts, and whether a path with `*` found them."""
    found: dict[str, tuple[float, bool]] = {}
    for name, boost in query.fields:
        if "*" not in name:
            found[name] = (boost, False)
            continue
        for path in _like(mapping, name, query.query, scope):
            found.setdefault(path, (boost, True))
    if len(found) > MAX_FIELDS:
        raise bad_request(f"field expansion matches too many fields, limit: {MAX_FIELDS}, got: {len(found)}")
    return found


def _like(mapping: Mapping, name: str, query: FieldQuery, scope: str) -> Iterator[str]:
    expression = re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", name)), re.DOTALL)
    for field in mapping.fields_in(scope):
        if not field.is_searchable or not expression.fullmatch(field.path):
            continue
        if name == "*" and not field.is_in_all:
            continue
        if isinstance(query, Exists) or field.type not in _UNMATCHED:
            yield field.path


def _can_take(query: FieldQuery, field: Field | None, takes: Takes) -> bool:
    if isinstance(query, Prefix | Wildcard | Regexp):
        return field is None or field.type in _WORDS
    return not isinstance(query, Range) or takes(query)


def _about(query: FieldQuery, path: str, field: Field | None, boost: float, *, is_lenient: bool) -> FieldQuery:
    """Return the query with the field put in, its value in the case of the field's words."""
    folds = field is not None and field.type == "text" and _analyzer(field) not in _KEEPS_CASE
    boost *= query.boost
    match query:
        case Match() | MatchPhrase() | MatchBoolPrefix():
            return dataclasses.replace(query, field=path, boost=boost, is_lenient=is_lenient)
        case Prefix():
            return dataclasses.replace(query, field=path, boost=boost, value=_folded(query.value, folds))
        case Wildcard() | Regexp():
            return dataclasses.replace(query, field=path, boost=boost, pattern=_folded(query.pattern, folds))
        case Range():
            lower, upper = _bound(query.lower, folds), _bound(query.upper, folds)
            # The string is about fields of all types, its time zone only about dates.
            zone = query.time_zone if field is not None and field.type == "date" else None
            return dataclasses.replace(query, field=path, boost=boost, lower=lower, upper=upper, time_zone=zone)
        case Exists():
            return dataclasses.replace(query, field=path, boost=boost)


def _folded(text: str, folds: bool) -> str:
    return text.lower() if folds else text


def _bound(value: Scalar, folds: bool) -> Scalar:
    return value.lower() if folds and isinstance(value, str) else value


def _analyzer(field: Field) -> str:
    return str(field.definition.get("search_analyzer") or field.definition.get("analyzer", "standard"))
