"""How long a token lives, as people write it."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.security.durations import read_duration_ms


@pytest.mark.parametrize(
    ("written", "expected_ms"),
    [
        (0, 0),
        (1500, 1500),
        (1500.7, 1500),
        ("0", 0),
        ("3600000", 3_600_000),
        ("1h", 3_600_000),
        ("1 hour", 3_600_000),
        ("2 hrs", 7_200_000),
        ("90m", 5_400_000),
        ("90 Minutes", 5_400_000),
        ("1.5h", 5_400_000),
        (".5s", 500),
        ("10 secs", 10_000),
        ("250msecs", 250),
        ("7d", 604_800_000),
        ("2w", 1_209_600_000),
        ("1y", 31_557_600_000),
        ("285000y", 8_993_916_000_000_000),
    ],
)
def test_durations_are_read(written: Any, expected_ms: int) -> None:
    assert read_duration_ms(written) == expected_ms


@pytest.mark.parametrize(
    "written",
    [
        -1,
        "-1h",
        "",
        " ",
        "h",
        "1 month",
        "1hh",
        "1  h",
        "one hour",
        "1e3",
        "٣h",
        True,
        None,
        [],
        {},
        2**53,
        "290000y",
        "1" * 16,
        1e300,
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_duration_is_none(written: Any) -> None:
    assert read_duration_ms(written) is None
