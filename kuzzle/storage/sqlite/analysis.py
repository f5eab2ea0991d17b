"""Analysers: how a text becomes tokens.

`standard` cuts at word boundaries (Unicode Standard Annex #29) and lowers the case, as Elasticsearch's does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from kuzzle.storage.fields import Field

Span = tuple[int, int, str | None]
"""Where a token stands in a text, from and to, and the token; None for a word that is left out."""

# Lucene cuts longer words into pieces of this length.
MAX_TOKEN_LENGTH: Final = 255

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_STOP_WORDS: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in",
    "into", "is", "it", "no", "not", "of", "on", "or", "such", "that", "the", "their",
    "then", "there", "these", "they", "this", "to", "was", "will", "with",
))  # fmt: skip


def tokens_of(analyzer: str, text: str) -> list[str | None]:
    """Return the tokens of a text in their order; None for a word that is left out and keeps its place.

    Args:
        analyzer: One of `fields.ANALYZERS`.
    """
    return list(_ANALYZERS[analyzer](text))


def words_of(analyzer: str, text: str) -> list[str]:
    """Return the tokens of a text in their order."""
    return [token for token in tokens_of(analyzer, text) if token is not None]


def spans_of(analyzer: str, text: str) -> Iterator[Span]:
    """Yield the tokens of a text as `tokens_of` gives them, with where they stand in it."""
    for start, end in _SPANS.get(analyzer, _standard_spans)(text):
        word = text[start:end] if analyzer in ("whitespace", "keyword") else text[start:end].lower()
        yield start, end, None if analyzer == "stop" and word in _STOP_WORDS else word


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
    return [token for token in query_tokens(field, text, analyzer) if token is not None]


def query_tokens(
    field: Field, text: str | int | float | bool, analyzer: str | None, *, is_phrase: bool = False
) -> list[str | None]:
    """Return the tokens of what a query looks for, None for words that are left out.

    Args:
        analyzer: That of the query; None: the field's.
        is_phrase: The field may have another analyser for phrases.
    """
    shown = str(text).lower() if isinstance(text, bool) else str(text)
    return tokens_of(query_analyzer(field, analyzer, is_phrase=is_phrase), shown)


def query_analyzer(field: Field, analyzer: str | None, *, is_phrase: bool = False) -> str:
    """Return the name of what cuts the text that a query looks for in a text field."""
    if analyzer is not None:
        return analyzer
    names = ("search_quote_analyzer", "search_analyzer", "analyzer") if is_phrase else ("search_analyzer", "analyzer")
    return str(next((field.definition[name] for name in names if name in field.definition), "standard"))


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


def _stop(text: str) -> Iterable[str | None]:
    return (None if word in _STOP_WORDS else word for word in _simple(text))


_SPANS: Final[dict[str, Callable[[str], Iterable[tuple[int, int]]]]] = {
    "simple": lambda text: (match.span() for match in _LETTERS.finditer(text)),
    "stop": lambda text: (match.span() for match in _LETTERS.finditer(text)),
    "whitespace": lambda text: (match.span() for match in re.finditer(r"\S+", text)),
    "keyword": lambda text: ((0, len(text)),) if text else (),
}
_ANALYZERS: Final[dict[str, Callable[[str], Iterable[str | None]]]] = {
    "standard": _standard,
    "simple": _simple,
    "whitespace": str.split,
    "keyword": lambda text: (text,) if text else (),
    "stop": _stop,
}
