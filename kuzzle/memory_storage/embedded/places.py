"""The commands on places, as Redis has them: members of a sorted set, whose scores are geohashes of 52 bits.

fakeredis keeps texts of 50 bits instead, which are half a metre off, and no numbers where a command on sorted sets
meets them. A search looks at every place of the set: four microseconds each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kuzzle.memory_storage.base import Answer, Words, refusal
from kuzzle.memory_storage.embedded.faults import NO_FLOAT, NO_INTEGER, SYNTAX, UNIT, check_count

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

_STEPS: Final = 26
_CELLS: Final = 1 << _STEPS
_LARGEST_LATITUDE: Final = 85.05112878
_LARGEST_LONGITUDE: Final = 180.0
_EARTH_RADIUS_M: Final = 6372797.560856
_METRES: Final[Mapping[bytes, float]] = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
_LETTERS: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_HASH_LETTERS: Final = 11

Place = tuple[float, float]
"""Longitude and latitude, in degrees."""


# --- geohashes


def _encode(place: Place, largest_latitude: float = _LARGEST_LATITUDE) -> int:
    longitude, latitude = place
    column = int((longitude + _LARGEST_LONGITUDE) / (2 * _LARGEST_LONGITUDE) * _CELLS)
    row = int((latitude + largest_latitude) / (2 * largest_latitude) * _CELLS)
    return _spread(column) << 1 | _spread(row)


def _decode(score: float) -> Place:
    bits = int(score) if math.isfinite(score) else 0
    return (
        _middle(_gathered(bits >> 1), _LARGEST_LONGITUDE),
        _middle(_gathered(bits), _LARGEST_LATITUDE),
    )


def _middle(cell: int, largest: float) -> float:
    low = -largest + cell * 1.0 / _CELLS * (2 * largest)
    high = -largest + (cell + 1) * 1.0 / _CELLS * (2 * largest)
    return min(max((low + high) / 2, -largest), largest)


def _spread(value: int) -> int:
    """Put a zero in front of each of 32 bits."""
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        value = (value | value << shift) & mask
    value = (value | value << 2) & 0x3333333333333333
    return (value | value << 1) & 0x5555555555555555


def _gathered(value: int) -> int:
    """Take every second bit, the lowest first."""
    value &= 0x5555555555555555
    value = (value | value >> 1) & 0x3333333333333333
    value = (value | value >> 2) & 0x0F0F0F0F0F0F0F0F
    value = (value | value >> 4) & 0x00FF00FF00FF00FF
    value = (value | value >> 8) & 0x0000FFFF0000FFFF
    return (value | value >> 16) & 0xFFFFFFFF


def _distance_m(first: Place, second: Place) -> float:
    """Return the length of the great circle between two places."""
    latitude, other_latitude = math.radians(first[1]), math.radians(second[1])
    across = math.sin((math.radians(second[0]) - math.radians(first[0])) / 2)
    if across == 0.0:
        return _EARTH_RADIUS_M * abs(other_latitude - latitude)
    up = math.sin((other_latitude - latitude) / 2)
    chord = up * up + math.cos(latitude) * math.cos(other_latitude) * across * across
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(chord))


# --- commands


def add(engine: Engine, words: Words) -> Answer:
    """GEOADD key longitude latitude member [longitude latitude member...]."""
    check_count(words, len(words) >= 5)
    if (len(words) - 2) % 3:
        raise refusal(SYNTAX)
    scored: list[bytes] = []
    for longitude, latitude, member in zip(words[2::3], words[3::3], words[4::3], strict=True):
        scored += [b"%d" % _encode(_read_place(longitude, latitude)), member]
    return engine.ask(b"ZADD", words[1], *scored)


def distance(engine: Engine, words: Words) -> Answer:
    """GEODIST key member member [unit]."""
    check_count(words, len(words) >= 4)
    if len(words) > 5:
        raise refusal(SYNTAX)
    unit_m = _read_unit(words[4]) if len(words) == 5 else 1.0
    scores = engine.scores(words[1])
    first, second = scores.get(words[2]), scores.get(words[3])
    if first is None or second is None:
        return None
    return _distance_text(_distance_m(_decode(first), _decode(second)) / unit_m)


def hashes(engine: Engine, words: Words) -> Answer:
    """GEOHASH key [member...]: in the common form, whose latitudes go to the poles."""
    check_count(words, len(words) >= 2)
    scores = engine.scores(words[1])
    return [_hash_text(scores.get(member)) for member in words[2:]]


def positions(engine: Engine, words: Words) -> Answer:
    """GEOPOS key [member...]."""
    check_count(words, len(words) >= 2)
    scores = engine.scores(words[1])
    return [None if (score := scores.get(member)) is None else _position(_decode(score)) for member in words[2:]]


def around_point(engine: Engine, words: Words) -> Answer:
    """GEORADIUS_RO key longitude latitude radius unit [option...]."""
    check_count(words, len(words) >= 6)
    scores = engine.scores(words[1])
    centre = _read_place(words[2], words[3])
    radius, unit_m = _read_radius(words[4]), _read_unit(words[5])
    return _search(scores, centre, radius * unit_m, unit_m, _read_options(words[6:]))


def around_member(engine: Engine, words: Words) -> Answer:
    """GEORADIUSBYMEMBER_RO key member radius unit [option...]."""
    check_count(words, len(words) >= 5)
    scores = engine.scores(words[1])
    if not scores:
        _read_options(words[5:])
        return []
    score = scores.get(words[2])
    if score is None:
        raise refusal("ERR could not decode requested zset member")
    radius, unit_m = _read_radius(words[3]), _read_unit(words[4])
    return _search(scores, _decode(score), radius * unit_m, unit_m, _read_options(words[5:]))


@dataclass(slots=True)
class _Options:
    """What a search is asked to tell, and how many places at most (0: all)."""

    distances: bool = False
    positions: bool = False
    scores: bool = False
    order: int = 0
    most: int = 0
    takes_any: bool = False


def _read_options(words: Words) -> _Options:
    options = _Options()
    rest = list(reversed(words))
    while rest:
        word = rest.pop().upper()
        if word == b"WITHDIST":
            options.distances = True
        elif word == b"WITHCOORD":
            options.positions = True
        elif word == b"WITHHASH":
            options.scores = True
        elif word in (b"ASC", b"DESC"):
            options.order = 1 if word == b"ASC" else -1
        elif word == b"ANY":
            options.takes_any = True
        elif word == b"COUNT" and rest:
            options.most = _read_most(rest.pop())
        else:
            raise refusal(SYNTAX)
    if options.takes_any and not options.most:
        raise refusal("ERR the ANY argument requires COUNT argument")
    if options.most and not options.order and not options.takes_any:
        options.order = 1
    return options


def _search(scores: Mapping[bytes, float], centre: Place, radius_m: float, unit_m: float, options: _Options) -> Answer:
    found = []
    for member, score in scores.items():
        place = _decode(score)
        distance_m = _distance_m(centre, place)
        if distance_m <= radius_m:
            found.append((distance_m, member, score, place))
            if options.takes_any and len(found) == options.most:
                break
    if options.order:
        found.sort(key=lambda each: each[0], reverse=options.order < 0)
    if options.most:
        del found[options.most :]
    if not (options.distances or options.positions or options.scores):
        return [member for _, member, _, _ in found]
    return [
        [
            member,
            *([_distance_text(distance_m / unit_m)] if options.distances else ()),
            *([int(score)] if options.scores else ()),
            *([_position(place)] if options.positions else ()),
        ]
        for distance_m, member, score, place in found
    ]


# --- reading and wording


def _read_float(word: bytes, error: str) -> float:
    try:
        number = float(word) if word.strip() == word else math.nan
    except ValueError:
        raise refusal(error) from None
    if math.isnan(number):
        raise refusal(error)
    return number


def _read_place(longitude_word: bytes, latitude_word: bytes) -> Place:
    longitude, latitude = _read_float(longitude_word, NO_FLOAT), _read_float(latitude_word, NO_FLOAT)
    if abs(longitude) > _LARGEST_LONGITUDE or abs(latitude) > _LARGEST_LATITUDE:
        raise refusal(f"ERR invalid longitude,latitude pair {longitude:.6f},{latitude:.6f}")
    return longitude, latitude


def _read_radius(word: bytes) -> float:
    radius = _read_float(word, "ERR need numeric radius")
    if radius < 0:
        raise refusal("ERR radius cannot be negative")
    return radius


def _read_unit(word: bytes) -> float:
    unit_m = _METRES.get(word.lower())
    if unit_m is None:
        raise refusal(UNIT)
    return unit_m


def _read_most(word: bytes) -> int:
    if not word.removeprefix(b"-").isdigit() or abs(int(word[:20])) >= 2**63:
        raise refusal(NO_INTEGER)
    if int(word) <= 0:
        raise refusal("ERR COUNT must be > 0")
    return int(word)


def _distance_text(distance: float) -> bytes:
    return b"%.4f" % distance


def _position(place: Place) -> list[bytes]:
    return [_coordinate(part) for part in place]


def _coordinate(degrees: float) -> bytes:
    text = f"{degrees:.17f}".rstrip("0").rstrip(".")
    return b"0" if text == "-0" else text.encode()


def _hash_text(score: float | None) -> bytes | None:
    if score is None:
        return None
    bits = _encode(_decode(score), 90.0)
    # 52 bits make ten letters of five; the eleventh is always the first of them, as in Redis.
    letters = [_LETTERS[bits >> 2 * _STEPS - 5 * (number + 1) & 31] for number in range(_HASH_LETTERS - 1)]
    return bytes([*letters, _LETTERS[0]])
