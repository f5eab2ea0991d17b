"""Which values the types of fields accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.specifications import dates
from kuzzle.specifications.types import FIELD_TYPES

# 2020-09-13T12:26:40Z
NOW = 1_600_000_000_000


def accepts(kind: str, value: Any, **options: Any) -> bool:
    return FIELD_TYPES[kind](options, "a", NOW).fault(value, NOW) is None


POINT = {"type": "point", "coordinates": [13.4, 52.5]}
RING = [[0, 0], [1, 0], [1, 1], [0, 0]]

ACCEPTED: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("anything", {}, [1, "a", True, {"a": []}]),
    ("boolean", {}, [True, False]),
    ("integer", {}, [0, -5, 5.0, 2**62]),
    ("integer", {"range": {"min": 1, "max": 5}}, [1, 5]),
    ("numeric", {}, [0, 1.5, -1e300]),
    ("numeric", {"range": {"max": 0.5}}, [0.5, -10]),
    ("string", {}, ["", "a"]),
    ("string", {"length": {"min": 2, "max": 3}}, ["ab", "abc", "\U0001f600"]),
    ("enum", {"values": ["a", "b"]}, ["a", "b"]),
    ("object", {}, [{}, {"a": 1}]),
    ("ip_address", {}, ["", "127.0.0.1", "::1", "2001:db8::8a2e:370:7334"]),
    ("email", {}, ["", "ada@example.org", "a.b+c@sub.example.co.uk", "ö@exämple.de"]),
    (
        "url",
        {},
        [
            "",
            "http://example.org",
            "https://user@example.org:8080/a/b?c=d#e",
            "ftp://10.0.0.1/x",
            "www.example.org/a?b=http://c",
            "http://localhost:7512",
            "http://[::1]/",
        ],
    ),
    ("date", {}, [0, 1_600_000_000_000, "1600000000000", -5]),
    ("date", {"range": {"min": "2020-01-01", "max": "NOW"}}, [NOW, 1_577_836_800_000]),
    ("date", {"range": {"min": "T10:00:00"}}, [NOW]),
    ("geo_point", {}, [[52.5, 13.4], {"lat": 52.5, "lon": "13.4"}, "52.5, 13.4", "u33db2", {"latLon": [1, 2]}]),
    ("geo_point", {}, [{"lat_lon": "1,2"}, [0, 0], "-90,180"]),
    (
        "geo_shape",
        {},
        [
            POINT,
            {"type": "Point", "coordinates": [1, 2, 3]},
            {"type": "linestring", "coordinates": [[0, 0], [1, 1]]},
            {"type": "polygon", "coordinates": [RING]},
            {"type": "multipoint", "coordinates": [[0, 0]]},
            {"type": "multilinestring", "coordinates": [[[0, 0], [1, 1]]]},
            {"type": "multipolygon", "coordinates": [[RING], [RING, RING]]},
            {
                "type": "geometrycollection",
                "geometries": [POINT, {"type": "circle", "coordinates": [0, 0], "radius": 5}],
            },
            {"type": "envelope", "coordinates": [[0, 1], [1, 0]]},
            {"type": "circle", "coordinates": [0, 0], "radius": "1.5 km"},
        ],
    ),
    ("geo_shape", {"shapeTypes": ["point"]}, [POINT]),
]
REFUSED: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("boolean", {}, [0, 1, "true"]),
    ("integer", {}, [1.5, "1", True, [], {}]),
    ("integer", {"range": {"min": 1, "max": 5}}, [0, 6]),
    ("numeric", {}, ["1", True, {}]),
    ("numeric", {"range": {"min": 0}}, [-0.5]),
    ("string", {}, [1, True, {}]),
    ("string", {"length": {"min": 2, "max": 3}}, ["a", "abcd", "\U0001f600\U0001f600"]),
    ("enum", {"values": ["a", "b"]}, ["c", "A", 1, ["a"]]),
    ("object", {}, [[], "a", 1]),
    ("ip_address", {}, [1, "256.0.0.1", "1.2.3", "fe80::1%eth0", "x"]),
    ("ip_address", {"notEmpty": True}, [""]),
    ("email", {}, ["ada", "ada@", "@example.org", "ada@example", "a b@example.org", "a..b@example.org", 5]),
    ("email", {}, ["a@-x.org", "a" * 65 + "@example.org", "a@" + "x." * 127 + "org"]),
    ("email", {"notEmpty": True}, [""]),
    (
        "url",
        {},
        ["nothing", "javascript:alert(1)", "http://", "http://a b.org", "http://example.org:99999", 5, "a.b.1"],
    ),
    ("url", {"notEmpty": True}, [""]),
    ("date", {}, ["2020-01-01", True, {}, 1e300]),
    ("date", {"formats": ["date"]}, [1_600_000_000_000, "2020-02-30", "2020-13-01"]),
    ("date", {"range": {"min": "2020-01-01", "max": "NOW"}}, [NOW + 1, 1_577_836_799_999]),
    ("date", {"range": {"max": 0}}, [1]),
    ("geo_point", {}, [[1], [1, 2, 3], [91, 0], {"lat": 1}, "a", "hello", 5, {"latLon": {"latLon": [1, 2]}}, None]),
    ("geo_point", {}, [["x", 1], [True, 1], {"latLon": None}]),
    (
        "geo_shape",
        {},
        [
            5,
            {"coordinates": [0, 0]},
            {"type": "square"},
            {"type": "point", "coordinates": ["0", 0]},
            {"type": "linestring", "coordinates": [[0, 0]]},
            {"type": "polygon", "coordinates": [RING[:3]]},
            {"type": "polygon", "coordinates": [[*RING[:3], [5, 5]]]},
            {"type": "circle", "coordinates": [0, 0]},
            {"type": "circle", "coordinates": [0, 0], "radius": -1},
            {"type": "envelope", "coordinates": [[0, 0]]},
            {"type": "geometrycollection", "geometries": [{"type": "point"}]},
        ],
    ),
    ("geo_shape", {"shapeTypes": ["point"]}, [{"type": "envelope", "coordinates": [[0, 1], [1, 0]]}]),
]


def cases(table: list[tuple[str, dict[str, Any], list[Any]]]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    for kind, options, values in table:
        for value in values:
            yield kind, options, value


@pytest.mark.parametrize(("kind", "options", "value"), cases(ACCEPTED), ids=json.dumps)
def test_right_values_are_accepted(kind: str, options: dict[str, Any], value: Any) -> None:
    assert accepts(kind, value, **options)


@pytest.mark.parametrize(("kind", "options", "value"), cases(REFUSED), ids=json.dumps)
def test_wrong_values_are_refused(kind: str, options: dict[str, Any], value: Any) -> None:
    assert not accepts(kind, value, **options)


def test_the_tables_speak_of_every_type() -> None:
    assert {kind for kind, _, _ in ACCEPTED} == set(FIELD_TYPES)
    assert {kind for kind, _, _ in REFUSED} == set(FIELD_TYPES) - {"anything"}


def test_collections_of_shapes_nest_only_so_deep() -> None:
    value: dict[str, Any] = POINT
    for _ in range(200):
        value = {"type": "geometrycollection", "geometries": [value]}
    assert not accepts("geo_shape", value)


# --- dates

DAY = 1_577_836_800_000  # 2020-01-01
EXAMPLES: dict[str, tuple[str, int]] = {
    "epoch_millis": (str(DAY), DAY),
    "epoch_second": (str(DAY // 1000), DAY),
    "strict_date_optional_time": ("2020-01-01T01:00:00.5+01:00", DAY + 500),
    "basic_date": ("20200101", DAY),
    "basic_date_time": ("20200101T000001.250Z", DAY + 1250),
    "basic_date_time_no_millis": ("20200101T000001Z", DAY + 1000),
    "basic_ordinal_date": ("2020001", DAY),
    "basic_ordinal_date_time_no_millis": ("2020001T000001Z", DAY + 1000),
    "basic_time": ("000001.000Z", 1_599_955_201_000),
    "basic_t_time_no_millis": ("T000001Z", 1_599_955_201_000),
    "basic_week_date": ("2020W013", DAY),
    "strict_basic_week_date_time": ("2020W013T000000.000Z", DAY),
    "date": ("2020-1-1", DAY),
    "strict_date": ("2020-01-01", DAY),
    "date_hour": ("2020-01-01T01", DAY + 3_600_000),
    "strict_date_hour_minute_second_millis": ("2020-01-01T00:00:00.001", DAY + 1),
    "date_time": ("2020-01-01T00:00:00.0-0100", DAY + 3_600_000),
    "strict_date_time_no_millis": ("2020-01-01T00:00:00Z", DAY),
    "hour_minute": ("1:1", 1_599_955_200_000 + 3_660_000),
    "ordinal_date": ("2020-1", DAY),
    "strict_ordinal_date": ("2020-366", DAY + 365 * 86_400_000),
    "strict_t_time": ("T00:00:01.000Z", 1_599_955_201_000),
    "strict_week_date": ("2020-W01-3", DAY),
    "strict_weekyear": ("2020", DAY - 2 * 86_400_000),
    "weekyear_week": ("2020-W2", DAY + 5 * 86_400_000),
    "year": ("20", -61_536_067_200_000),
    "strict_year_month": ("2020-01", DAY),
    "year_month_day": ("2020-01-1", DAY),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_date_is_read_by_its_format(name: str) -> None:
    text, expected = EXAMPLES[name]
    assert dates.parse_date(text, (name,), NOW) == expected
    assert dates.parse_date(f"{text} ", (name,), NOW) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("strict_date", "2020-1-1"),
        ("strict_year", "20"),
        ("date", "2020-02-30"),
        ("strict_ordinal_date", "2021-366"),
        ("strict_week_date", "2021-W53-1"),
        ("time", "25:00:00.000Z"),
        ("date_time", "2020-01-01T00:00:00.000"),
        ("strict_date_optional_time", "2020-01-01 00:00"),
    ],
)
def test_what_is_no_such_date_is_refused(name: str, text: str) -> None:
    assert dates.parse_date(text, (name,), NOW) is None


@pytest.mark.parametrize("name", sorted(dates.FORMATS))
def test_every_format_can_be_asked(name: str) -> None:
    assert dates.parse_date("no date", (name,), NOW) is None


def test_all_documented_formats_are_there() -> None:
    assert len(dates.FORMATS) == 77
    assert "date_optional_time" not in dates.FORMATS


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_what_a_format_writes_it_reads(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    clock = f"T{moment:%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    year, week, weekday = moment.isocalendar()
    texts = {
        "strict_date_time": f"{moment:%Y-%m-%d}{clock}",
        "strict_ordinal_date_time": f"{moment:%Y-%j}{clock}",
        "strict_week_date_time": f"{year}-W{week:02}-{weekday}{clock}",
        "strict_date_optional_time": moment.isoformat(),
        "epoch_millis": str(expected),
    }
    for name, text in texts.items():
        assert dates.parse_date(text, (name,), NOW) == expected, name


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("NOW", NOW),
        ("1970-01-01", 0),
        ("2020-01-01T00:00:00", DAY),
        ("2020-01-01T00:00:00.123+01:00", DAY + 123 - 3_600_000),
        ("T00:00:01", 1_599_955_201_000),
        (5, 5),
        ("tomorrow", None),
        (True, None),
        (None, None),
    ],
)
def test_bounds_are_read(bound: Any, expected: int | None) -> None:
    assert dates.parse_bound(bound, NOW) == expected
