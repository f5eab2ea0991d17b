"""The small language of the table in `commands.py`: how a request becomes a command of Redis.

A row is the command as Redis' own documentation writes it:

    APPEND _id .value        a word in capitals stands for itself, `_id` is an argument, `.value` a member of the body
    [COUNT count]            in brackets: left out when the argument is absent
    MGET keys...             a list: its items one after the other; an argument that is a text is cut on commas
    [options^...]            the same in capitals
    .entries(key value)...   a list of objects: these members of each
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from kuzzle.memory_storage.base import Answer
from kuzzle.request import Request

Build = Callable[[Request], list[bytes]]
Shape = Callable[[Answer], Any]
_Step = Callable[[Request, list[bytes]], None]

_TOKEN: Final = re.compile(r"\[(?P<group>[^\]]+)\]|(?P<plain>[^\s\[\]()]+(?:\([^)]*\)\.\.\.)?)")
_PLACE: Final = re.compile(
    r"(?P<place>\.?(?P<name>[A-Za-z_]\w*))(?:\((?P<members>[\w ]+)\))?(?P<capitals>\^?)(?P<list>(?:\.\.\.)?)"
)
# From here on JavaScript writes whole numbers with an exponent.
_LARGEST_WHOLE: Final = 1e21


class RowError(ValueError):
    """A row of the table cannot be read."""


class Row:
    """A row of the table, compiled.

    Attributes:
        places: The arguments that it reads: `name`, or `.name` for a member of the body.
    """

    def __init__(self, text: str) -> None:
        """Compile a row.

        Raises:
            RowError
        """
        self.places: list[str] = []
        self._text = text
        self._steps: list[_Step] = []
        position = 0
        for token in _TOKEN.finditer(text):
            if text[position : token.start()].strip():
                raise RowError(text)
            position = token.end()
            group = token["group"]
            self._steps.append(self._step(token["plain"]) if group is None else self._group(group.split()))
        if text[position:].strip() or not self._steps:
            raise RowError(text)

    def __call__(self, request: Request) -> list[bytes]:
        """Return the command of a request."""
        words: list[bytes] = []
        for step in self._steps:
            step(request, words)
        return words

    def _step(self, token: str) -> _Step:
        place = _PLACE.fullmatch(token)
        if place is None:
            raise RowError(self._text)
        if place["name"].isupper():
            literal = place["name"].encode()
            return lambda request, words: words.append(literal)
        read = self._reader(place)
        if place["members"]:
            members = place["members"].split()
            return lambda request, words: words.extend(
                encoded(entry[member]) for entry in read(request) for member in members
            )
        if place["capitals"]:
            return lambda request, words: words.extend(word.upper() for word in items(read(request), cut=True))
        if place["list"]:
            cut = not place["place"].startswith(".")
            return lambda request, words: words.extend(items(read(request), cut=cut))
        return lambda request, words: words.append(encoded(read(request)))

    def _group(self, tokens: list[str]) -> _Step:
        """Compile what stands in brackets; its last token names the argument that may be absent."""
        steps = [self._step(token) for token in tokens]
        place = _PLACE.fullmatch(tokens[-1])
        if place is None or place["name"].isupper():
            raise RowError(self._text)
        read = reader(place["place"])

        def add(request: Request, words: list[bytes]) -> None:
            if read(request) is not None:
                for step in steps:
                    step(request, words)

        return add

    def _reader(self, place: re.Match[str]) -> Callable[[Request], Any]:
        self.places.append(place["place"])
        return reader(place["place"])


def reader(place: str) -> Callable[[Request], Any]:
    """Return what reads an argument (`name`) or a member of the body (`.name`); None when it is absent."""
    if place.startswith("."):
        member = place[1:]
        return lambda request: request.body_member(member)
    return lambda request: request.payload.get(place)


def items(value: Any, *, cut: bool = False) -> list[bytes]:
    """Encode a list; a lone value is one item, or a text several when it is `cut` on commas."""
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if cut and isinstance(value, str):
        return [part.encode() for part in value.split(",")]
    return [encoded(value)]


def encoded(value: Any) -> bytes:
    """Word a text or a number as JavaScript does, the language of the first clients; as UTF-8."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, float):
        return _number_text(value).encode()
    return str(value).encode()


def _number_text(number: float) -> str:
    if number.is_integer() and abs(number) < _LARGEST_WHOLE:
        return str(int(number))
    text = repr(number)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent):+d}" if mark else text


def texts(answer: Answer) -> Any:
    """Turn the texts of an answer into what JSON can hold; bytes that are no UTF-8 become U+FFFD."""
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    if isinstance(answer, list):
        return [item if type(item) is int else texts(item) for item in answer]
    return answer


def fields(answer: Iterable[bytes]) -> Mapping[str, Any]:
    """Turn field, value, field, value... into an object."""
    flat = texts(answer)
    return dict(zip(flat[::2], flat[1::2], strict=True))
