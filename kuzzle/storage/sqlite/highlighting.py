"""Shows what was found: the values of a hit's fields with the words that clauses looked for between tags.

`wanted_words` is the one place that knows which clauses look for words; a new kind of clause is added there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FunctionScore
from kuzzle.storage.fields import Field
from kuzzle.storage.highlight_tree import HighlightField
from kuzzle.storage.mapping import Mapping as FieldMapping
from kuzzle.storage.nested_tree import Nested
from kuzzle.storage.query_string_tree import AnyField, QueryText
from kuzzle.storage.sqlite.analysis import Span, query_tokens, query_words, spans_of
from kuzzle.storage.sqlite.distances import NearTerms
from kuzzle.storage.sqlite.multi import expand
from kuzzle.storage.sqlite.places import Phrase
from kuzzle.storage.sqlite.texts import automaton_of
from kuzzle.storage.text_tree import (
    AnyCase,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Prefix,
    Regexp,
    Wildcard,
    WordInFields,
)
from kuzzle.storage.tree import Bool, Query, Term, Terms

Accepts = Callable[[str], bool]
"""Tells whether a term, as the index has it, is one that a clause looks for."""

Finds = Callable[[Sequence[Span]], Collection[int]]
"""Tells which words of a text, by their places, a clause looks for."""


def wanted_words(query: Query, mapping: FieldMapping, scope: str = "") -> Iterator[tuple[str, Finds]]:
    """Yield the field of each clause that looks for words, and what finds them.

    Args:
        scope: Path of the nested objects that the query is about, empty for documents.
    """
    match query:
        case Bool():
            inner: tuple[Query, ...] = (*query.must, *query.filter, *query.should)
        case ConstantScore():
            inner = (query.filter,)
        case DisMax():
            inner = query.queries
        case Boosting():
            inner = (query.positive,)
        case FunctionScore():
            inner = (query.query,)
        case MatchBoolPrefix() | MultiMatch() | AnyField() | QueryText():
            inner = (expand(mapping, query, scope),)
        case Nested():
            inner, scope = (query.query,), query.path
        case _:
            inner = ()
            accepted = _accepted(query, mapping)
            if accepted is not None:
                yield accepted[0], _all_of(accepted[1])
            elif isinstance(query, WordInFields):
                for path, _ in query.fields:
                    yield path, _all_of({query.word}.__contains__)
            elif isinstance(query, MatchPhrase | MatchPhrasePrefix):
                yield query.field, _phrase(query, mapping.fields.get(query.field))
    for clause in inner:
        yield from wanted_words(clause, mapping, scope)


def _all_of(accepts: Accepts) -> Callable[[Sequence[Span]], list[int]]:
    return lambda spans: [place for place, (_, _, word) in enumerate(spans) if word is not None and accepts(word)]


def _phrase(query: MatchPhrase | MatchPhrasePrefix, field: Field | None) -> Finds:
    if field is None or field.type != "text":
        return _all_of({str(query.text)}.__contains__)
    tokens = query_tokens(field, query.text, query.analyzer, is_phrase=isinstance(query, MatchPhrase))
    words: dict[str, list[int]] = {}
    accepted: list[Accepts] = []
    begun = tokens.pop() if isinstance(query, MatchPhrasePrefix) and tokens else None
    for offset, token in enumerate(tokens):
        if token is not None:
            words.setdefault(token, []).append(offset)
    offsets = list(words.values())
    accepted.extend({word}.__contains__ for word in words)
    if begun is not None:
        offsets.append([len(tokens)])
        accepted.append(lambda word: word.startswith(begun))
    phrase = Phrase(offsets, query.slop)
    return lambda spans: phrase.found([_all_of(accepts)(spans) for accepts in accepted])


def _accepted(query: Query, mapping: FieldMapping) -> tuple[str, Accepts] | None:
    match query:
        case Term():
            return query.field, {str(query.value)}.__contains__
        case Terms():
            return query.field, {str(value) for value in query.values}.__contains__
        case Match():
            field = mapping.fields.get(query.field)
            words = [str(query.text)]
            if field is not None and field.type == "text":
                words = query_words(field, query.text, query.analyzer)
            if query.fuzziness is None:
                return query.field, set(words).__contains__
            near = [NearTerms(word, query.fuzziness) for word in dict.fromkeys(words)]
            return query.field, lambda term: any(one.accepts(term) for one in near)
        case Fuzzy():
            return query.field, NearTerms(query.value, query.fuzziness).accepts
        case Prefix() | Wildcard() | Regexp() | AnyCase():
            return query.field, automaton_of(query).accepts
    return None


def _analyzer(field: Field) -> str:
    return str(field.definition.get("analyzer", "standard"))


class Highlighter:
    """Highlights the hits of one search."""

    def __init__(
        self, wanted: tuple[HighlightField, ...], query: Query, mapping: FieldMapping, scope: str = ""
    ) -> None:
        """`scope` is the path of the nested objects that the query is about, empty for documents."""
        wanted_in = list(wanted_words(query, mapping, scope))
        self._fields: list[tuple[Field, list[str], HighlightField, list[Finds]]] = []
        parents = {subfield.path: field.path for field in mapping.fields.values() for subfield in field.subfields}
        for option in wanted:
            for field in mapping.fields.values():
                if field.type not in ("text", "keyword"):
                    continue
                if not (field.path == option.pattern or _is_like(field.path, option.pattern)):
                    continue
                finders = [finds for path, finds in wanted_in if path == field.path or not option.requires_field_match]
                if finders:
                    path = parents.get(field.path, field.path).split(".")
                    self._fields.append((field, path, option, finders))

    def highlight(self, source: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the fragments of each field in which something was found."""
        found: dict[str, list[str]] = {}
        for field, path, option, finders in self._fields:
            limit = option.number_of_fragments or None
            fragments: list[str] = []
            for text in _texts(source, path):
                fragments += _fragments(field, text, option, finders)
            if fragments:
                found[field.path] = fragments[:limit]
        return found


def _is_like(path: str, pattern: str) -> bool:
    return "*" in pattern and re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path) is not None


def _texts(value: Any, path: list[str]) -> Iterator[str]:
    """Yield the texts below a path; a name of an object may itself be dotted."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, path)
    elif isinstance(value, dict):
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in value:
                yield from _texts(value[name], path[length:])
    elif value is not None and not path:
        yield str(value).lower() if isinstance(value, bool) else str(value)


def _fragments(field: Field, text: str, option: HighlightField, finders: list[Finds]) -> list[str]:
    spans = [(0, len(text), text)] if field.type == "keyword" else spans_of(_analyzer(field), text)
    found = {place for finds in finders for place in finds(spans)}
    if not found:
        return []
    if field.type == "keyword":
        return [f"{option.pre_tag}{text}{option.post_tag}"]
    fragments: list[str] = []
    parts: list[str] = []
    begin = written = 0
    has_match = False
    for place, (start, end, _) in enumerate(spans):
        if option.number_of_fragments and end - begin > option.fragment_size and start > begin:
            # A fragment ends before the word that would make it too long.
            if has_match:
                fragments.append("".join([*parts, text[written:start]]).strip())
            parts, begin, written, has_match = [], start, start, False
        if place in found:
            parts += [text[written:start], option.pre_tag, text[start:end], option.post_tag]
            written, has_match = end, True
    if has_match:
        fragments.append("".join([*parts, text[written:]]).strip())
    return fragments
