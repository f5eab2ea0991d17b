"""Where words stand in a text: how the index keeps it, and how often words stand together as in a phrase.

The place of a word is how many words stand before it. A word that is once in a text has its place as an integer; one
that is there several times has a blob: the first place and the distances from one to the next, seven bits a byte, the
low ones first, the high bit of a byte set when another follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final

from kuzzle.storage.reading import bad_request

Places = int | bytes

# Each is a microsecond of a reader's time; a text that needs more has tens of thousands of the same word.
MAX_MOVES: Final = 1_000_000

_MORE: Final = 0x80


def encode_places(places: Sequence[int]) -> Places:
    """Return what the index keeps of the places of a word, which are in order."""
    if len(places) == 1:
        return places[0]
    distances = [places[0], *(after - before for before, after in pairwise(places))]
    if max(distances) < _MORE:
        return bytes(distances)
    encoded = bytearray()
    for distance in distances:
        rest = distance
        while rest >= _MORE:
            encoded.append(rest & (_MORE - 1) | _MORE)
            rest >>= 7
        encoded.append(rest)
    return bytes(encoded)


def decode_places(encoded: Places) -> list[int]:
    """Return the places of a word in their order."""
    if isinstance(encoded, int):
        return [encoded]
    places: list[int] = []
    place = distance = shift = 0
    for byte in encoded:
        distance |= (byte & (_MORE - 1)) << shift
        if byte & _MORE:
            shift += 7
            continue
        place += distance
        places.append(place)
        distance = shift = 0
    return places


class Phrase:
    """Tells how often, and where, words stand as they do in a phrase.

    Attributes:
        offsets: Of each distinct word, where it stands in the phrase; several times when it does.
        slop: How far words may be from where the phrase has them, in all.
    """

    def __init__(self, offsets: Sequence[Sequence[int]], slop: int) -> None:
        self.offsets = tuple(tuple(each) for each in offsets)
        # A word alone is never far.
        self.slop = slop if sum(map(len, offsets)) > 1 else 0
        # The places of the phrase in their order: which word stands there.
        self._order = sorted((offset, word) for word, each in enumerate(self.offsets) for offset in each)

    def frequency(self, places: Sequence[Sequence[int]]) -> float:
        """Return how often the phrase is in a text; with words further apart each time counts less.

        Args:
            places: Of each distinct word, where it stands in the text.
        """
        if self.slop == 0:
            return float(len(self._starts(places)))
        return sum(1 / (1 + width) for width, _ in self._windows(places))

    def found(self, places: Sequence[Sequence[int]]) -> set[int]:
        """Return the places in the text that belong to the phrase."""
        if self.slop == 0:
            return {start + offset for start in self._starts(places) for offset, _ in self._order}
        return {place for _, chosen in self._windows(places) for place in chosen}

    def _starts(self, places: Sequence[Sequence[int]]) -> list[int]:
        """Return where the phrase stands word for word."""
        rarest = min(self._order, key=lambda one: len(places[one[1]]))
        starts = [place - rarest[0] for place in places[rarest[1]]]
        for word, offsets in enumerate(self.offsets):
            here = set(places[word])
            for offset in offsets:
                starts = [start for start in starts if start + offset in here]
            if not starts:
                break
        return starts

    def _windows(self, places: Sequence[Sequence[int]]) -> Iterator[tuple[int, list[int]]]:
        """Yield how wide each window is that holds all words near enough, and the places of the words in it.

        Words begin as far left as they can. The one that is furthest behind, counted from where the phrase has it,
        moves on as long as it stays behind, which narrows the window; then the next one is the furthest behind.
        """
        sweep = _Sweep([(offset, places[word]) for offset, word in self._order])
        while sweep.is_whole:
            last, following = sweep.furthest_behind()
            narrowest = sweep.width(last)
            chosen = sweep.chosen() if narrowest <= self.slop else []
            while True:
                sweep.advance(last)
                if not sweep.is_whole or sweep.starts[last] > following:
                    break
                width = sweep.width(last)
                if width < narrowest:
                    narrowest = width
                    chosen = sweep.chosen() if width <= self.slop else []
            if chosen:
                yield narrowest, chosen


class _Sweep:
    """One choice of a place for each word of a phrase, moving to the right.

    Its methods raise a KuzzleError (400 `services.storage.unexpected_bad_request`) when it takes too many steps.

    Words that are the same never take the same place: the later one in the phrase stands further right.

    Attributes:
        is_whole: Each word has a place; False once one has none left.
        starts: Where the phrase would begin, were the word of this number where the phrase has it.
    """

    def __init__(self, words: Sequence[tuple[int, Sequence[int]]]) -> None:
        self._words = words
        self._moves = 0
        self._at = [0] * len(words)
        self._next_same: list[int | None] = []
        for number, (_, places) in enumerate(words):
            later = (other for other in range(number + 1, len(words)) if words[other][1] == places)
            self._next_same.append(next(later, None))
        self.is_whole = all(places for _, places in words)
        if not self.is_whole:
            return
        self.starts = [places[0] - offset for offset, places in words]
        # Words only move to the right: so does the one that is furthest ahead.
        self._end = max(self.starts)
        self._behind = [(start, number) for number, start in enumerate(self.starts)]
        heapify(self._behind)
        for number in range(len(words)):
            self._part(number)

    def width(self, last: int) -> int:
        """Return how far the words are from where the phrase has them, `last` being furthest behind."""
        return self._end - self.starts[last]

    def chosen(self) -> list[int]:
        """Return the places of the words."""
        return [places[at] for (_, places), at in zip(self._words, self._at, strict=True)]

    def furthest_behind(self) -> tuple[int, int]:
        """Return the word that is furthest behind, and where the next one is."""
        _, last = self._first_behind()
        heappop(self._behind)
        following, _ = self._first_behind()
        return last, following

    def _first_behind(self) -> tuple[int, int]:
        """Return the first entry that still says where its word is."""
        while True:
            start, number = self._behind[0]
            if start == self.starts[number]:
                return start, number
            heappop(self._behind)

    def advance(self, number: int) -> None:
        """Move a word to its next place, and the same words after it out of its way."""
        self._move(number, self._at[number] + 1)
        self._part(number)

    def _move(self, number: int, at: int) -> None:
        self._moves += 1
        if self._moves > MAX_MOVES:
            raise bad_request(f"A phrase with slop needs more than {MAX_MOVES} steps to be found in one text")
        offset, places = self._words[number]
        self._at[number] = at
        if at >= len(places):
            self.is_whole = False
            return
        start = self.starts[number] = places[at] - offset
        self._end = max(self._end, start)
        heappush(self._behind, (start, number))

    def _part(self, number: int) -> None:
        """Move the same words after this one to the right of it."""
        following = self._next_same[number]
        while self.is_whole and following is not None:
            if self._at[following] > self._at[number]:
                return
            self._move(following, self._at[number] + 1)
            number, following = following, self._next_same[following]
