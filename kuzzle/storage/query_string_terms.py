"""What the terms of a query string become in the tree, whatever grammar they were written in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final, Literal

from kuzzle.storage.query_string_tree import AnyField, FieldQuery, Fields
from kuzzle.storage.text_tree import (
    MAX_STATES,
    Fuzziness,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    Prefix,
    Regexp,
    Wildcard,
)
from kuzzle.storage.tree import Exists, MatchAll, MatchNone, Query, Range

EVERY_FIELD: Final[Fields] = (("*", 1.0),)
AUTOMATIC: Final = Fuzziness()


@dataclass(frozen=True, slots=True)
class Terms:
    """Makes queries of terms.

    Attributes:
        fields: Those that are searched where the string names none.
        operator: Between the words of one term.
        analyzer: Cuts terms instead of the fields' own; `quote_analyzer` phrases.
        is_lenient: A value that a field's type does not know matches nothing, instead of being an error.
        analyzes_prefixes: A prefix is cut into words, of which the last one goes on.
        makes_phrases: Words that come of one term are a phrase.
        slop: That of phrases which give none.
        fuzziness: That of words which may differ.
        time_zone: Of dates that name none.
        tie_breaker: How much of the other fields' scores is added to the best one.
        max_states: A regular expression that needs more states is refused.
    """

    fields: Fields = EVERY_FIELD
    operator: Literal["or", "and"] = "or"
    analyzer: str | None = None
    quote_analyzer: str | None = None
    is_lenient: bool = False
    analyzes_prefixes: bool = False
    makes_phrases: bool = False
    slop: int = 0
    fuzziness: Fuzziness = AUTOMATIC
    time_zone: str | None = None
    tie_breaker: float = 0.0
    max_states: int = MAX_STATES

    def word(self, text: str, field: str | None = None) -> Query:
        """Look for a text without operators."""
        if self.makes_phrases:
            return self._on(field, MatchPhrase("", text, self.slop, self.analyzer, is_lenient=self.is_lenient))
        return self._on(field, Match("", text, self.operator, analyzer=self.analyzer, is_lenient=self.is_lenient))

    def phrase(self, text: str, slop: int | None = None, field: str | None = None) -> Query:
        """Look for words one after the other."""
        analyzer = self.quote_analyzer or self.analyzer
        chosen = self.slop if slop is None else slop
        return self._on(field, MatchPhrase("", text, chosen, analyzer, is_lenient=self.is_lenient))

    def fuzzy(self, text: str, errors: int | None = None, field: str | None = None) -> Query:
        """Look for a word that may differ.

        Args:
            errors: None: as `fuzziness` says.
        """
        fuzziness = self.fuzziness if errors is None else dataclasses.replace(self.fuzziness, errors=errors)
        return self._on(
            field,
            Match(
                "",
                text,
                self.operator,
                analyzer=self.analyzer,
                is_lenient=self.is_lenient,
                fuzziness=fuzziness,
            ),
        )

    def prefix(self, text: str, field: str | None = None) -> Query:
        """Look for terms that begin so."""
        if self.analyzes_prefixes:
            cut = MatchBoolPrefix("", text, "and", analyzer=self.analyzer, is_lenient=self.is_lenient)
            return self._on(field, cut)
        return self._on(field, Prefix("", text))

    def wildcard(self, pattern: str, field: str | None = None) -> Query:
        """Look for terms of a form; `*` alone is anything: a value of a named field, else any document."""
        if pattern != "*":
            return self._on(field, Wildcard("", pattern))
        fields = self.fields if field is None else fields_of(field)
        return MatchAll() if fields == EVERY_FIELD else AnyField(fields, Exists(""), self.tie_breaker)

    def regexp(self, pattern: str, field: str | None = None) -> Query:
        """Look for terms that a regular expression matches as a whole."""
        return self._on(field, Regexp("", pattern, max_states=self.max_states))

    def range(
        self,
        lower: str | None,
        upper: str | None,
        *,
        includes_lower: bool,
        includes_upper: bool,
        field: str | None = None,
    ) -> Query:
        """Look for values between two bounds; None is open."""
        return self._on(field, Range("", lower, upper, includes_lower, includes_upper, time_zone=self.time_zone))

    def exists(self, field: str) -> Query:
        """Look for documents that have a value of a field."""
        return AnyField(fields_of(field), Exists(""), self.tie_breaker)

    def _on(self, field: str | None, query: FieldQuery) -> Query:
        fields = self.fields if field is None else fields_of(field)
        return AnyField(fields, query, self.tie_breaker, self.is_lenient)


def fields_of(name: str, boost: float = 1.0) -> Fields:
    """Return the fields that a name in a query string stands for; `_all` is every one."""
    return (("*" if name == "_all" else name, boost),)


def boosted(query: Query, boost: float) -> Query:
    """Return a query whose score is multiplied."""
    if boost == 1.0 or isinstance(query, MatchNone):
        return query
    return dataclasses.replace(query, boost=query.boost * boost)
