"""Reads wildcard patterns and Lucene's regular expressions into expressions of automata."""

from __future__ import annotations

from typing import Final

from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.automata import (
    ANY_CHARACTER,
    ANYTHING,
    EMPTY,
    NOTHING,
    Characters,
    Expression,
    Not,
    Repeated,
    both,
    character,
    either,
    literal,
    sequence,
)

# Lucene's optional operators.
ALL_OPERATORS: Final = frozenset("~&@#<")
# What people write is five deep; each level is some frames of the interpreter's stack.
MAX_DEPTH: Final = 50
# Of `{n,m}`: Lucene allows 1000 in all states.
MAX_REPEAT: Final = 1000
# Numbers that `<1-9>` stands for, each a choice of its own.
MAX_INTERVAL: Final = 1000


def read_wildcard(pattern: str, *, ignores_case: bool) -> Expression:
    r"""Read a pattern of `*`, `?` and `\`."""
    parts: list[Expression] = []
    characters = iter(pattern)
    for one in characters:
        if one == "*":
            if not parts or parts[-1] is not ANYTHING:
                parts.append(ANYTHING)
        elif one == "?":
            parts.append(ANY_CHARACTER)
        else:
            plain = next(characters, one) if one == "\\" else one
            parts.append(character(plain, ignores_case=ignores_case))
    return sequence(parts)


def read_regexp(pattern: str, operators: frozenset[str], *, ignores_case: bool) -> Expression:
    """Read a regular expression.

    Args:
        operators: The optional operators that are on, of `~&@#<`.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if not pattern:
        return EMPTY
    return _Reader(pattern, operators, ignores_case=ignores_case).read()


class _Reader:
    """A reader of one expression, from left to right."""

    def __init__(self, pattern: str, operators: frozenset[str], *, ignores_case: bool) -> None:
        self._pattern = pattern
        self._operators = operators
        self._ignores_case = ignores_case
        self._position = 0
        self._depth = 0

    def read(self) -> Expression:
        found = self._read_either()
        if self._position < len(self._pattern):
            raise self._fault(f"unexpected [{self._pattern[self._position]}]")
        return found

    def _read_either(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault("nested too deep")
        choices = [self._read_both()]
        while self._take("|"):
            choices.append(self._read_both())
        self._depth -= 1
        return either(choices)

    def _read_both(self) -> Expression:
        parts = [self._read_sequence()]
        while self._take_operator("&"):
            parts.append(self._read_sequence())
        return both(parts)

    def _read_sequence(self) -> Expression:
        parts = []
        while self._peek() and self._peek() not in "|)" and not ("&" in self._operators and self._peek() == "&"):
            parts.append(self._read_repeated())
        if not parts:
            raise self._fault("an expression is missing")
        return sequence(parts)

    def _read_repeated(self) -> Expression:
        found = self._read_complement()
        signs = 0
        while self._peek() and self._peek() in "?*+{":
            signs += 1
            if signs > MAX_DEPTH:
                raise self._fault("nested too deep")
            sign = self._next()
            if sign == "{":
                least, most = self._read_bounds()
            else:
                least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[sign]
            found = Repeated(found, least, most)
        return found

    def _read_bounds(self) -> tuple[int, int | None]:
        text = self._until("}")
        first, comma, last = text.partition(",")
        if not (first.isascii() and first.isdigit()) or (last and not (last.isascii() and last.isdigit())):
            raise self._fault("integer expected")
        least = int(first[:9])
        most = (int(last[:9]) if last else None) if comma else least
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self._fault("illegal repetition range")
        return least, most

    def _read_complement(self) -> Expression:
        is_negated = False
        while self._take_operator("~"):
            is_negated = not is_negated
        found = self._read_class() if self._take("[") else self._read_simple()
        return Not(found) if is_negated else found

    def _read_class(self) -> Expression:
        is_negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not self._take("]"):
            low = self._next_plain()
            high = low
            if self._peek() == "-" and self._pattern[self._position + 1 : self._position + 2] not in ("]", ""):
                self._next()
                high = self._next_plain()
            if high < low:
                raise self._fault("illegal character range")
            ranges.append((low, high))
        if not ranges:
            raise self._fault("empty character class")
        return Characters(tuple(ranges), is_negated, self._ignores_case)

    def _read_simple(self) -> Expression:
        one = self._next()
        if one == ".":
            return ANY_CHARACTER
        if one == "(":
            if self._take(")"):
                return EMPTY
            found = self._read_either()
            if not self._take(")"):
                raise self._fault("expected ')'")
            return found
        if one == '"':
            return literal(self._until('"'), ignores_case=self._ignores_case)
        if one in self._operators and one in "#@<":
            return self._read_operator(one)
        if one in ")]}?*+{|":
            raise self._fault(f"unexpected [{one}]")
        if one == "\\":
            one = self._next()
        return character(one, ignores_case=self._ignores_case)

    def _read_operator(self, one: str) -> Expression:
        if one == "#":
            return NOTHING
        if one == "@":
            return ANYTHING
        first, dash, last = self._until(">").partition("-")
        if not dash or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in (first, last)):
            raise self._fault("interval syntax error")
        low, high = sorted((int(first), int(last)))
        if high - low >= MAX_INTERVAL:
            raise self._fault(f"an interval of more than {MAX_INTERVAL} numbers")
        width = len(first) if len(first) == len(last) else 0
        return either(
            expression
            for number in range(low, high + 1)
            for expression in (
                (literal(str(number).zfill(width)),)
                if width
                else (sequence((Repeated(character("0"), 0, None), literal(str(number)))),)
            )
        )

    # --- characters

    def _peek(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _next(self) -> str:
        one = self._peek()
        if not one:
            raise self._fault("unexpected end-of-string")
        self._position += 1
        return one

    def _next_plain(self) -> str:
        one = self._next()
        return self._next() if one == "\\" else one

    def _take(self, one: str) -> bool:
        if self._peek() != one:
            return False
        self._position += 1
        return True

    def _take_operator(self, one: str) -> bool:
        return one in self._operators and self._take(one)

    def _until(self, end: str) -> str:
        found = self._pattern.find(end, self._position)
        if found < 0:
            raise self._fault(f"expected '{end}'")
        text = self._pattern[self._position : found]
        self._position = found + 1
        return text

    def _fault(self, reason: str) -> Exception:
        return bad_request(f"failed to read the regular expression [{self._pattern}]: {reason} at {self._position}")
