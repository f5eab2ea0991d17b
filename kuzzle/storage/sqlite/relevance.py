"""Relevance of words: BM25 with the constants of Lucene.

A word weighs more the fewer texts have it, the oftener it is in a text, and the shorter that text is. All
that is needed stands in the row of the word, in its row of lengths, and in how many rows the word has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import joined
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS, MAX_FREQUENCY

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# How soon more of a word stops to count, and how much the length of a text counts.
SATURATION: Final = 1.2
LENGTH_SHARE: Final = 0.75


class Relevance:
    """How much words weigh in one snapshot of a collection."""

    def __init__(self, connection: apsw.Connection, state: CollectionState) -> None:
        self._connection = connection
        self._state = state

    def score(self, bind: Callable[[Any], str], field: Field, word: str, boost: float) -> str:
        """Return the expression of what a word adds to the score of a document; 0 where it does not stand."""
        number = self._state.field_numbers[field.path]
        weight = self._weight(bind, number, self._having(number, word), boost)
        return (
            f"coalesce((SELECT {weight} FROM {self._state.values_table} "
            f"WHERE field = {number} AND value = {bind(word)} AND rid = d.rid), 0.0)"
        )

    def blended_score(self, translation: Translation, field: Field, words: Sequence[tuple[str, float]]) -> str:
        """Return the expression of what terms that stand for one another add to the score of a document.

        All are taken for as rare as the commonest of them, so that a typing error is not worth more than the word.
        A keyword scores its boost.

        Args:
            words: Terms and their boosts.
        """
        number = self._state.field_numbers[field.path]
        of_boost: dict[float, list[str]] = {}
        for word, boost in words:
            of_boost.setdefault(boost, []).append(word)
        # A group binds as much as a word does that is matched and scored.
        translation.count_words(2 * len(of_boost))
        having = max(self._having(number, word) for word, _ in words) if field.type == "text" else 0
        parts = []
        for boost, group in of_boost.items():
            if field.type == "text":
                weight = self._weight(translation.bind, number, having, boost)
            else:
                weight = translation.bind(boost)
            parts.append(
                f"coalesce((SELECT sum({weight}) FROM {self._state.values_table} "
                f"WHERE field = {number} AND value IN {translation.list_of(group)} AND rid = d.rid), 0.0)"
            )
        return joined(parts, "+")

    def _weight(self, bind: Callable[[Any], str], number: int, having: int, boost: float) -> str:
        """Return the expression of what a row of the table of values weighs.

        Args:
            having: How many texts have the word.
        """
        texts, words = self._lengths(number)
        rarity = math.log(1 + max(0.0, texts - having + 0.5) / (having + 0.5))
        frequency = f"(weight & {MAX_FREQUENCY})"
        of_length = SATURATION * LENGTH_SHARE * texts / words if words else 0.0
        return (
            f"{frequency} * {bind(boost * rarity * (SATURATION + 1))} / ({frequency} + "
            f"{bind(SATURATION * (1 - LENGTH_SHARE))} + {bind(of_length)} * (weight >> {FREQUENCY_BITS}))"
        )

    def _having(self, number: int, word: str) -> int:
        for (having,) in self._connection.execute(
            f"SELECT count(*) FROM {self._state.values_table} WHERE field = ? AND value = ?", (number, word)
        ):
            return int(having)
        return 0

    def _lengths(self, number: int) -> tuple[int, int]:
        """Return how many texts a field has, and how many words they have together."""
        for texts, words in self._connection.execute(
            f"SELECT texts, words FROM {self._state.lengths_table} WHERE field = ?", (number,)
        ):
            return texts, words
        return 0, 0
