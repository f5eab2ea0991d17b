"""Relevance of words: BM25 with the constants of Lucene.

A word weighs more the fewer texts have it, the oftener it is in a text, and the shorter that text is. All
that is needed stands in the row of the word, in its row of lengths, and in how many rows the word has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import joined
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS, MAX_FREQUENCY
from kuzzle.storage.sqlite.vocabulary import Vocabulary

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# How soon more of a word stops to count, and how much the length of a text counts.
SATURATION: Final = 1.2
LENGTH_SHARE: Final = 0.75

# To sum the scores of all documents once is four times as fast as to look each one up, but is done even where few are
# asked about: with so many rows in a tenth of a second.
MAX_SUMMED_ROWS: Final = 65_536


class Relevance:
    """How much words weigh in one snapshot of a collection."""

    def __init__(self, vocabulary: Vocabulary, state: CollectionState) -> None:
        self._vocabulary = vocabulary
        self._state = state
        # What is asked of the rows of a word, and the same where they are at hand.
        self._at_hand: dict[str, dict[str, str]] = {}

    def along(self, where: str, score: str) -> str:
        """Return the expression of a score for a statement that walks, or joins, the rows of a condition."""
        for asked, at_hand in self._at_hand.get(where, {}).items():
            score = score.replace(asked, at_hand)
        return score

    def remember(self, rows: str, asked: str, at_hand: str) -> None:
        """Know the expression of a score, in a statement that has what these rows give, by what is asked elsewhere."""
        self._at_hand.setdefault(rows, {})[asked] = at_hand

    def grouped(self, number: int, words: Sequence[str], score: str) -> tuple[list[str], str]:
        """Return the expression of a score for a statement that groups the rows of words by document.

        Args:
            words: The parameters that stand for them. Others are asked for as before.

        Returns:
            The columns that the grouping statement has to give, and the expression.
        """
        columns: list[str] = []
        for word in words:
            for asked, at_hand in self._at_hand.get(f"field = {number} AND value = {word}", {}).items():
                if asked in score:
                    name = f"s{len(columns)}"
                    columns.append(f"sum(iif(value = {word}, {at_hand}, 0.0)) AS {name}")
                    score = score.replace(asked, name)
        return columns, score

    def rarity(self, field: Field, word: str, having: int | None = None) -> float:
        """Return how much a word tells because few texts have it.

        Args:
            having: How many texts to take for those that have it; None: those that do.
        """
        texts, _ = self._vocabulary.lengths(field)
        if having is None:
            having = self._vocabulary.count(field, word)
        return math.log(1 + max(0.0, texts - having + 0.5) / (having + 0.5))

    def score(self, bind: Callable[[Any], str], field: Field, word: str, boost: float) -> str:
        """Return the expression of what a word adds to the score of a document; 0 where it does not stand."""
        return self.word_score(bind, field, word, boost * self.rarity(field, word))

    def word_score(self, bind: Callable[[Any], str], field: Field, word: str, rarity: float) -> str:
        """Return the same of a word that is so rare, the boost counted in."""
        number = self._state.field_numbers[field.key]
        weight = self.weight(bind, field, rarity)
        where = f"field = {number} AND value = {bind(word)}"
        asked = f"coalesce((SELECT {weight} FROM {self._state.values_table} WHERE {where} AND rid = d.rid), 0.0)"
        self.remember(where, asked, f"({weight})")
        return asked

    def blended_score(self, translation: Translation, field: Field, words: Sequence[tuple[str, float]]) -> str:
        """Return the expression of what terms that stand for one another add to the score of a document.

        All are taken for as rare as the commonest of them, so that a typing error is not worth more than the word.
        A keyword scores its boost.

        Args:
            words: Terms and their boosts.
        """
        number = self._state.field_numbers[field.key]
        of_boost: dict[float, list[str]] = {}
        for word, boost in words:
            of_boost.setdefault(boost, []).append(word)
        translation.count_words(len(words))
        is_summed = sum(self._vocabulary.count(field, word) for word, _ in words) <= MAX_SUMMED_ROWS
        # The commonest of them is the least rare.
        rarity = min(self.rarity(field, word) for word, _ in words) if field.type == "text" else 0.0
        parts = []
        for boost, group in of_boost.items():
            if field.type == "text":
                weight = self.weight(translation.bind, field, boost * rarity)
            else:
                weight = translation.bind(boost)
            rows = f"FROM {self._state.values_table} WHERE field = {number} AND value IN {translation.list_of(group)}"
            parts.append(
                f"coalesce((SELECT score FROM (SELECT rid, sum({weight}) AS score {rows} GROUP BY rid) "
                "WHERE rid = d.rid), 0.0)"
                if is_summed
                else f"coalesce((SELECT sum({weight}) {rows} AND rid = d.rid), 0.0)"
            )
        return joined(parts, "+")

    def weight(
        self,
        bind: Callable[[Any], str],
        field: Field,
        rarity: float,
        frequency: str = f"(weight & {MAX_FREQUENCY})",
        length: str = f"(weight >> {FREQUENCY_BITS})",
    ) -> str:
        """Return the expression of what a row of the table of values weighs, or what is so often in such a text.

        Args:
            rarity: With the boost.
        """
        texts, words = self._vocabulary.lengths(field)
        if not field.has_frequencies:
            frequency = "1"
        share = LENGTH_SHARE if field.has_norms else 0.0
        of_length = SATURATION * share * texts / words if words else 0.0
        return (
            f"{frequency} * {bind(rarity * (SATURATION + 1))} / "
            f"({frequency} + {bind(SATURATION * (1 - share))} + {bind(of_length)} * {length})"
        )
