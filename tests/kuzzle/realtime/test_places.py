"""Points and distances in all their forms."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kuzzle.realtime.places import find_distance_m, find_place


@pytest.mark.parametrize(
    "value",
    [
        [10, 20],
        ["10", 20.0],
        {"lat": 10, "lon": 20},
        {"lat": "10x", "lon": "20.0 degrees", "other": 1},
        "10,20",
        " 10 ,20",
        "1e1,2e1",
        {"latLon": [10, 20]},
        {"lat_lon": "10,20"},
        {"lat_lon": {"lat": 10, "lon": 20}},
        {"latLon": "zz", "lat_lon": [10, 20]},
        {"lat": 10, "lon": 20, "latLon": [0, 0]},
        {"lat": 10, "latLon": [10, 20]},
        [10, 380],
        [10, -340],
    ],
)
def test_a_point_is_written_in_many_ways(value: Any) -> None:
    assert find_place(value) == (10, 20)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 5, "", "x", "abc", "ABCD", "ab-d", "10,20,30", "10;20", ",", "a,b"),
        *([], [10], [10, 20, 30], [10, None], [10, True], [10, math.inf], [10**400, 0], ["Infinity", 20]),
        *({}, {"lat": 10}, {"latitude": 10, "longitude": 20}, {"latLon": {"latLon": [10, 20]}}, {"latLon": None}),
        {"lat": 10, "lon": ""},
    ],
)
def test_what_is_no_point(value: Any) -> None:
    assert find_place(value) is None


def test_a_geohash_is_the_centre_of_its_cell() -> None:
    assert find_place("u4pruydqqvj") == pytest.approx((57.64911, 10.40744), abs=1e-5)
    assert find_place("ezs4") == pytest.approx((42.626953125, -5.4492187), abs=1e-6)
    assert find_place("aaaa") == find_place("0000")
    assert find_place("u4pruydqqvj" * 100) is not None


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("0 m", 0),
        ("1m", 1),
        ("1 meter", 1),
        ("2 Meters", 2),
        ("5km", 5000),
        ("1 kms", 1000),
        ("1 kilometers", 1000),
        ("1 Megameter", 1e6),
        ("1 Mm", 0.001),
        ("3 dam", 30),
        ("3 dekameters", 30),
        ("1 mum", 1e-6),
        ("1 093,61 yd", 1000),
        ("1,000 m", 1),
        ("-5 m", 5),
        (".5 km", 500),
        ("+5 m", 5),
        ("1 ft", 0.3048),
        ("1 feet", 0.3048),
        ("1 kft", 304.8),
        ("1 inches", 0.0254),
        ("1 miles", 1609.34),
        ("1 kilomile", 1609340),
    ],
)
def test_a_distance_is_a_number_with_a_unit(text: str, metres: float) -> None:
    assert find_distance_m(text) == pytest.approx(metres, rel=1e-5)


@pytest.mark.parametrize(
    "text",
    ["", "1", "m", "x1m", "1 foot", "1 kilometre", "1 kyard", "1 um", "1e3 m", "5. m", "1.5.2 m", "1 s", "1 parsec"],
)
def test_what_is_no_distance(text: str) -> None:
    assert find_distance_m(text) is None
