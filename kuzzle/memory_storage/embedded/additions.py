"""What fakeredis lacks, or words otherwise than Redis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Any, Final

from fakeredis.model import Hash, ZSet

from kuzzle.memory_storage.base import Answer, Words, refusal

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

# Where Redis 7 changes the encoding of a value.
_EMBEDDED_TEXT: Final = 44
_PACKED_ITEMS: Final = 128
_PACKED_HASH_FIELDS: Final = 512
_PACKED_SET_INTEGERS: Final = 512
_PACKED_BYTES: Final = 64
_INTEGER: Final = re.compile(rb"0|-?[1-9]\d{0,18}")
_FLOAT: Final = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
# Small integers are shared between all keys that hold them.
_SHARED_INTEGERS: Final = 10_000
_SHARED_COUNT: Final = 2**31 - 1

_PLACE_OPTIONS: Final = frozenset(b"WITHCOORD WITHDIST WITHHASH ASC DESC COUNT ANY".split())
_NO_FLOAT: Final = "ERR value is not a valid float"
_NO_HASH_FLOAT: Final = "ERR hash value is not a float"
_TOO_LARGE: Final = "ERR increment would produce NaN or Infinity"
# The largest number whose text Redis can make.
_LARGEST: Final = Decimal("1.18973149535723176502e+4932")


def touch(engine: Engine, words: Words) -> Answer:
    """TOUCH key...: counting keys uses them."""
    _check_count(words, "touch", len(words) >= 2)
    return engine.ask(b"EXISTS", *words[1:])


def tell_of_object(engine: Engine, words: Words) -> Answer:
    """OBJECT ENCODING|IDLETIME|REFCOUNT|FREQ key."""
    subcommand = words[1].upper() if len(words) > 1 else b""
    name = subcommand.decode(errors="replace").lower()
    if subcommand not in (b"ENCODING", b"IDLETIME", b"REFCOUNT", b"FREQ"):
        raise refusal(f"ERR unknown subcommand '{words[1].decode(errors='replace')[:128]}'. Try OBJECT HELP.")
    _check_count(words, f"object|{name}", len(words) == 3)
    item = engine.keyspace.peek(words[2])
    if item is None:
        return None
    if subcommand == b"ENCODING":
        return _encoding(item.value)
    if subcommand == b"IDLETIME":
        return engine.keyspace.idle_s(words[2])
    if subcommand == b"REFCOUNT":
        is_shared = _is_integer(item.value) and 0 <= int(item.value) < _SHARED_INTEGERS
        return _SHARED_COUNT if is_shared else 1
    raise refusal(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching"
        " between policies at runtime LRU and LFU data will take some time to adjust."
    )


def increase_by_float(engine: Engine, words: Words) -> Answer:
    """INCRBYFLOAT key increment, in decimal digits: fakeredis shows the rounding of binary ones."""
    _check_count(words, "incrbyfloat", len(words) == 3)
    key, increment = words[1:]
    total = _sum(engine.ask(b"GET", key), increment, _NO_FLOAT)
    engine.ask(b"SET", key, total, b"KEEPTTL")
    return total


def increase_field_by_float(engine: Engine, words: Words) -> Answer:
    """HINCRBYFLOAT key field increment."""
    _check_count(words, "hincrbyfloat", len(words) == 4)
    key, field, increment = words[1:]
    _decimal(increment, _NO_FLOAT)
    total = _sum(engine.ask(b"HGET", key, field), increment, _NO_HASH_FLOAT)
    engine.ask(b"HSET", key, field, total)
    return total


def find_around_point(engine: Engine, words: Words) -> Answer:
    """GEORADIUS_RO key longitude latitude radius unit [option...]: fakeredis passes over options it does not know."""
    _check_count(words, "georadius_ro", len(words) >= 6)
    _check_options(words[6:])
    return _word_neighbours(engine.ask(*words))


def find_around_member(engine: Engine, words: Words) -> Answer:
    """GEORADIUSBYMEMBER_RO key member radius unit [option...]."""
    _check_count(words, "georadiusbymember_ro", len(words) >= 5)
    _check_options(words[5:])
    return _word_neighbours(engine.ask(*words))


def _check_options(options: Words) -> None:
    """Refuse what is no option of a search for places."""
    counts_follow = [word.upper() == b"COUNT" for word in options]
    for position, word in enumerate(options):
        is_count = position > 0 and counts_follow[position - 1]
        if not is_count and word.upper() not in _PLACE_OPTIONS:
            raise refusal("ERR syntax error")


def _check_count(words: Words, name: str, is_right: bool) -> None:
    if not is_right:
        raise refusal(f"ERR wrong number of arguments for '{name}' command")


def _sum(old: bytes | None, increment: bytes, error: str) -> bytes:
    first, second = _decimal(old or b"0", error), _decimal(increment, _NO_FLOAT)
    with localcontext() as context:
        context.prec = 40
        total = first + second
    if abs(total) > _LARGEST:
        raise refusal(_TOO_LARGE)
    return _plain(f"{total:.17f}")


def _decimal(text: bytes, error: str) -> Decimal:
    if not _FLOAT.fullmatch(text):
        raise refusal(error)
    try:
        return Decimal(text.decode())
    except InvalidOperation:
        raise refusal(error) from None


def _plain(text: str) -> bytes:
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return b"0" if plain == "-0" else plain.encode()


def _is_integer(value: Any) -> bool:
    return isinstance(value, bytes) and bool(_INTEGER.fullmatch(value)) and -(2**63) <= int(value) < 2**63


def _encoding(value: Any) -> bytes:
    if isinstance(value, bytes):
        if _is_integer(value):
            return b"int"
        return b"embstr" if len(value) <= _EMBEDDED_TEXT else b"raw"
    if isinstance(value, list):
        return b"quicklist"
    if isinstance(value, Hash):
        pairs = value._values
        is_packed = len(pairs) <= _PACKED_HASH_FIELDS and all(map(_is_packable, (*pairs, *pairs.values())))
        return b"listpack" if is_packed else b"hashtable"
    if isinstance(value, ZSet):
        members = value._bylex
        return b"listpack" if len(members) <= _PACKED_ITEMS and all(map(_is_packable, members)) else b"skiplist"
    members = value._values
    is_intset = len(members) <= _PACKED_SET_INTEGERS and all(map(_is_integer, members))
    return b"intset" if is_intset else b"hashtable"


def _is_packable(item: bytes) -> bool:
    return len(item) <= _PACKED_BYTES


# --- wordings of answers


def word_distance(answer: Answer) -> Answer:
    """Word a distance with the four decimals of Redis."""
    return None if answer is None else b"%.4f" % float(answer)


def word_positions(answer: Answer) -> Answer:
    """Word positions with the 17 decimals of Redis."""
    return [None if position is None else _word_position(position) for position in answer]


def _word_neighbours(answer: Answer) -> Answer:
    """Word the distances and positions of places, where they were asked for."""
    return [_word_neighbour(place) if isinstance(place, list) else place for place in answer]


def _word_neighbour(place: list[Answer]) -> list[Answer]:
    return [
        _word_position(part) if isinstance(part, list) else word_distance(part) if number else part
        for number, part in enumerate(place)
    ]


def _word_position(position: list[bytes]) -> list[bytes]:
    return [_plain(f"{float(part):.17f}") for part in position]


ADDITIONS: Final[Mapping[bytes, Callable[[Engine, Words], Answer]]] = {
    b"GEORADIUSBYMEMBER_RO": find_around_member,
    b"GEORADIUS_RO": find_around_point,
    b"HINCRBYFLOAT": increase_field_by_float,
    b"INCRBYFLOAT": increase_by_float,
    b"OBJECT": tell_of_object,
    b"TOUCH": touch,
}
"""Commands of our own."""
WORDINGS: Final[Mapping[bytes, Callable[[Answer], Answer]]] = {
    b"GEODIST": word_distance,
    b"GEOPOS": word_positions,
}
"""Commands of fakeredis whose answers are worded anew."""
