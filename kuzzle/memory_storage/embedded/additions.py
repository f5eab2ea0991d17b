"""What fakeredis lacks, or words otherwise than Redis."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from fakeredis.model import Hash, ZSet

from kuzzle.memory_storage.base import Answer, Words, refusal
from kuzzle.memory_storage.embedded import estimates, places
from kuzzle.memory_storage.embedded.faults import NO_FLOAT, NO_INTEGER, SYNTAX, check_count

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

# Where Redis 7 changes the encoding of a value.
_EMBEDDED_TEXT: Final = 44
_PACKED_ITEMS: Final = 128
_PACKED_HASH_FIELDS: Final = 512
_PACKED_SET_INTEGERS: Final = 512
_PACKED_BYTES: Final = 64
_INTEGER: Final = re.compile(rb"0|-?[1-9]\d{0,18}")
_FLOAT: Final = re.compile(rb"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?|inf|infinity)", re.IGNORECASE)
# Small integers are shared between all keys that hold them.
_SHARED_INTEGERS: Final = 10_000
_SHARED_COUNT: Final = 2**31 - 1

_NO_HASH_FLOAT: Final = "ERR hash value is not a float"
_TOO_LARGE: Final = "ERR increment would produce NaN or Infinity"
# Redis keeps the moment of an expiry in milliseconds, in 64 bits.
_LARGEST_MS: Final = 2**63 - 1
# Members that one command may draw again and again; Redis takes any number.
_MOST_DRAWN: Final = 1_000_000
# How Redis counts and words fractions.
_BINARY_DIGITS: Final = 64
_DECIMALS: Final = 17
_TOO_LARGE_NUMBER: Final = 2**16384


def touch(engine: Engine, words: Words) -> Answer:
    """TOUCH key...: counting keys uses them."""
    check_count(words, len(words) >= 2)
    return engine.ask(b"EXISTS", *words[1:])


def tell_of_object(engine: Engine, words: Words) -> Answer:
    """OBJECT ENCODING|IDLETIME|REFCOUNT|FREQ key."""
    subcommand = words[1].upper() if len(words) > 1 else b""
    name = subcommand.decode(errors="replace").lower()
    if subcommand not in (b"ENCODING", b"IDLETIME", b"REFCOUNT", b"FREQ"):
        raise refusal(f"ERR unknown subcommand '{words[1].decode(errors='replace')[:128]}'. Try OBJECT HELP.")
    if len(words) != 3:
        raise refusal(f"ERR wrong number of arguments for 'object|{name}' command")
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


def count_bits(engine: Engine, words: Words) -> Answer:
    """BITCOUNT key [start end]: an absent key has none, whatever follows."""
    if len(words) > 1 and engine.keyspace.peek(words[1]) is None:
        return 0
    return engine.ask(*words)


def find_bit(engine: Engine, words: Words) -> Answer:
    """BITPOS key bit [start [end]]: an end before the first byte is the first byte."""
    if len(words) == 5 and all(map(_is_integer, words[3:])):
        item = engine.keyspace.peek(words[1])
        length = len(item.value) if item is not None and isinstance(item.value, bytes) else 0
        ends = (int(word) + (length if int(word) < 0 else 0) for word in words[3:])
        words = [*words[:3], *(b"%d" % max(end, 0) for end in ends)]
    return engine.ask(*words)


def combine_bits(engine: Engine, words: Words) -> Answer:
    """BITOP AND|OR|XOR|NOT destination key...: the operation is looked at before the keys."""
    check_count(words, len(words) >= 4)
    operation = words[1].upper()
    if operation not in (b"AND", b"OR", b"XOR", b"NOT"):
        raise refusal(SYNTAX)
    if operation == b"NOT" and len(words) > 4:
        raise refusal("ERR BITOP NOT must be called with a single source key.")
    return engine.ask(*words)


def expire(engine: Engine, words: Words) -> Answer:
    """EXPIRE, EXPIREAT, PEXPIRE and PEXPIREAT key time: fakeredis takes times that milliseconds cannot tell."""
    if len(words) == 3 and _is_integer(words[2]):
        factor = 1 if words[0].startswith(b"P") else 1000
        base = 0 if words[0].endswith(b"AT") else int(time.time() * 1000)
        if not -_LARGEST_MS <= int(words[2]) * factor <= _LARGEST_MS - base:
            raise refusal(f"ERR invalid expire time in '{words[0].decode().lower()}' command")
    return engine.ask(*words)


def scan(engine: Engine, words: Words) -> Answer:
    """SCAN cursor [option...]."""
    if len(words) > 1 and not words[1].removeprefix(b"-").isdigit():
        raise refusal("ERR invalid cursor")
    return engine.ask(*words)


def random_members(engine: Engine, words: Words) -> Answer:
    """SRANDMEMBER key [count]: a negative count draws as many, however few members there are."""
    if len(words) == 3 and _is_integer(words[2]) and int(words[2]) < -_MOST_DRAWN:
        raise refusal("ERR value is out of range")
    return engine.ask(*words)


def set_with_expiry(engine: Engine, words: Words) -> Answer:
    """SETEX key seconds value, PSETEX key milliseconds value: fakeredis cuts the moment to whole seconds."""
    check_count(words, len(words) == 4)
    name, key, span, value = words
    if not _is_integer(span):
        raise refusal(NO_INTEGER)
    if not 0 < int(span) * (1 if name == b"PSETEX" else 1000) <= _LARGEST_MS - int(time.time() * 1000):
        raise refusal(f"ERR invalid expire time in '{name.decode().lower()}' command")
    return engine.ask(b"SET", key, value, b"PX" if name == b"PSETEX" else b"EX", span)


def time_left(engine: Engine, words: Words) -> Answer:
    """TTL key: Redis rounds to the nearest second."""
    check_count(words, len(words) == 2)
    left_ms: int = engine.ask(b"PTTL", words[1])
    return left_ms if left_ms < 0 else (left_ms + 500) // 1000


def range_by_rank(engine: Engine, words: Words) -> Answer:
    """ZRANGE and ZREVRANGE key start stop [option...]: where the ends are ranks, they are integers."""
    if all(word.upper() == b"WITHSCORES" for word in words[4:]) and not all(map(_is_integer, words[2:4])):
        raise refusal(NO_INTEGER)
    return engine.ask(*words)


def increase_by_float(engine: Engine, words: Words) -> Answer:
    """INCRBYFLOAT key increment, in decimal digits: fakeredis shows the rounding of binary ones."""
    check_count(words, len(words) == 3)
    key, increment = words[1:]
    old = engine.ask(b"GET", key)
    total = _sum(old, _decimal(increment, NO_FLOAT), NO_FLOAT, _TOO_LARGE)
    engine.ask(b"SET", key, total, b"KEEPTTL")
    return total


def increase_field_by_float(engine: Engine, words: Words) -> Answer:
    """HINCRBYFLOAT key field increment."""
    check_count(words, len(words) == 4)
    key, field, increment = words[1:]
    number = _decimal(increment, NO_FLOAT)
    if not number.is_finite():
        raise refusal("ERR value is NaN or Infinity")
    total = _sum(engine.ask(b"HGET", key, field), number, _NO_HASH_FLOAT, _TOO_LARGE)
    engine.ask(b"HSET", key, field, total)
    return total


def _sum(old: bytes | None, increment: Decimal, error: str, too_large: str) -> bytes:
    first = Decimal(0) if old is None else _decimal(old, error)
    if not (first.is_finite() and increment.is_finite()):
        raise refusal(too_large)
    total = _rounded(_rounded(Fraction(first)) + _rounded(Fraction(increment)))
    if abs(total) >= _TOO_LARGE_NUMBER:
        raise refusal(too_large)
    sign, digits = "-" if total < 0 else "", str(round(abs(total) * 10**_DECIMALS)).rjust(_DECIMALS + 1, "0")
    return _plain(f"{sign}{digits[:-_DECIMALS]}.{digits[-_DECIMALS:]}")


def _rounded(number: Fraction) -> Fraction:
    """Return the nearest number of 64 binary digits: Redis counts in `long double`."""
    if not number:
        return number
    magnitude = abs(number.numerator).bit_length() - number.denominator.bit_length()
    unit = Fraction(2) ** (magnitude - _BINARY_DIGITS + (abs(number) >= Fraction(2) ** magnitude))
    return round(number / unit) * unit


def _decimal(text: bytes, error: str) -> Decimal:
    if not _FLOAT.fullmatch(text):
        raise refusal(error)
    return Decimal(text.decode())


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


ADDITIONS: Final[Mapping[bytes, Callable[[Engine, Words], Answer]]] = {
    b"BITCOUNT": count_bits,
    b"BITOP": combine_bits,
    b"BITPOS": find_bit,
    b"EXPIRE": expire,
    b"EXPIREAT": expire,
    b"GEOADD": places.add,
    b"GEODIST": places.distance,
    b"GEOHASH": places.hashes,
    b"GEOPOS": places.positions,
    b"GEORADIUSBYMEMBER_RO": places.around_member,
    b"GEORADIUS_RO": places.around_point,
    b"HINCRBYFLOAT": increase_field_by_float,
    b"INCRBYFLOAT": increase_by_float,
    b"PEXPIRE": expire,
    b"PEXPIREAT": expire,
    b"PFADD": estimates.add,
    b"PFCOUNT": estimates.count,
    b"PFMERGE": estimates.merge,
    b"PSETEX": set_with_expiry,
    b"SCAN": scan,
    b"SETEX": set_with_expiry,
    b"OBJECT": tell_of_object,
    b"SRANDMEMBER": random_members,
    b"TOUCH": touch,
    b"TTL": time_left,
    b"ZRANGE": range_by_rank,
    b"ZREVRANGE": range_by_rank,
}
"""Commands of our own."""
