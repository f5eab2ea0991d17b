"""Reads query strings: `title:(quick OR "brown fox"~2) +year:[2000 TO *] -tags:old^2`, in Lucene's classic grammar.

As there, AND and OR do not bind one stronger than the other: each makes the parts beside it required or optional, so
that all parts of a group stand in one list. Readers of the reader: `query_string_lexer.py` cuts tokens,
`query_string_terms.py` makes queries of terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from kuzzle.storage.query_string_lexer import BLANKS, Bound, Kind, QueryStringError, Token, tokenize, unescape
from kuzzle.storage.query_string_terms import Terms, boosted
from kuzzle.storage.tree import Bool, MatchNone, Query

_Occurs = Literal["must", "should", "must_not"]
_WORDS: Final = (Kind.TERM, Kind.PREFIX, Kind.WILDCARD, Kind.REGEXP)
# More than Lucene knows are taken for this many.
_MOST_ERRORS: Final = 2


class QueryStringReader:
    """Reads one query string."""

    def __init__(
        self,
        terms: Terms,
        default_operator: Literal["or", "and"],
        *,
        allows_leading_wildcard: bool,
        max_depth: int,
        count: Callable[[], None],
    ) -> None:
        """Set the rules.

        Args:
            max_depth: How deep groups may stand in each other.
            count: Called for each term and group; raises what refuses too many.
        """
        self._terms = terms
        self._default_operator = default_operator
        self._allows_leading_wildcard = allows_leading_wildcard
        self._max_depth = max_depth
        self._count = count
        self._tokens: list[Token] = []
        self._next = 0

    def read(self, text: str) -> Query:
        """Read the query; a text without anything matches nothing.

        Raises:
            QueryStringError: The text does not follow the grammar.
            KuzzleError: It has too many parts.
        """
        if not text.strip(BLANKS):
            return MatchNone()
        self._tokens = tokenize(text)
        self._next = 0
        query = self._group(None, 0)
        self._expect(Kind.END)
        return query

    # --- tokens

    def _take(self, *kinds: Kind) -> Token | None:
        """Take the next token if it is one of these."""
        token = self._tokens[self._next]
        if token.kind not in kinds:
            return None
        self._next += 1
        return token

    def _expect(self, *kinds: Kind) -> Token:
        token = self._take(*kinds)
        if token is None:
            found = self._tokens[self._next]
            shown = "the end" if found.kind is Kind.END else f"[{found.text}]"
            raise QueryStringError(f"Encountered {shown} where something else must stand")
        return token

    # --- groups

    def _group(self, field: str | None, depth: int) -> Query:
        if depth > self._max_depth:
            raise QueryStringError(f"Groups are nested too deep: more than {self._max_depth} levels")
        parts: list[tuple[_Occurs, Query]] = []
        while True:
            conjunction = self._take(Kind.AND, Kind.OR) if parts else None
            modifier = self._take(Kind.PLUS, Kind.MINUS, Kind.NOT)
            query = self._clause(field, depth)
            if len(parts) == 0 and modifier is None and self._tokens[self._next].kind in (Kind.CLOSE, Kind.END):
                return query
            self._add(parts, conjunction, modifier, query)
            if self._tokens[self._next].kind in (Kind.CLOSE, Kind.END):
                return _joined(parts)

    def _add(
        self, parts: list[tuple[_Occurs, Query]], conjunction: Token | None, modifier: Token | None, query: Query
    ) -> None:
        is_and = conjunction is not None and conjunction.kind is Kind.AND
        is_or = conjunction is not None and conjunction.kind is Kind.OR
        is_negated = modifier is not None and modifier.kind is not Kind.PLUS
        joins_by_and = self._default_operator == "and"
        if parts and parts[-1][0] != "must_not":
            if is_and:
                parts[-1] = "must", parts[-1][1]
            elif is_or and joins_by_and:
                parts[-1] = "should", parts[-1][1]
        if is_negated:
            parts.append(("must_not", query))
        elif joins_by_and:
            parts.append(("should" if is_or else "must", query))
        else:
            parts.append(("must" if is_and or modifier is not None else "should", query))

    def _clause(self, field: str | None, depth: int) -> Query:
        self._count()
        following = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        if following.kind is Kind.COLON:
            name = self._expect(Kind.TERM, Kind.WILDCARD)
            if name.kind is Kind.WILDCARD and name.text != "*":
                raise QueryStringError(f"Signs in the name of a field must be escaped: [{name.text}]")
            self._expect(Kind.COLON)
            field = unescape(name.text)
        if self._take(Kind.OPEN):
            query = self._group(field, depth + 1)
            self._expect(Kind.CLOSE)
        else:
            query, boost = self._term(field)
            return boosted(query, boost)
        return boosted(query, self._boost())

    # --- terms

    def _boost(self) -> float:
        token = self._take(Kind.BOOST)
        return 1.0 if token is None else float(token.text)

    def _term(self, field: str | None) -> tuple[Query, float]:
        """Read a term with what follows it; return its query and its boost."""
        token = self._expect(*_WORDS, Kind.PHRASE, Kind.RANGE)
        if token.kind is Kind.RANGE:
            return self._range(token, field), self._boost()
        tilde = self._take(Kind.TILDE)
        boost = self._boost()
        if token.kind is Kind.PHRASE:
            slop = int(min(float(tilde.text), 1 << 31)) if tilde is not None and tilde.text else None
            return self._terms.phrase(unescape(token.text), slop, field), boost
        tilde = tilde or self._take(Kind.TILDE)
        return self._word(token, tilde, field), boost

    def _word(self, token: Token, tilde: Token | None, field: str | None) -> Query:
        if field == "_exists_":
            return self._terms.exists(unescape(token.text))
        if token.kind is Kind.REGEXP:
            return self._terms.regexp(token.text, field)
        if token.kind is Kind.TERM:
            text = unescape(token.text)
            if tilde is not None:
                return self._terms.fuzzy(text, _errors(text, tilde.text), field)
            return self._one_sided(text, field) or self._terms.word(text, field)
        if token.text[0] in "*?" and token.text != "*" and not self._allows_leading_wildcard:
            raise QueryStringError("'*' or '?' not allowed as first character in WildcardQuery")
        if token.kind is Kind.PREFIX:
            return self._terms.prefix(unescape(token.text[:-1]), field)
        return self._terms.wildcard(token.text, field)

    def _one_sided(self, text: str, field: str | None) -> Query | None:
        """Read `>1`, `>=1`, `<1` or `<=1`, which only a named field takes."""
        if field is None or len(text) < 2 or text[0] not in "<>":
            return None
        includes = len(text) > 2 and text[1] == "="
        bound = text[2:] if includes else text[1:]
        if text[0] == ">":
            return self._terms.range(bound, None, includes_lower=includes, includes_upper=True, field=field)
        return self._terms.range(None, bound, includes_lower=True, includes_upper=includes, field=field)

    def _range(self, token: Token, field: str | None) -> Query:
        assert token.bounds is not None
        lower, upper = map(_bound, token.bounds)
        return self._terms.range(
            lower,
            upper,
            includes_lower=token.text[0] == "[",
            includes_upper=token.text[1] == "]",
            field=field,
        )


def _bound(bound: Bound) -> str | None:
    return None if bound.text == "*" and not bound.is_quoted else unescape(bound.text)


def _errors(word: str, text: str) -> int | None:
    """Return how many errors `~text` allows; None: as by default. Below one it says how like words must be."""
    if not text:
        return None
    number = float(text)
    if number >= 1:
        if not number.is_integer():
            raise QueryStringError("Fractional edit distances are not allowed!")
        return int(min(number, _MOST_ERRORS))
    return 0 if number == 0 else min(int((1 - number) * len(word)), _MOST_ERRORS)


def _joined(parts: list[tuple[_Occurs, Query]]) -> Query:
    found: dict[_Occurs, list[Query]] = {"must": [], "should": [], "must_not": []}
    for occurs, query in parts:
        found[occurs].append(query)
    return Bool(must=tuple(found["must"]), should=tuple(found["should"]), must_not=tuple(found["must_not"]))
