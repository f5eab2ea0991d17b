"""Analysers: how a text becomes tokens.

`standard` cuts at word boundaries (Unicode Standard Annex #29) and lowers the case, as Elasticsearch's does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from kuzzle.storage.fields import Field

# Lucene cuts longer words into pieces of this length.
MAX_TOKEN_LENGTH: Final = 255

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_STOP_WORDS: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in",
    "into", "is", "it", "no", "not", "of", "on", "or", "such", "that", "the", "their",
    "then", "there", "these", "they", "this", "to", "was", "will", "with",
))  # fmt: skip


def words_of(analyzer: str, text: str) -> list[str]:
    """Return the tokens of a text in their order.

    Args:
        analyzer: One of `fields.ANALYZERS`.
    """
    return list(_ANALYZERS[analyzer](text))


def spans_of(analyzer: str, text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each token of a text stands in it, from and to, and the token."""
    for start, end in _SPANS.get(analyzer, _standard_spans)(text):
        word = text[start:end]
        yield start, end, word if analyzer in ("whitespace", "keyword") else word.lower()


def _standard_spans(text: str) -> Iterator[tuple[int, int]]:
    from apsw.unicode import word_iter_with_offsets

    for found in word_iter_with_offsets(text):
        start, end = int(found[0]), int(found[1])
        for piece in range(start, end, MAX_TOKEN_LENGTH):
            yield piece, min(piece + MAX_TOKEN_LENGTH, end)


def query_words(field: Field, text: str | int | float | bool, analyzer: str | None) -> list[str]:
    """Return the tokens of what a query looks for in a text field.

    Args:
        analyzer: That of the query; None: the field's.
    """
    definition = field.definition
    chosen = analyzer or definition.get("search_analyzer") or definition.get("analyzer", "standard")
    return words_of(chosen, str(text).lower() if isinstance(text, bool) else str(text))


def _standard(text: str) -> Iterable[str]:
    lowered = text.lower()
    # Letters, digits and blanks alone leave nothing to decide: the usual short text, made quick.
    if lowered.isascii() and lowered.replace(" ", "").isalnum():
        words: Iterable[str] = lowered.split()
    else:
        words = _words(lowered)
    for word in words:
        for start in range(0, len(word), MAX_TOKEN_LENGTH):
            yield word[start : start + MAX_TOKEN_LENGTH]


def _words(text: str) -> Iterable[str]:
    # Imported when the first such text comes: 16 ms that starting need not spend.
    from apsw.unicode import word_iter

    return word_iter(text)


def _simple(text: str) -> Iterable[str]:
    return _LETTERS.findall(text.lower())


def _stop(text: str) -> Iterable[str]:
    return (word for word in _simple(text) if word not in _STOP_WORDS)


_SPANS: Final[dict[str, Callable[[str], Iterable[tuple[int, int]]]]] = {
    "simple": lambda text: (match.span() for match in _LETTERS.finditer(text)),
    "stop": lambda text: (match.span() for match in _LETTERS.finditer(text)),
    "whitespace": lambda text: (match.span() for match in re.finditer(r"\S+", text)),
    "keyword": lambda text: ((0, len(text)),) if text else (),
}
_ANALYZERS: Final[dict[str, Callable[[str], Iterable[str]]]] = {
    "standard": _standard,
    "simple": _simple,
    "whitespace": str.split,
    "keyword": lambda text: (text,) if text else (),
    "stop": _stop,
}
