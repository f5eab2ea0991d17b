"""Shows what was found: the values of a hit's fields with the words that clauses looked for between tags.

`wanted_terms` is the one place that knows which clauses look for terms; a new kind of clause is added there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FunctionScore
from kuzzle.storage.fields import Field
from kuzzle.storage.highlight_tree import HighlightField
from kuzzle.storage.mapping import Mapping as FieldMapping
from kuzzle.storage.nested_tree import Nested
from kuzzle.storage.sqlite.analysis import spans_of, words_of
from kuzzle.storage.sqlite.automata import Automaton
from kuzzle.storage.sqlite.distances import NearTerms
from kuzzle.storage.sqlite.multi import expand
from kuzzle.storage.sqlite.texts import expression_of
from kuzzle.storage.text_tree import AnyCase, Fuzzy, Match, MatchBoolPrefix, MultiMatch, Prefix, Regexp, Wildcard
from kuzzle.storage.tree import Bool, Query, Term, Terms

Accepts = Callable[[str], bool]
"""Tells whether a term, as the index has it, is one that a clause looks for."""


def wanted_terms(query: Query, mapping: FieldMapping, scope: str = "") -> Iterator[tuple[str, Accepts]]:
    """Yield the field of each clause that looks for terms, and which terms it looks for.

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
        case MatchBoolPrefix() | MultiMatch():
            inner = (expand(mapping, query, scope),)
        case Nested():
            inner, scope = (query.query,), query.path
        case _:
            inner = ()
            accepts = _accepted(query, mapping)
            if accepts is not None:
                yield accepts
    for clause in inner:
        yield from wanted_terms(clause, mapping, scope)


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
                analyzer = query.analyzer or field.definition.get("search_analyzer") or _analyzer(field)
                words = words_of(analyzer, str(query.text))
            if query.fuzziness is None:
                return query.field, set(words).__contains__
            near = [NearTerms(word, query.fuzziness) for word in dict.fromkeys(words)]
            return query.field, lambda term: any(one.accepts(term) for one in near)
        case Fuzzy():
            return query.field, NearTerms(query.value, query.fuzziness).accepts
        case Prefix() | Wildcard() | Regexp() | AnyCase():
            return query.field, Automaton(expression_of(query)).accepts
    return None


def _analyzer(field: Field) -> str:
    return str(field.definition.get("analyzer", "standard"))


class Highlighter:
    """Highlights the hits of one search."""

    def __init__(self, wanted: tuple[HighlightField, ...], query: Query, mapping: FieldMapping) -> None:
        terms = list(wanted_terms(query, mapping))
        self._fields: list[tuple[Field, list[str], HighlightField, list[Accepts]]] = []
        parents = {subfield.path: field.path for field in mapping.fields.values() for subfield in field.subfields}
        for option in wanted:
            for field in mapping.fields.values():
                if field.type not in ("text", "keyword"):
                    continue
                if not (field.path == option.pattern or _is_like(field.path, option.pattern)):
                    continue
                accepted = [accepts for path, accepts in terms if path == field.path or not option.requires_field_match]
                if accepted:
                    path = parents.get(field.path, field.path).split(".")
                    self._fields.append((field, path, option, accepted))

    def highlight(self, source: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the fragments of each field in which something was found."""
        found: dict[str, list[str]] = {}
        for field, path, option, accepted in self._fields:
            limit = option.number_of_fragments or None
            fragments: list[str] = []
            for text in _texts(source, path):
                fragments += _fragments(field, text, option, accepted)
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


def _fragments(field: Field, text: str, option: HighlightField, accepted: list[Accepts]) -> list[str]:
    if field.type == "keyword":
        is_found = any(accepts(text) for accepts in accepted)
        return [f"{option.pre_tag}{text}{option.post_tag}"] if is_found else []
    fragments: list[str] = []
    parts: list[str] = []
    begin = written = 0
    has_match = False
    for start, end, word in spans_of(_analyzer(field), text):
        if option.number_of_fragments and end - begin > option.fragment_size and start > begin:
            # A fragment ends before the word that would make it too long.
            if has_match:
                fragments.append("".join([*parts, text[written:start]]).strip())
            parts, begin, written, has_match = [], start, start, False
        if any(accepts(word) for accepts in accepted):
            parts += [text[written:start], option.pre_tag, text[start:end], option.post_tag]
            written, has_match = end, True
    if has_match:
        fragments.append("".join([*parts, text[written:]]).strip())
    return fragments
