"""Phrases, found the obvious way: every choice of a place for each word is looked at."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

Words = Sequence[tuple[int, Sequence[int]]]
"""The words of a phrase: where each stands in the phrase, and all places where it stands in the text."""


def is_found(words: Words, slop: int) -> bool:
    """Tell whether the words stand near enough to where the phrase has them, each at a place of its own."""
    return any(_width(words, chosen) <= slop for chosen in _choices(words))


def frequency(words: Words, slop: int) -> float:
    """Return how often the phrase is in the text, as Lucene counts it.

    Each word takes the first place that is left to it. The one that is furthest behind goes on up to where the next
    one is; the narrowest that all words get by that counts, the less the wider. Then it has to pass that one.
    """
    if len(words) == 1:
        return len(words[0][1])
    if slop == 0:
        return sum(_width(words, chosen) == 0 for chosen in _choices(words))
    total = 0.0
    bounds = [-(10**9)] * len(words)
    while (chosen := _first(words, bounds)) is not None:
        starts = [place - offset for place, (offset, _) in zip(chosen, words, strict=True)]
        last = starts.index(min(starts))
        following = min(start for number, start in enumerate(starts) if number != last)
        narrowest = _width(words, chosen)
        for bound in range(starts[last], following + 1):
            offset, places = words[last]
            if bound + offset in places:
                moved = _first(words, [*bounds[:last], bound, *bounds[last + 1 :]])
                narrowest = min(narrowest, narrowest if moved is None else _width(words, moved))
        if narrowest <= slop:
            total += 1 / (1 + narrowest)
        bounds[last] = following + 1
    return total


def _choices(words: Words) -> list[tuple[int, ...]]:
    return [chosen for chosen in itertools.product(*(places for _, places in words)) if len({*chosen}) == len(chosen)]


def _width(words: Words, chosen: Sequence[int]) -> int:
    starts = [place - offset for place, (offset, _) in zip(chosen, words, strict=True)]
    return max(starts) - min(starts)


def _first(words: Words, bounds: Sequence[int]) -> tuple[int, ...] | None:
    """Return the first places that words can take when none begins the phrase before its bound.

    The same words take theirs in the order of the phrase.
    """
    allowed = [
        chosen
        for chosen in _choices(words)
        if all(place - offset >= bound for place, (offset, _), bound in zip(chosen, words, bounds, strict=True))
        and all(
            chosen[one] < chosen[other]
            for one, other in itertools.combinations(range(len(words)), 2)
            if words[one][1] == words[other][1]
        )
    ]
    return tuple(map(min, zip(*allowed, strict=True))) if allowed else None
