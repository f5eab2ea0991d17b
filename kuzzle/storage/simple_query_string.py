"""Reads simple query strings: `"fried eggs"~1 +(eggplant | potato*) -frittata`, where nothing is a mistake.

Operators are taken from left to right, none binds stronger than another: where the operator changes, what was read
so far becomes one part of what follows. A sign that makes no sense is left out, or is a character of a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from kuzzle.storage.query_string_terms import Terms
from kuzzle.storage.reading import bad_request
from kuzzle.storage.tree import Bool, MatchAll, MatchNone, Query

FLAGS: Final = frozenset(
    {"AND", "ESCAPE", "FUZZY", "NEAR", "NOT", "OR", "PHRASE", "PRECEDENCE", "PREFIX", "WHITESPACE"}
)

_BLANKS: Final = " \t\n\r"
_DELIMITERS: Final = (
    ("PHRASE", '"'),
    ("OR", "|"),
    ("AND", "+"),
    ("PRECEDENCE", "()"),
    ("WHITESPACE", _BLANKS),
)
_MOST_ERRORS: Final = 2
# Beyond any text; places are numbers of 31 bits in Elasticsearch.
_MOST_SLOP: Final = (1 << 31) - 1


class _Part:
    """What was read of a group so far.

    Attributes:
        depth: How many lists of parts stand in each other.
    """

    def __init__(self, default_operator: Literal["must", "should"], max_depth: int) -> None:
        self.depth = 0
        self._default = default_operator
        self._max_depth = max_depth
        self._operands: list[Query] = []
        self._joined_by: Literal["must", "should"] | None = None
        self._operator: Literal["must", "should"] | None = None

    def operator(self, operator: Literal["must", "should"]) -> None:
        """Take an operator; it counts between two operands, and the first one of several."""
        if self._operands and self._operator is None:
            self._operator = operator

    def forget_operator(self) -> None:
        """Leave an operator out whose operand is empty."""
        self._operator = None

    def operand(self, query: Query, depth: int = 0) -> None:
        """Take a word, a phrase or a group of a depth.

        Raises:
            KuzzleError: What was read would be nested too deep.
        """
        if self._operands:
            operator = self._operator or self._default
            if self._joined_by is None:
                self.depth += 1
            elif self._joined_by != operator:
                self._operands = [self.query()]
                self.depth += 1
            self._joined_by = operator
            depth += 1
        self.depth = max(self.depth, depth)
        if self.depth > self._max_depth:
            raise bad_request(f"The query string is nested too deep: more than {self._max_depth} levels")
        self._operands.append(query)
        self._operator = None

    def query(self) -> Query:
        """Return what was read."""
        if not self._operands:
            return MatchNone()
        if len(self._operands) == 1:
            return self._operands[0]
        operands = tuple(self._operands)
        return Bool(must=operands) if self._joined_by == "must" else Bool(should=operands)

    @property
    def is_empty(self) -> bool:
        """True when nothing was read."""
        return not self._operands


class SimpleQueryStringReader:
    """Reads one simple query string."""

    def __init__(
        self,
        terms: Terms,
        default_operator: Literal["or", "and"],
        flags: frozenset[str],
        *,
        max_depth: int,
        count: Callable[[], None],
    ) -> None:
        """Set the rules.

        Args:
            flags: The operators that are known; signs of others are characters.
            max_depth: How deep groups may stand in each other; parentheses of deeper ones are left out.
            count: Called for each part; raises what refuses too many.
        """
        self._terms = terms
        self._default: Literal["must", "should"] = "must" if default_operator == "and" else "should"
        self._flags = flags
        self._max_depth = max_depth
        self._count = count
        self._delimiters = "".join(
            signs
            for flag, signs in (
                ("PHRASE", '"'),
                ("OR", "|"),
                ("AND", "+"),
                ("PRECEDENCE", "()"),
                ("WHITESPACE", _BLANKS),
            )
            if flag in flags
        )
        self._text = ""
        self._ends: dict[int, int] = {}

    def read(self, text: str) -> Query:
        """Read the query; a text without words matches nothing.

        Raises:
            KuzzleError: It has too many parts.
        """
        self._text = text
        self._ends = self._ends_of_groups() if "PRECEDENCE" in self._flags else {}
        return self._group(0, len(text), 0).query()

    def _ends_of_groups(self) -> dict[int, int]:
        """Return where the group that begins at each parenthesis ends; one without end is not there."""
        ends: dict[int, int] = {}
        opened: list[int] = []
        position = 0
        while position < len(self._text):
            sign = self._text[position]
            if sign == "\\" and "ESCAPE" in self._flags:
                position += 1
            elif sign == "(":
                opened.append(position)
            elif sign == ")" and opened:
                ends[opened.pop()] = position
            position += 1
        return ends

    def _group(self, position: int, end: int, depth: int) -> _Part:
        part = _Part(self._default, self._max_depth)
        is_negated = False
        while position < end:
            sign = self._text[position]
            if sign == "-" and "NOT" in self._flags:
                is_negated = not is_negated
                position += 1
                continue
            query: Query | None = None
            levels = 0
            if sign == "(" and "PRECEDENCE" in self._flags:
                closing = self._ends.get(position, end)
                if closing < end and depth < self._max_depth:
                    inner = self._group(position + 1, closing, depth + 1)
                    position = closing + 1
                    if inner.is_empty:
                        part.forget_operator()
                    else:
                        query, levels = inner.query(), inner.depth
                else:
                    position += 1
            elif sign == '"' and "PHRASE" in self._flags:
                query, position = self._phrase(position, end)
                if query is None and self._text[position - 2 : position] == '""':
                    part.forget_operator()
            elif sign == "+" and "AND" in self._flags:
                part.operator("must")
                position += 1
            elif sign == "|" and "OR" in self._flags:
                part.operator("should")
                position += 1
            elif sign in self._delimiters:
                position += 1
            else:
                query, position = self._word(position, end)
            if query is not None:
                self._count()
                if is_negated:
                    query, levels = Bool(should=(MatchAll(),), must_not=(query,)), levels + 1
                part.operand(query, levels)
            is_negated = False
        return part

    def _phrase(self, position: int, end: int) -> tuple[Query | None, int]:
        """Read a phrase; a quote without a second one is left out."""
        start = position + 1
        written: list[str] = []
        place = start
        while place < end and self._text[place] != '"':
            if self._text[place] == "\\" and "ESCAPE" in self._flags and place + 1 < end:
                place += 1
            written.append(self._text[place])
            place += 1
        if place >= end:
            return None, start
        place += 1
        if not written:
            return None, place
        slop = 0
        if place < end and self._text[place] == "~" and "NEAR" in self._flags:
            number, place = self._number(place, end)
            slop = min(number or 0, _MOST_SLOP)
        return self._terms.phrase("".join(written), slop), place

    def _word(self, position: int, end: int) -> tuple[Query | None, int]:
        written: list[str] = []
        is_prefix = False
        while position < end:
            sign = self._text[position]
            if sign == "\\" and "ESCAPE" in self._flags:
                # The last character of a text makes nothing plain.
                position += 1
                if position < end:
                    written.append(self._text[position])
                    is_prefix = False
                    position += 1
                continue
            if sign in self._delimiters:
                break
            if sign == "~" and written and "FUZZY" in self._flags:
                errors, position = self._number(position, end)
                word = "".join(written)
                wanted = min(_MOST_ERRORS if errors is None else errors, _MOST_ERRORS)
                return (self._terms.fuzzy(word, wanted) if wanted else self._terms.word(word)), position
            is_prefix = sign == "*" and "PREFIX" in self._flags
            written.append(sign)
            position += 1
        if not written:
            return None, position
        if is_prefix:
            return self._terms.prefix("".join(written[:-1])), position
        return self._terms.word("".join(written)), position

    def _number(self, position: int, end: int) -> tuple[int | None, int]:
        """Read the number behind `~`: None where nothing is written, 0 for what is no number."""
        start = position + 1
        position = start
        while position < end and self._text[position] not in self._delimiters:
            position += 1
        text = self._text[start:position]
        if not text:
            return None, position
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        return (int(text) if is_number else 0), position
