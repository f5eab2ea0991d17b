"""PFADD, PFCOUNT and PFMERGE: HyperLogLog as Redis has it, so that both estimate the same.

fakeredis counts exactly, in a set that grows with what was added; an estimate takes 16 KiB for ever. The hash,
the registers and the estimator are those of Redis (MurmurHash64A, 2^14 registers, Ertl's "New cardinality
estimation algorithms for HyperLogLog sketches", 2017); only the bytes that `get` shows are other ones: one a register.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from kuzzle.memory_storage.base import Answer, Words, refusal
from kuzzle.memory_storage.embedded.faults import check_count

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

_INDEX_BITS: Final = 14
_REGISTERS: Final = 1 << _INDEX_BITS
_RANKS: Final = 64 - _INDEX_BITS
_ALPHA: Final = 0.721347520444481703680
_HEAD: Final = b"HYLL\x02" + bytes(11)
_NO_ESTIMATE: Final = "WRONGTYPE Key is not a valid HyperLogLog string value."

_SEED: Final = 0xADC83B19
_FACTOR: Final = 0xC6A4A7935BD1E995
_MASK: Final = 2**64 - 1


def add(engine: Engine, words: Words) -> Answer:
    """PFADD key [element...]: 1 when the estimate changed, or is new."""
    check_count(words, len(words) >= 2)
    old = _read(engine, words[1])
    registers = bytearray(_REGISTERS) if old is None else bytearray(old)
    is_changed = old is None
    for element in words[2:]:
        index, rank = _place(element)
        if registers[index] < rank:
            registers[index] = rank
            is_changed = True
    if is_changed:
        _write(engine, words[1], registers)
    return int(is_changed)


def count(engine: Engine, words: Words) -> Answer:
    """PFCOUNT key...: how many different elements were added to any."""
    check_count(words, len(words) >= 2)
    return _estimate(_merged(engine, words[1:]))


def merge(engine: Engine, words: Words) -> Answer:
    """PFMERGE destination [source...]: the destination is a source too."""
    check_count(words, len(words) >= 2)
    _write(engine, words[1], _merged(engine, words[1:]))
    return b"OK"


def _merged(engine: Engine, keys: Words) -> bytes:
    registers = bytes(_REGISTERS)
    for key in keys:
        others = _read(engine, key)
        if others is not None:
            registers = bytes(map(max, registers, others))
    return registers


def _read(engine: Engine, key: bytes) -> bytes | None:
    value = engine.ask(b"GET", key)
    if value is None:
        return None
    registers: bytes = value[len(_HEAD) :]
    if not value.startswith(_HEAD) or len(registers) != _REGISTERS or max(registers) > _RANKS + 1:
        raise refusal(_NO_ESTIMATE)
    return registers


def _write(engine: Engine, key: bytes, registers: bytes | bytearray) -> None:
    engine.ask(b"SET", key, _HEAD + registers, b"KEEPTTL")


def _place(element: bytes) -> tuple[int, int]:
    """Return the register of an element, and the rank of its hash: one more than the zeros at its end."""
    hashed = murmur(element)
    rest = hashed >> _INDEX_BITS | 1 << _RANKS
    return hashed & _REGISTERS - 1, (rest & -rest).bit_length()


def murmur(data: bytes) -> int:
    """Return MurmurHash64A of some bytes."""
    hashed = (_SEED ^ len(data) * _FACTOR) & _MASK
    whole = len(data) & ~7
    for start in range(0, whole, 8):
        part = int.from_bytes(data[start : start + 8], "little") * _FACTOR & _MASK
        part = (part ^ part >> 47) * _FACTOR & _MASK
        hashed = (hashed ^ part) * _FACTOR & _MASK
    if whole < len(data):
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    hashed = (hashed ^ hashed >> 47) * _FACTOR & _MASK
    return hashed ^ hashed >> 47


def _estimate(registers: bytes) -> int:
    counts = [registers.count(rank) for rank in range(_RANKS + 2)]
    total = _REGISTERS * _tau((_REGISTERS - counts[_RANKS + 1]) / _REGISTERS)
    for rank in range(_RANKS, 0, -1):
        total = (total + counts[rank]) * 0.5
    total += _REGISTERS * _sigma(counts[0] / _REGISTERS)
    return math.floor(_ALPHA * _REGISTERS * _REGISTERS / total + 0.5)


def _sigma(share: float) -> float:
    if share == 1.0:
        return math.inf
    total, power = share, 1.0
    while True:
        share *= share
        before = total
        total += share * power
        power += power
        if total == before:
            return total


def _tau(share: float) -> float:
    if share in (0.0, 1.0):
        return 0.0
    total, power = 1 - share, 1.0
    while True:
        share = math.sqrt(share)
        before = total
        power *= 0.5
        total -= (1 - share) ** 2 * power
        if total == before:
            return total / 3
