"""The tokens of a query string, as Lucene's classic grammar cuts them: the longest one that fits counts."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

BLANKS: Final = " \t\n\r\u3000"


class Kind(enum.Enum):
    """What a token is."""

    TERM = enum.auto()
    PREFIX = enum.auto()
    WILDCARD = enum.auto()
    REGEXP = enum.auto()
    PHRASE = enum.auto()
    AND = enum.auto()
    OR = enum.auto()
    NOT = enum.auto()
    PLUS = enum.auto()
    MINUS = enum.auto()
    OPEN = enum.auto()
    CLOSE = enum.auto()
    COLON = enum.auto()
    BOOST = enum.auto()
    TILDE = enum.auto()
    RANGE = enum.auto()
    END = enum.auto()


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    text: str
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes:
        text: As written, without the quotes, slashes or signs around it. Of a range: its two brackets.
        bounds: Of a range.
    """

    kind: Kind
    text: str = ""
    bounds: tuple[Bound, Bound] | None = None


class QueryStringError(Exception):
    """A query string that does not follow the grammar; its text says where."""


_START: Final = rf"(?:\\.|[^{BLANKS}+\-!():^\[\]\"{{}}~*?\\/])"
_WORD: Final = re.compile(rf"(?:{_START}|[*?])(?:{_START}|[-+*?])*", re.DOTALL)
_WILD: Final = re.compile(r"\\.|([*?])", re.DOTALL)
_PHRASE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REGEXP: Final = re.compile(r"/((?:\\/|[^/])*)/", re.DOTALL)
_BLANKS: Final = re.compile(f"[{BLANKS}]*")
_BOOST: Final = re.compile(rf"\^[{BLANKS}]*([0-9]+(?:\.[0-9]+)?)")
_TILDE: Final = re.compile(r"~((?:[0-9]+(?:\.[0-9]+)?)?)")
_BOUND: Final = re.compile(r'"((?:\\"|[^"])+)"|([^ \]}]+)', re.DOTALL)
_SIGNS: Final = {"(": Kind.OPEN, ")": Kind.CLOSE, ":": Kind.COLON, "!": Kind.NOT, "+": Kind.PLUS, "-": Kind.MINUS}
_OPERATORS: Final = {"AND": Kind.AND, "&&": Kind.AND, "OR": Kind.OR, "||": Kind.OR, "NOT": Kind.NOT}


def tokenize(text: str) -> list[Token]:
    """Cut a query string into tokens; the last one is `END`.

    Raises:
        QueryStringError
    """
    tokens: list[Token] = []
    position = 0
    while True:
        position = _skip(text, position)
        if position == len(text):
            return [*tokens, Token(Kind.END)]
        token, position = _token(text, position)
        tokens.append(token)


def _skip(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position


def _token(text: str, position: int) -> tuple[Token, int]:
    first = text[position]
    if first in "+-!" and text[position + 1 : position + 2] and text[position + 1] in BLANKS:
        # A sign that stands alone is a word, which analysers leave out.
        return Token(Kind.TERM, f"\\{first}"), position + 2
    if first in _SIGNS:
        return Token(_SIGNS[first], first), position + 1
    for pattern, kind in ((_PHRASE, Kind.PHRASE), (_REGEXP, Kind.REGEXP), (_BOOST, Kind.BOOST), (_TILDE, Kind.TILDE)):
        found = pattern.match(text, position)
        if found is not None:
            return Token(kind, found[1]), found.end()
    if first in "[{":
        return _range(text, position)
    word = _WORD.match(text, position)
    if word is None:
        raise QueryStringError(f"Lexical error at column {position + 1}: nothing begins with [{first}]")
    return Token(_kind_of_word(word[0]), word[0]), word.end()


def _kind_of_word(text: str) -> Kind:
    signs = [found for found in _WILD.finditer(text) if found[1]]
    if not signs:
        return _OPERATORS.get(text, Kind.TERM)
    is_prefix = len(signs) == 1 and signs[0][1] == "*" and signs[0].end() == len(text) > 1
    return Kind.PREFIX if is_prefix else Kind.WILDCARD


def _range(text: str, position: int) -> tuple[Token, int]:
    opening = text[position]
    lower, end = _bound(text, position + 1)
    upper, end = _bound(text, end)
    if upper == Bound("TO", False):
        upper, end = _bound(text, end)
    end = _skip(text, end)
    closing = text[end : end + 1]
    if closing not in ("]", "}"):
        raise QueryStringError(f"The range that begins at column {position + 1} has no end")
    return Token(Kind.RANGE, opening + closing, (lower, upper)), end + 1


def _bound(text: str, position: int) -> tuple[Bound, int]:
    position = _skip(text, position)
    found = _BOUND.match(text, position)
    if found is None:
        raise QueryStringError(f"A bound of a range is missing at column {position + 1}")
    return Bound(found[1] or found[2], found[1] is not None), found.end()


def unescape(text: str) -> str:
    r"""Take out the signs that make the next character plain; `\u0041` stands for a character.

    Raises:
        QueryStringError
    """
    if "\\" not in text:
        return text
    plain = _ESCAPED.sub(_plain, text)
    try:
        # Two halves of a character beyond 16 bits become one.
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise QueryStringError(f"Half a character in [{text}]") from None


def _plain(found: re.Match[str]) -> str:
    if found[1] is not None:
        return chr(int(found[1], 16))
    if found[2] == "u":
        raise QueryStringError(f"Non-hex character or end in the Unicode escape sequence [{found.string}]")
    if not found[2]:
        raise QueryStringError(f"Term can not end with escape character: [{found.string}]")
    return found[2]


_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.?))", re.DOTALL)
