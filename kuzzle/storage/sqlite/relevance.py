"""Relevance of words: BM25 with the constants of Lucene.

A word weighs more the fewer texts have it, the oftener it is in a text, and the shorter that text is. All
that is needed stands in the row of the word, in its row of lengths, and in how many rows the word has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS, MAX_FREQUENCY

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
        texts, words = self._lengths(number)
        ((having,),) = self._connection.execute(
            f"SELECT count(*) FROM {self._state.values_table} WHERE field = ? AND value = ?", (number, word)
        )
        rarity = math.log(1 + max(0.0, texts - having + 0.5) / (having + 0.5))
        frequency = f"(weight & {MAX_FREQUENCY})"
        of_length = SATURATION * LENGTH_SHARE * texts / words if words else 0.0
        return (
            f"coalesce((SELECT {frequency} * {bind(boost * rarity * (SATURATION + 1))} / ({frequency} + "
            f"{bind(SATURATION * (1 - LENGTH_SHARE))} + {bind(of_length)} * (weight >> {FREQUENCY_BITS})) "
            f"FROM {self._state.values_table} WHERE field = {number} AND value = {bind(word)} AND rid = d.rid), 0.0)"
        )

    def _lengths(self, number: int) -> tuple[int, int]:
        """Return how many texts a field has, and how many words they have together."""
        for texts, words in self._connection.execute(
            f"SELECT texts, words FROM {self._state.lengths_table} WHERE field = ?", (number,)
        ):
            return texts, words
        return 0, 0
