"""The filter engine against Koncorde's recorded answers; `koncorde/` says how they were recorded."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).with_name("koncorde")))

from comparison import Recording, compare
from differences import DIFFERENCES, clauses

RECORDING = Recording.read()


def test_koncorde_and_this_server_answer_alike_but_for_its_known_faults() -> None:
    found = compare(RECORDING)
    assert not found.unexplained
    assert set(found.explained) == {difference.name for difference in DIFFERENCES}


@pytest.mark.parametrize(
    "keyword",
    [
        *("equals", "exists", "missing", "in", "ids", "range", "regexp", "nothing", "match", "select"),
        *("geoBoundingBox", "geoDistance", "geoDistanceRange", "geoPolygon"),
    ],
)
def test_the_recording_asks_about_every_keyword(keyword: str) -> None:
    used = Counter(one for filters, _ in RECORDING.answers for one in {one for one, _ in clauses(filters)})
    assert used[keyword] > 50
    answered = [answer for filters, answer in RECORDING.answers if keyword in {one for one, _ in clauses(filters)}]
    assert any(answer and not isinstance(answer, str) for answer in answered)
