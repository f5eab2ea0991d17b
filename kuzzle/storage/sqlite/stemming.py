"""English words without their endings, as Lucene's Porter stemmer cuts them.

Snowball's `porter` follows the paper; Lucene's keeps the three changes that its author made later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# A vowel with a consonant behind it: what the paper calls a measure above 0.
_MEASURE: Final = re.compile(r"[aeiouy][^aeiouy]")
_LATER_RULES: Final = (("bly", "ble"), ("blies", "ble"), ("logy", "log"), ("logies", "log"))


def english_stems(words: Iterable[str]) -> list[str]:
    """Return the stem of each word; words are in lower case."""
    # Imported when the first such text comes, and made each time: a stemmer belongs to one thread, and costs 1 us.
    import Stemmer

    stemmer = Stemmer.Stemmer("porter", 0)
    return [stemmer.stemWord(_prepared(word)) if len(word) > 2 else word for word in words]


def _prepared(word: str) -> str:
    for ending, other in _LATER_RULES:
        start = word[: -len(ending)]
        if word.endswith(ending) and _MEASURE.search(start):
            return start + other
    return word
