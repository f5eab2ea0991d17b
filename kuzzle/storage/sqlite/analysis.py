"""Analysers: how a text becomes tokens. Each cuts a text into words and then changes them or leaves some out.

| analyser | cuts | then |
|---|---|---|
| standard | at word boundaries (Unicode Standard Annex #29) | lower case |
| simple | at all that is no letter | lower case |
| whitespace | at white space | |
| keyword | nothing: the text is one token | |
| pattern | at all that is no ASCII letter, digit or `_` | lower case |
| stop | as `simple` | without stop words |
| english | as `standard` | without the `'s` of a possessive, without stop words, stems |

They give what those of Elasticsearch give by these names. A word that is left out keeps its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.stemming import english_stems

Span = tuple[int, int, str | None]
"""Where a token stands in a text, from and to, and the token; None for a word that is left out."""

# Lucene cuts longer words into pieces of this length.
MAX_TOKEN_LENGTH: Final = 255

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ASCII_WORDS: Final = re.compile(r"\w+", re.ASCII)
_NO_SPACE: Final = re.compile(r"\S+")
_POSSESSIVE: Final = re.compile("['\u2019\uff07]s$")
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
    words = _WORDS[analyzer](text)
    change = _CHANGES.get(analyzer)
    return list(words) if change is None else change(words)


def words_of(analyzer: str, text: str) -> list[str]:
    """Return the tokens of a text in their order."""
    return [token for token in tokens_of(analyzer, text) if token is not None]


def spans_of(analyzer: str, text: str) -> list[Span]:
    """Return the tokens of a text as `tokens_of` gives them, with where they stand in it."""
    spans = list(_SPANS[analyzer](text))
    keeps_case = analyzer in ("whitespace", "keyword")
    words = [text[start:end] if keeps_case else text[start:end].lower() for start, end in spans]
    change = _CHANGES.get(analyzer)
    tokens = words if change is None else change(words)
    return [(start, end, token) for (start, end), token in zip(spans, tokens, strict=True)]


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


# --- cutting


def _standard(text: str) -> list[str]:
    lowered = text.lower()
    # Letters, digits and blanks alone leave nothing to decide: the usual short text, made quick.
    if lowered.isascii() and lowered.replace(" ", "").isalnum():
        words: Iterable[str] = lowered.split()
    else:
        words = _words(lowered)
    if len(lowered) <= MAX_TOKEN_LENGTH:
        return list(words)
    return [word[start : start + MAX_TOKEN_LENGTH] for word in words for start in range(0, len(word), MAX_TOKEN_LENGTH)]


def _words(text: str) -> Iterable[str]:
    # Imported when the first such text comes: 16 ms that starting need not spend.
    from apsw.unicode import word_iter

    return word_iter(text)


def _standard_spans(text: str) -> Iterator[tuple[int, int]]:
    from apsw.unicode import word_iter_with_offsets

    for found in word_iter_with_offsets(text):
        start, end = int(found[0]), int(found[1])
        for piece in range(start, end, MAX_TOKEN_LENGTH):
            yield piece, min(piece + MAX_TOKEN_LENGTH, end)


def _spans(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (match.span() for match in pattern.finditer(text))


def _lowered(pattern: re.Pattern[str]) -> Callable[[str], list[str]]:
    return lambda text: pattern.findall(text.lower())


_WORDS: Final[dict[str, Callable[[str], Sequence[str]]]] = {
    "standard": _standard,
    "simple": _lowered(_LETTERS),
    "whitespace": str.split,
    "keyword": lambda text: (text,) if text else (),
    "pattern": _lowered(_ASCII_WORDS),
    "stop": _lowered(_LETTERS),
    "english": _standard,
}
_SPANS: Final[dict[str, Callable[[str], Iterable[tuple[int, int]]]]] = {
    "standard": _standard_spans,
    "simple": _spans(_LETTERS),
    "whitespace": _spans(_NO_SPACE),
    "keyword": lambda text: ((0, len(text)),) if text else (),
    "pattern": _spans(_ASCII_WORDS),
    "stop": _spans(_LETTERS),
    "english": _standard_spans,
}


# --- changing, in words of lower case


def _without_stop_words(words: Sequence[str]) -> list[str | None]:
    return [None if word in _STOP_WORDS else word for word in words]


def _english(words: Sequence[str]) -> list[str | None]:
    plain = [_POSSESSIVE.sub("", word) for word in words]
    return [None if word in _STOP_WORDS else stem for word, stem in zip(plain, english_stems(plain), strict=True)]


_CHANGES: Final[dict[str, Callable[[Sequence[str]], list[str | None]]]] = {
    "stop": _without_stop_words,
    "english": _english,
}
