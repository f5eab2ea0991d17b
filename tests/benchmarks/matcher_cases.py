"""Filters and documents for `matcher.py`: a mixture nearer to life, and each keyword alone.

Of ten filters of the mixture two ask for a value, two for a value and an interval, two for one of ten
words, two for a field and a value, two for an interval; documents have 20 fields. A keyword alone stands
in all filters, and a document matches a given share of them.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

DOCUMENTS = 200
Filters = list[dict[str, Any]]
Documents = list[dict[str, Any]]
Make = Callable[[random.Random, int], dict[str, Any]]


def mixture(count: int) -> tuple[Filters, Documents]:
    """Return different filters of every kind, and documents."""
    dice = random.Random(count)
    kinds: list[Make] = [_equals, _equals_and_range, _words, _exists_and_equals, _interval]
    filters = [kinds[number % len(kinds)](dice, count) for number in range(count)]
    return _different(filters), [_document(dice, count) for _ in range(DOCUMENTS)]


def alone(keyword: str, count: int, share: float) -> tuple[Filters, Documents]:
    """Return different filters of one keyword, and documents that match this share of them."""
    make_filter, make_document = _ALONE[keyword]
    dice = random.Random(f"{keyword} {count} {share}")
    filters = [make_filter(dice, number, count, share) for number in range(count)]
    documents = 40 if share > 0.01 else DOCUMENTS
    return _different(filters), [make_document(dice, count, share) for _ in range(documents)]


def _different(filters: Filters) -> Filters:
    return list({json.dumps(one): one for one in filters}.values())


# --- the mixture


def _equals(dice: random.Random, count: int) -> dict[str, Any]:
    return {"equals": {f"text{dice.randrange(5)}": f"value{dice.randrange(count)}"}}


def _equals_and_range(dice: random.Random, count: int) -> dict[str, Any]:
    low = dice.uniform(0, 90)
    return {
        "and": [{"equals": {"kind": f"kind{dice.randrange(20)}"}}, {"range": {"price": {"gte": low, "lt": low + 1}}}]
    }


def _words(dice: random.Random, count: int) -> dict[str, Any]:
    return {"in": {"city": [f"city{dice.randrange(count * 10)}" for _ in range(10)]}}


def _exists_and_equals(dice: random.Random, count: int) -> dict[str, Any]:
    return {"and": [{"exists": f"flag{dice.randrange(5)}"}, {"equals": {"owner.id": f"user{dice.randrange(count)}"}}]}


def _interval(dice: random.Random, count: int) -> dict[str, Any]:
    low = dice.uniform(0, 1000)
    return {"range": {"stamp": {"gte": low, "lte": low + dice.uniform(0.1, 2)}}}


def _document(dice: random.Random, count: int) -> dict[str, Any]:
    """Return a document of 20 fields, most of which some filter asks about."""
    return {
        **{f"text{number}": f"value{dice.randrange(count)}" for number in range(5)},
        "kind": f"kind{dice.randrange(20)}",
        "price": dice.uniform(0, 100),
        "city": f"city{dice.randrange(count * 10)}",
        **{f"flag{number}": True for number in range(3)},
        "owner": {"id": f"user{dice.randrange(count)}", "name": "somebody"},
        "stamp": dice.uniform(0, 1000),
        **{f"other{number}": number for number in range(5)},
    }


# --- each keyword alone: a filter from its number, a document

_TOP = 60.0
"""Places lie between these parallels, so that degrees of longitude stay comparable."""


def _fields(count: int, share: float) -> int:
    return max(1, round(count * share))


def _place(dice: random.Random) -> tuple[float, float]:
    return dice.uniform(-_TOP, _TOP), dice.uniform(-180, 180)


def _reach(share: float) -> tuple[float, float]:
    """Return half the height and width in degrees of a box with this share of the places."""
    return _TOP * math.sqrt(share), 180 * math.sqrt(share)


def _box(dice: random.Random, _number: int, _count: int, share: float) -> dict[str, Any]:
    (lat, lon), (up, aside) = _place(dice), _reach(share)
    return {"geoBoundingBox": {"at": {"top": lat + up, "left": lon - aside, "bottom": lat - up, "right": lon + aside}}}


def _circle(dice: random.Random, _number: int, _count: int, share: float) -> dict[str, Any]:
    radius_km = 111 * math.sqrt(4 * _TOP * 180 * share / math.pi) * 0.9
    return {"geoDistance": {"at": list(_place(dice)), "distance": f"{radius_km:.3f}km"}}


def _hexagon(dice: random.Random, _number: int, _count: int, share: float) -> dict[str, Any]:
    (lat, lon), (up, aside) = _place(dice), _reach(share)
    turns = [math.radians(60 * corner) for corner in range(6)]
    points = [
        [max(-85.0, min(85.0, lat + 1.2 * up * math.sin(turn))), lon + 1.2 * aside * math.cos(turn)] for turn in turns
    ]
    return {"geoPolygon": {"at": {"points": points}}}


def _located(dice: random.Random, _count: int, _share: float) -> dict[str, Any]:
    return {"at": list(_place(dice))}


def _and(dice: random.Random, _number: int, _count: int, share: float) -> dict[str, Any]:
    values, width = (10, 0.01) if share < 0.01 else (2, 0.2)
    low = dice.random()
    return {
        "and": [{"equals": {"kind": dice.randrange(values)}}, {"range": {"price": {"gte": low, "lt": low + width}}}]
    }


_MakeFilter = Callable[[random.Random, int, int, float], dict[str, Any]]
_MakeDocument = Callable[[random.Random, int, float], dict[str, Any]]
_ALONE: dict[str, tuple[_MakeFilter, _MakeDocument]] = {
    "equals": (
        lambda dice, number, count, share: {
            "equals": {f"f{number % _fields(count, share)}": number // _fields(count, share)}
        },
        lambda dice, count, share: {f"f{n}": dice.randrange(round(1 / share)) for n in range(_fields(count, share))},
    ),
    "exists": (
        lambda dice, number, count, share: {"exists": f"f{number}"},
        lambda dice, count, share: {f"f{n}": 1 for n in dice.sample(range(count), _fields(count, share))},
    ),
    "range": (
        lambda dice, number, count, share: {"range": {"n": {"gte": (low := dice.random()), "lt": low + share}}},
        lambda dice, count, share: {"n": dice.random()},
    ),
    "in": (
        lambda dice, number, count, share: {"in": {"w": [f"w{dice.randrange(round(10 / share))}" for _ in range(10)]}},
        lambda dice, count, share: {"w": f"w{dice.randrange(round(10 / share))}"},
    ),
    "regexp": (
        lambda dice, number, count, share: {
            "regexp": {"t": f"key{dice.randrange(round(1 / share)):04}_[a-z]+(?:q{number})?"}
        },
        lambda dice, count, share: {"t": f"a text of fifty letters key{dice.randrange(round(1 / share)):04}_word more"},
    ),
    "geoBoundingBox": (_box, _located),
    "geoDistance": (_circle, _located),
    "geoPolygon": (_hexagon, _located),
    "and": (
        _and,
        lambda dice, count, share: {"kind": dice.randrange(10 if share < 0.01 else 2), "price": dice.random()},
    ),
}
KEYWORDS = tuple(_ALONE)
