"""Where words stand in a text: how the index keeps it, and how often words stand together as in a phrase.

The place of a word is how many words stand before it. A word that is once in a text has its place as an integer; one
that is there several times has a blob: the first place and the distances from one to the next, seven bits a byte, the
low ones first, the high bit of a byte set when another follows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

Places = int | bytes

_MORE = 0x80


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

    def _starts(self, places: Sequence[Sequence[int]]) -> set[int]:
        """Return where the phrase stands word for word."""
        starts: set[int] | None = None
        for offset, word in self._order:
            here = {place - offset for place in places[word]}
            starts = here if starts is None else starts & here
            if not starts:
                break
        return starts or set()

    def _windows(self, places: Sequence[Sequence[int]]) -> list[tuple[int, list[int]]]:
        """Return how wide each window is that holds all words near enough, and the places of the words in it.

        Words begin as far left as they can. The one that is furthest behind, counted from where the phrase has it,
        moves on as long as it stays behind, which narrows the window; then the next one is the furthest behind.
        """
        sweep = _Sweep([(offset, places[word]) for offset, word in self._order])
        windows: list[tuple[int, list[int]]] = []
        while sweep.is_whole:
            last, following = sweep.furthest_behind()
            narrowest, chosen = sweep.width(), sweep.chosen()
            while True:
                sweep.advance(last)
                if not sweep.is_whole or sweep.shifted(last) > following:
                    break
                if sweep.width() < narrowest:
                    narrowest, chosen = sweep.width(), sweep.chosen()
            if narrowest <= self.slop:
                windows.append((narrowest, chosen))
        return windows


class _Sweep:
    """One choice of a place for each word of a phrase, moving to the right.

    Words that are the same never take the same place: the later one in the phrase stands further right.
    """

    def __init__(self, words: Sequence[tuple[int, Sequence[int]]]) -> None:
        self._words = words
        self._at = [0] * len(words)
        self._next_same: list[int | None] = []
        for number, (_, places) in enumerate(words):
            later = (other for other in range(number + 1, len(words)) if words[other][1] == places)
            self._next_same.append(next(later, None))
        self.is_whole = all(places for _, places in words)
        for number in range(len(words)):
            self._part(number)

    def shifted(self, number: int) -> int:
        """Return where the phrase would begin, were this word where the phrase has it."""
        offset, places = self._words[number]
        return places[self._at[number]] - offset

    def width(self) -> int:
        """Return how far the words are from where the phrase has them."""
        shifted = [self.shifted(number) for number in range(len(self._words))]
        return max(shifted) - min(shifted)

    def chosen(self) -> list[int]:
        """Return the places of the words."""
        return [places[at] for (_, places), at in zip(self._words, self._at, strict=True)]

    def furthest_behind(self) -> tuple[int, float]:
        """Return the word that is furthest behind, and where the next one is."""
        shifted = [(self.shifted(number), number) for number in range(len(self._words))]
        (_, last), *others = sorted(shifted)
        return last, others[0][0] if others else float("inf")

    def advance(self, number: int) -> None:
        """Move a word to its next place, and the same words after it out of its way."""
        self._at[number] += 1
        self.is_whole = self._at[number] < len(self._words[number][1])
        self._part(number)

    def _part(self, number: int) -> None:
        """Move the same words after this one to the right of it."""
        following = self._next_same[number]
        while self.is_whole and following is not None:
            places = self._words[number][1]
            self._at[following] = max(self._at[following], bisect_left(places, places[self._at[number]] + 1))
            self.is_whole = self._at[following] < len(places)
            number, following = following, self._next_same[following]
