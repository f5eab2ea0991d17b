"""BM25, worked out the obvious way over texts in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence


def score(word: str, words: Sequence[str], texts: Sequence[Sequence[str]], as_rare_as: str | None = None) -> float:
    """Return what a word adds to the score of a document.

    Args:
        words: Those of the document's text.
        texts: The words of every text.
        as_rare_as: The word whose rarity counts; None: its own.
    """
    return weight([as_rare_as or word], words.count(word), words, texts)


def weight(terms: Sequence[str], frequency: float, words: Sequence[str], texts: Sequence[Sequence[str]]) -> float:
    """Return what terms together, that are so often in a document's text, add to its score."""
    filled = [text for text in texts if text]
    if not frequency:
        return 0.0
    rarity = 0.0
    for term in terms:
        having = sum(term in text for text in filled)
        rarity += math.log(1 + (len(filled) - having + 0.5) / (having + 0.5))
    length = len(words) / (sum(map(len, filled)) / len(filled))
    return rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length))
