"""Terms within a few typing errors of a word: a character added, left out, changed, or two exchanged.

A term is read character by character. A state is what the last two rows of the table of distances hold about
the characters of the word around that position (the rest is further than is allowed), so there are few: each is
worked out once and then found again.
"""

from __future__ import annotations

from typing import Final

from kuzzle.storage.text_tree import Fuzziness

# States kept for one word, a kilobyte each: beyond it they are worked out anew.
MAX_STATES: Final = 10_000

_Band = tuple[int, ...]
_State = tuple[int, _Band, _Band, str]


class NearTerms:
    """Tells which terms are near a word. One thread at a time uses it."""

    def __init__(self, word: str, fuzziness: Fuzziness) -> None:
        self.prefix = word[: fuzziness.prefix_length]
        self.errors = fuzziness.errors_of(word) if fuzziness.prefix_length < len(word) else 0
        self._word = word
        self._rest = word[len(self.prefix) :]
        self._exchanges = fuzziness.exchanges
        self._letters = frozenset(self._rest)
        self._moves: dict[tuple[_State, str], _State] = {}
        # Entry k of a band is about the first `position + k - errors` characters of the word.
        far = self.errors + 1
        width = 2 * self.errors + 1
        first = tuple(k - self.errors if k >= self.errors else far for k in range(width))
        self._first: _State = (0, (far,) * width, first, "")

    def accepts(self, term: str) -> bool:
        """Tell whether a term is near the word."""
        return self.distance(term) is not None

    def distance(self, term: str) -> int | None:
        """Return how many errors a term has; None: too many.

        As many as the shorter of the two has characters are too many.
        """
        distance, _ = self.read(term)
        return distance

    def read(self, term: str) -> tuple[int | None, int]:
        """Return how many errors a term has, None for too many; and of how many characters it was read.

        When these are not all of it, no term that begins with them is near.
        """
        if not term.startswith(self.prefix):
            return None, len(term)
        state = self._first
        start = len(self.prefix)
        for index in range(start, len(term)):
            # All letters that the word has not are one to it.
            state = self._after(state, term[index] if term[index] in self._letters else "")
            if min(state[2]) > self.errors:
                return None, index + 1
        entry = len(self._rest) - (len(term) - start) + self.errors
        distance = state[2][entry] if 0 <= entry < len(state[2]) else self.errors + 1
        if distance > self.errors or (distance and distance >= min(len(term), len(self._word))):
            return None, len(term)
        return distance, len(term)

    def _after(self, state: _State, letter: str) -> _State:
        following = self._moves.get((state, letter))
        if following is None:
            if len(self._moves) >= MAX_STATES:
                self._moves.clear()
            following = self._moves[state, letter] = self._work_out(state, letter)
        return following

    def _work_out(self, state: _State, letter: str) -> _State:
        position, before, band, previous = state
        far = self.errors + 1
        new: list[int] = []
        for k in range(len(band)):
            length = position + 1 + k - self.errors
            if not 0 <= length <= len(self._rest):
                new.append(far)
                continue
            cost = (band[k + 1] if k + 1 < len(band) else far) + 1
            if length:
                expected = self._rest[length - 1]
                cost = min(cost, (new[-1] if new else far) + 1, band[k] + (expected != letter))
                is_exchanged = length > 1 and expected == previous and self._rest[length - 2] == letter
                if self._exchanges and is_exchanged:
                    cost = min(cost, before[k] + 1)
            new.append(min(cost, far))
        return position + 1, band, tuple(new), letter
