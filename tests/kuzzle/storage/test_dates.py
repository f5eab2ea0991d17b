"""Dates in Elasticsearch's formats, and date mathematics."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuzzle.storage.dates import DEFAULT_FORMAT, DateError, date_format, time_zone

NOW = int(datetime(2020, 2, 12, 15, 30, 45, 678000, tzinfo=UTC).timestamp() * 1000)


def shown(millis: int) -> str:
    """Write a date with all its parts, in UTC."""
    moment = datetime.fromtimestamp(millis // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03}"


@pytest.mark.parametrize(
    ("form", "text", "first", "last"),
    [
        (DEFAULT_FORMAT, "2020", "2020-01-01T00:00:00.000", "2020-01-01T23:59:59.999"),
        (DEFAULT_FORMAT, "2020-02", "2020-02-01T00:00:00.000", "2020-02-01T23:59:59.999"),
        (DEFAULT_FORMAT, "2020-02-03", "2020-02-03T00:00:00.000", "2020-02-03T23:59:59.999"),
        (DEFAULT_FORMAT, "2020-02-03T", "2020-02-03T00:00:00.000", "2020-02-03T23:59:59.999"),
        (DEFAULT_FORMAT, "2020-02-03T04", "2020-02-03T04:00:00.000", "2020-02-03T04:59:59.999"),
        (DEFAULT_FORMAT, "2020-02-03T04:05Z", "2020-02-03T04:05:00.000", "2020-02-03T04:05:59.999"),
        (DEFAULT_FORMAT, "2020-02-03T04:05:06.7", "2020-02-03T04:05:06.700", "2020-02-03T04:05:06.700"),
        (DEFAULT_FORMAT, "2020-02-03T04:05:06.123456789", "2020-02-03T04:05:06.123", "2020-02-03T04:05:06.123"),
        (DEFAULT_FORMAT, "2020-02-03T04:05:06-0130", "2020-02-03T05:35:06.000", "2020-02-03T05:35:06.999"),
        (DEFAULT_FORMAT, "1580702706007", "2020-02-03T04:05:06.007", "2020-02-03T04:05:06.007"),
        ("epoch_second", "1580702706", "2020-02-03T04:05:06.000", "2020-02-03T04:05:06.000"),
        ("basic_date", "20200203", "2020-02-03T00:00:00.000", "2020-02-03T23:59:59.999"),
        ("strict_date_hour_minute", "2020-02-03T04:05", "2020-02-03T04:05:00.000", "2020-02-03T04:05:59.999"),
        ("date_optional_time", "2020-2-3T4:5", "2020-02-03T04:05:00.000", "2020-02-03T04:05:59.999"),
        ("dd/MM/yyyy", "3/2/2020", "2020-02-03T00:00:00.000", "2020-02-03T23:59:59.999"),
        ("dd MMM yyyy", "03 Feb 2020", "2020-02-03T00:00:00.000", "2020-02-03T23:59:59.999"),
        ("'on' yyyy-MM-dd 'at' HH:mm:ss", "on 2020-02-03 at 04:05:06", "2020-02-03T04:05:06.000",
         "2020-02-03T04:05:06.999"),
        ("yyyyMMddHHmmss", "20200203040506", "2020-02-03T04:05:06.000", "2020-02-03T04:05:06.999"),
        ("yyyy-MM-dd HH:mm:ss||yyyy-MM-dd||epoch_millis", "2020-02-03", "2020-02-03T00:00:00.000",
         "2020-02-03T23:59:59.999"),
        ("HH:mm", "04:05", "1970-01-01T04:05:00.000", "1970-01-01T04:05:59.999"),
    ],
)  # fmt: skip
def test_a_date_names_a_span(form: str, text: str, first: str, last: str) -> None:
    reader = date_format(form)
    assert shown(reader.parse(text)) == first
    assert shown(reader.parse(text, round_up=True)) == last


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2020-13", "2020-02-30", "2020-2-3", "2020-02-03T25", "2020-02-03 04:05", "0000-01-01", "20-01-01",
     "2020-02-03T04:05:06+25:00", "x2020", "2020x", "1" * 30, "٢٠٢٠", "2020\n"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        date_format(DEFAULT_FORMAT).parse(text)


@pytest.mark.parametrize("form", ["", "nonsense", "yyyy-MM-yyyy", "''", "yyyy'", "epoch_hours", "yyyy||", "---"])
def test_an_unknown_format_is_refused(form: str) -> None:
    with pytest.raises(DateError):
        date_format(form)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("now", "2020-02-12T15:30:45.678", "2020-02-12T15:30:45.678"),
        ("now-1d", "2020-02-11T15:30:45.678", "2020-02-11T15:30:45.678"),
        ("now/d", "2020-02-12T00:00:00.000", "2020-02-12T23:59:59.999"),
        ("now-1d/d", "2020-02-11T00:00:00.000", "2020-02-11T23:59:59.999"),
        ("now+1M/M", "2020-03-01T00:00:00.000", "2020-03-31T23:59:59.999"),
        ("now/w", "2020-02-10T00:00:00.000", "2020-02-16T23:59:59.999"),
        ("now/y", "2020-01-01T00:00:00.000", "2020-12-31T23:59:59.999"),
        ("now+2h-5m+3s", "2020-02-12T17:25:48.678", "2020-02-12T17:25:48.678"),
        ("now/H+1m", "2020-02-12T15:01:00.000", "2020-02-12T16:00:59.999"),
        ("2020-01-31||+1M", "2020-02-29T00:00:00.000", "2020-02-29T00:00:00.000"),
        ("2020-02-29||-1y/M", "2019-02-01T00:00:00.000", "2019-02-28T23:59:59.999"),
        ("2020||+y", "2021-01-01T00:00:00.000", "2021-01-01T00:00:00.000"),
    ],
)
def test_dates_are_calculated(text: str, first: str, last: str) -> None:
    reader = date_format(DEFAULT_FORMAT)
    assert shown(reader.parse_math(text, now_ms=NOW)) == first
    assert shown(reader.parse_math(text, now_ms=NOW, round_up=True)) == last


@pytest.mark.parametrize(
    "text", ["now+", "now*1d", "now+1q", "now+999999999y", "||", "2020||/", "now-99999999M", "nowx"]
)
def test_a_calculation_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        date_format(DEFAULT_FORMAT).parse_math(text, now_ms=NOW)


def test_a_zone_holds_for_dates_that_name_none() -> None:
    reader = date_format(DEFAULT_FORMAT)
    assert shown(reader.parse("2020-02-03", zone=time_zone("+02:00"))) == "2020-02-02T22:00:00.000"
    assert shown(reader.parse("2020-02-03T00:00Z", zone=time_zone("+02:00"))) == "2020-02-03T00:00:00.000"
    assert shown(reader.parse_math("now/d", now_ms=NOW, zone=time_zone("-10:00"))) == "2020-02-12T10:00:00.000"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        # Clocks went forward at 2020-03-29T01:00Z, and back at 2020-10-25T01:00Z.
        ("2020-03-29||/d", "2020-03-28T23:00:00.000", "2020-03-29T21:59:59.999"),
        ("2020-10-25||/d", "2020-10-24T22:00:00.000", "2020-10-25T22:59:59.999"),
        ("2020-03-29||+3h", "2020-03-29T02:00:00.000", "2020-03-29T02:00:00.000"),
        ("2020-03-28T12||+1d", "2020-03-29T10:00:00.000", "2020-03-29T10:00:00.000"),
        ("2020-03-28T12||+24h", "2020-03-29T11:00:00.000", "2020-03-29T11:00:00.000"),
        ("2020-10-25||+3h+1m-1s", "2020-10-25T01:00:59.000", "2020-10-25T01:00:59.000"),
        ("2020-10-25||+3h/h", "2020-10-25T01:00:00.000", "2020-10-25T01:59:59.999"),
        ("2020-03||/M", "2020-02-29T23:00:00.000", "2020-03-31T21:59:59.999"),
    ],
)
def test_days_have_the_length_that_the_zone_gives_them(text: str, first: str, last: str) -> None:
    reader, zone = date_format(DEFAULT_FORMAT), time_zone("Europe/Paris")
    assert shown(reader.parse_math(text, now_ms=NOW, zone=zone)) == first
    assert shown(reader.parse_math(text, now_ms=NOW, round_up=True, zone=zone)) == last


@pytest.mark.parametrize("name", ["Nowhere/City", "", "+25:00", "../etc/passwd", "\0"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(DateError):
        time_zone(name)
