"""Places of words: kept compactly, and compared with those of a phrase."""

from __future__ import annotations

from typing import Any

import plain_phrases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.sqlite.places import Phrase, decode_places, encode_places

PLACES = st.sets(st.integers(0, 1 << 40) | st.integers(0, 300), min_size=1, max_size=30).map(sorted)


@given(PLACES)
def test_places_come_back_as_they_were(places: list[int]) -> None:
    assert decode_places(encode_places(places)) == places


@pytest.mark.parametrize(
    ("places", "encoded"),
    [([7], 7), ([0, 1, 128], b"\x00\x01\x7f"), ([0, 128], b"\x00\x80\x01"), ([300, 301], b"\xac\x02\x01")],
)
def test_places_are_kept_compactly(places: list[int], encoded: Any) -> None:
    assert encode_places(places) == encoded


# A text of three words, each of which stands at some places; nowhere two at one.
TEXTS = st.lists(st.integers(0, 3), max_size=9).map(
    lambda text: [[place for place, word in enumerate(text) if word == wanted] for wanted in range(3)]
)
PHRASES = st.lists(st.integers(0, 2) | st.none(), min_size=1, max_size=4).filter(lambda phrase: phrase != [None] * 4)


@settings(max_examples=500, deadline=None)
@given(text=TEXTS, words=PHRASES, slop=st.integers(0, 6))
def test_phrases_are_found_as_a_plain_evaluation_finds_them(
    text: list[list[int]], words: list[int | None], slop: int
) -> None:
    distinct = [word for word in dict.fromkeys(words) if word is not None]
    offsets = [[offset for offset, word in enumerate(words) if word == wanted] for wanted in distinct]
    phrase = Phrase(offsets, slop)
    places = [text[word] for word in distinct]
    plain = [(offset, text[word]) for offset, word in enumerate(words) if word is not None]
    if not plain:
        return
    expected = plain_phrases.frequency(plain, slop)
    assert (expected > 0) == plain_phrases.is_found(plain, slop)
    assert phrase.frequency(places) == pytest.approx(expected)
    assert (phrase.found(places) != set()) == (expected > 0)


@pytest.mark.parametrize(
    ("offsets", "slop", "places", "found", "frequency"),
    [
        ([[0], [1]], 0, [[0, 5], [1, 9]], {0, 1}, 1.0),
        ([[0], [1]], 2, [[1], [0]], {0, 1}, 1 / 3),
        ([[0], [1]], 1, [[1], [0]], set(), 0.0),
        ([[0, 1]], 0, [[3, 4, 5]], {3, 4, 5}, 2.0),
        ([[0, 1]], 5, [[3]], set(), 0.0),
        # A word that was left out of the phrase keeps its place.
        ([[0], [2]], 0, [[4], [6]], {4, 6}, 1.0),
        ([[0]], 3, [[4, 40]], {4, 40}, 2.0),
    ],
)
def test_a_phrase_is_found_where_its_words_stand(
    offsets: Any, slop: int, places: Any, found: set[int], frequency: float
) -> None:
    phrase = Phrase(offsets, slop)
    assert phrase.found(places) == found
    assert phrase.frequency(places) == pytest.approx(frequency)


def test_a_phrase_that_needs_too_many_steps_in_a_text_is_refused() -> None:
    places = [list(range(30_000))]
    with pytest.raises(KuzzleError, match="needs more than 1000000 steps to be found in one text"):
        Phrase([list(range(50))], 1).frequency(places)
    assert Phrase([list(range(50))], 0).frequency(places) == 30_000 - 49
    assert Phrase([[0], [1]], 1).frequency([list(range(0, 200_000, 2)), list(range(1, 200_000, 2))]) == 100_000
