"""Intervals found by number, against a list of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kuzzle.realtime.ranges import RangeIndex

BOUNDS = st.one_of(st.integers(0, 8), st.floats(0, 8), st.sampled_from((-math.inf, math.inf)))


class RangesLikeAList(RuleBasedStateMachine):
    """Adds, removes and searches, in an index and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.index: RangeIndex[int] = RangeIndex()
        self.plain: list[tuple[float, float, int]] = []

    @rule(one=BOUNDS, other=BOUNDS, entry=st.integers(0, 3))
    def add(self, one: float, other: float, entry: int) -> None:
        item = (min(one, other), max(one, other), entry)
        if item not in self.plain:
            self.plain.append(item)
            self.index.add(*item)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.plain:
            item = data.draw(st.sampled_from(self.plain))
            self.plain.remove(item)
            self.index.remove(*item)

    @rule(number=st.one_of(st.integers(-1, 9), st.floats(-1, 9)))
    def search(self, number: float) -> None:
        wanted = sorted(entry for low, high, entry in self.plain if low <= number <= high)
        assert sorted(self.index.find(number)) == wanted

    @invariant()
    def is_empty_with_the_list(self) -> None:
        assert bool(self.index) == bool(self.plain)


TestRangesLikeAList = RangesLikeAList.TestCase
TestRangesLikeAList.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize(
    "interval",
    [
        lambda dice: (low := dice.uniform(0, 1000), low + dice.uniform(0, 5)),
        lambda dice: (low := dice.randrange(20), low + dice.randrange(20)),
        lambda dice: (-math.inf, dice.uniform(0, 1000)),
        lambda dice: (dice.uniform(0, 1000), math.inf),
        lambda dice: (5, 6),
    ],
    ids=["spread", "crowded", "open below", "open above", "all equal"],
)
def test_thousands_of_intervals_come_and_go(interval: Callable[[random.Random], tuple[float, float]]) -> None:
    dice = random.Random(7)
    index: RangeIndex[int] = RangeIndex()
    plain: dict[int, tuple[float, float]] = {}

    def check() -> None:
        for number in [dice.uniform(-5, 1010) for _ in range(20)] + [5, 6, 10]:
            wanted = {entry for entry, (low, high) in plain.items() if low <= number <= high}
            found = index.find(number)
            assert len(found) == len(wanted)
            assert set(found) == wanted

    for entry in range(6000):
        plain[entry] = interval(dice)
        index.add(*plain[entry], entry)
        if entry % 1000 == 0:
            check()
    leaving = list(plain)
    dice.shuffle(leaving)
    for count, entry in enumerate(leaving):
        index.remove(*plain.pop(entry), entry)
        if count % 1000 == 0:
            check()
    assert not index


def test_removing_what_is_not_there_is_an_error() -> None:
    index: RangeIndex[str] = RangeIndex()
    index.add(1, 2, "a")
    for low, high, entry in ((1, 2, "b"), (1, 3, "a"), (0, 2, "a"), (2, 2, "a")):
        with pytest.raises(KeyError):
            index.remove(low, high, entry)
