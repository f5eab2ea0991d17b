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
    filled = [text for text in texts if text]
    if word not in words:
        return 0.0
    having = sum((as_rare_as or word) in text for text in filled)
    rarity = math.log(1 + (len(filled) - having + 0.5) / (having + 0.5))
    length = len(words) / (sum(map(len, filled)) / len(filled))
    frequency = words.count(word)
    return rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length))
