"""Values as they are kept in a file: read from the table of keys, and made again by commands.

A kept value is a JSON array `[type, expiry in milliseconds since the epoch or null, content]`, whose texts hold a byte
a character: values are bytes of any kind. Contents are a text, a list, a flat list of fields and values, or one
of members and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from fakeredis.model import Hash, ZSet

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

# Items in one command when a long value is made again.
_ITEMS: Final = 1000


class Item(Protocol):
    """A value of the table of keys.

    Attributes:
        value: Bytes, a list, or a type of fakeredis.
        expireat: Seconds since the epoch, or None.
    """

    value: Any
    expireat: float | None


def encode(item: Item) -> bytes:
    """Return a value as it is kept."""
    kind, content = _content(item.value)
    expiry_ms = None if item.expireat is None else round(item.expireat * 1000)
    return orjson.dumps([kind, expiry_ms, content])


def _content(value: Any) -> tuple[str, Any]:
    if isinstance(value, bytes):
        return "string", _text(value)
    if isinstance(value, list):
        return "list", _texts(value)
    if isinstance(value, Hash):
        return "hash", _texts(part for pair in value._values.items() for part in pair)
    if isinstance(value, ZSet):
        return "zset", [part for member, score in value._bylex.items() for part in (_text(member), repr(score))]
    return "set", _texts(value._values)


def restore(engine: Engine, key: bytes, kept: bytes) -> None:
    """Make a kept value again; one that has expired meanwhile is deleted at the first look."""
    kind, expiry_ms, content = orjson.loads(kept)
    if kind == "string":
        engine.ask(b"SET", key, content.encode("latin-1"))
    else:
        parts = [part.encode("latin-1") for part in content]
        for start in range(0, len(parts), _ITEMS):
            engine.ask(_MAKERS[kind], key, *_ARGUMENTS[kind](parts[start : start + _ITEMS]))
    if expiry_ms is not None:
        engine.ask(b"PEXPIREAT", key, b"%d" % expiry_ms)


def _swapped(pairs: Sequence[bytes]) -> list[bytes]:
    return [part for start in range(0, len(pairs), 2) for part in (pairs[start + 1], pairs[start])]


_MAKERS: Final[Mapping[str, bytes]] = {"list": b"RPUSH", "set": b"SADD", "hash": b"HSET", "zset": b"ZADD"}
_ARGUMENTS: Final[Mapping[str, Callable[[Sequence[bytes]], Sequence[bytes]]]] = {
    "list": lambda parts: parts,
    "set": lambda parts: parts,
    "hash": lambda parts: parts,
    "zset": _swapped,
}


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _texts(values: Iterable[bytes]) -> list[str]:
    return [_text(value) for value in values]
