"""Clauses that look into texts, evaluated the obvious way; and random ones. Texts hold ASCII words."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import plain_phrases
import plain_queries
import plain_relevance
from hypothesis import strategies as st

from kuzzle.storage.query import Query, Term
from kuzzle.storage.reading import minimum_should_match
from kuzzle.storage.text_tree import (
    AnyCase,
    Fuzziness,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Prefix,
    Regexp,
    Text,
    Wildcard,
)


def matches(query: Text, source: Mapping[str, Any]) -> bool:
    """Tell whether a document matches."""
    if isinstance(query, MultiMatch):
        return any(matches(part, source) for part in _parts(query))
    values = plain_queries.values_of(source, query.field)
    if isinstance(query, MatchBoolPrefix):
        return _matches_start(query, values)
    if isinstance(query, Match):
        return _matches_words(query, values)
    if isinstance(query, MatchPhrase | MatchPhrasePrefix):
        return _matches_phrase(query, source)
    if isinstance(query, Fuzzy):
        return any(value in _near(query) for value in values)
    if isinstance(query, AnyCase):
        return any(value.upper() == query.value.upper() for value in values)
    if isinstance(query, Prefix):
        pattern = re.escape(query.value) + ".*"
    elif isinstance(query, Wildcard):
        pattern = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in query.pattern)
    else:
        # Both languages write these patterns alike.
        pattern = query.pattern
    flags = re.DOTALL | (re.IGNORECASE if query.ignores_case else 0)
    return any(re.fullmatch(pattern, value, flags) for value in values)


def _near(query: Fuzzy) -> dict[str, float]:
    """Return the terms of all documents near a word, and how like it each is."""
    word, fuzziness = query.value, query.fuzziness
    allowed = fuzziness.errors_of(word) if fuzziness.prefix_length < len(word) else 0
    found = []
    for term in {term for source in Texts.sources for term in plain_queries.values_of(source, query.field)}:
        errors = errors_between(word, term, fuzziness.exchanges)
        if errors == 0:
            found.append((1.0, term))
        elif term.startswith(word[: fuzziness.prefix_length]) and errors <= allowed:
            shorter = min(len(word), len(term))
            if errors < shorter:
                found.append((1 - errors / shorter, term))
    nearest = sorted(found, key=lambda one: (-one[0], one[1]))[: fuzziness.max_expansions]
    return {term: likeness for likeness, term in nearest}


def _fuzzy_score(query: Fuzzy, source: Mapping[str, Any]) -> float:
    near = _near(query)
    values = plain_queries.values_of(source, query.field)
    if query.field != "t":
        return query.boost * sum(near[value] for value in set(values) if value in near)
    if not near:
        return 0.0
    commonest = max(near, key=lambda term: sum(term in text for text in Texts.all))
    return query.boost * sum(
        near[word] * plain_relevance.score(word, values, Texts.all, commonest) for word in set(values) if word in near
    )


def errors_between(left: str, right: str, exchanges: bool) -> int:
    """Return the number of typing errors between two words, by the whole table of distances."""
    table = [[row + column for column in range(len(right) + 1)] for row in range(len(left) + 1)]
    for row in range(1, len(left) + 1):
        for column in range(1, len(right) + 1):
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + (left[row - 1] != right[column - 1]),
            )
            is_exchange = row > 1 and column > 1 and left[row - 2 : row] == right[column - 2 : column][::-1]
            if exchanges and is_exchange:
                table[row][column] = min(table[row][column], table[row - 2][column - 2] + 1)
    return table[-1][-1]


def _matches_phrase(query: MatchPhrase | MatchPhrasePrefix, source: Mapping[str, Any]) -> bool:
    if query.field != "t":
        return query.text in plain_queries.values_of(source, query.field)
    if not str(query.text).split():
        return query.zero_terms == "all"
    return any(plain_phrases.is_found(words, query.slop) for words in _phrases(query, source))


def _phrases(query: MatchPhrase | MatchPhrasePrefix, source: Mapping[str, Any]) -> list[plain_phrases.Words]:
    """Return the phrase with each word that its last one may go on as: where each stands in it and in the text."""
    places: dict[str, list[int]] = {}
    place = 0
    for text in plain_queries.texts_of(source, "t"):
        for word in text:
            places.setdefault(word, []).append(place)
            place += 1
        # Between two values of a field.
        place += 100
    return [[(offset, places.get(word, [])) for offset, word in enumerate(phrase)] for phrase in _readings(query)]


def _readings(query: MatchPhrase | MatchPhrasePrefix) -> list[list[str]]:
    words = str(query.text).lower().split()
    if isinstance(query, MatchPhrase) or not words:
        return [words]
    known = sorted({word for text in Texts.all for word in text if word.startswith(words[-1])})
    return [[*words[:-1], word] for word in known[: query.max_expansions]]


def _phrase_score(query: MatchPhrase | MatchPhrasePrefix, source: Mapping[str, Any]) -> float:
    readings = _readings(query)
    if query.field != "t" or readings == [[]]:
        return query.boost
    if len(readings[0]) == 1:
        return query.boost * sum(_weight(words[0], source) for words in readings)
    terms = [*readings[0][:-1], *(words[-1] for words in readings)]
    frequency = sum(plain_phrases.frequency(words, query.slop) for words in _phrases(query, source))
    text = plain_queries.values_of(source, "t")
    return query.boost * plain_relevance.weight(terms, frequency, text, Texts.all)


Part = Match | MatchBoolPrefix | MatchPhrase | MatchPhrasePrefix


def _parts(query: MultiMatch) -> list[Part]:
    boosts: dict[str, float] = {}
    for pattern, boost in query.fields:
        for name in ("k", "t", "o.k"):
            if fnmatch.fnmatchcase(name, pattern) and ("*" not in pattern or name not in boosts):
                boosts[name] = boost
    return [_part(query, name, boost) for name, boost in boosts.items()]


def _part(query: MultiMatch, name: str, boost: float) -> Part:
    if query.kind == "phrase":
        return MatchPhrase(name, query.text, query.slop, boost=boost)
    if query.kind == "phrase_prefix":
        return MatchPhrasePrefix(name, query.text, query.slop, query.max_expansions, boost=boost)
    kind = MatchBoolPrefix if query.kind == "bool_prefix" else Match
    return kind(name, query.text, operator=query.operator, boost=boost, fuzziness=query.fuzziness)


def _matches_start(query: MatchBoolPrefix, values: list[Any]) -> bool:
    if query.field != "t":
        return any(value.startswith(query.text) for value in values)
    *whole, last = str(query.text).lower().split() or [None]
    if last is None:
        return False
    found = [_has_word(query, word, values) for word in whole]
    found.append(any(value.startswith(last) for value in values))
    return all(found) if query.operator == "and" else any(found)


def _has_word(query: Match | MatchBoolPrefix, word: Any, values: list[Any]) -> bool:
    if query.fuzziness is None:
        return word in values
    return any(value in _near(Fuzzy(query.field, word, query.fuzziness)) for value in values)


def _matches_words(query: Match, values: list[Any]) -> bool:
    if query.field != "t":
        return _has_word(query, query.text, values)
    words = set(str(query.text).lower().split())
    if not words:
        return query.zero_terms == "all"
    found = sum(_has_word(query, word, values) for word in words)
    if query.operator == "and":
        return found == len(words)
    if query.minimum_should_match is None or len(words) == 1:
        return found > 0
    return found >= max(1, minimum_should_match(query.minimum_should_match, len(words)))


PATTERNS = st.lists(
    st.sampled_from(["a", "b", "d", "B", "o", "y", " ", ".", ".*", "[ab]", "[^a]", "(ad|bo)", "b+", "(a|d){1,2}"]),
    min_size=1,
    max_size=4,
).map("".join)
FIELDS = st.sampled_from(["t", "k", "o.k"])
# Within an error or two of the words that texts hold.
NEAR_WORDS = st.sampled_from(["ada", "adda", "aad", "addda", "obb", "bobb", "cyy", "Cy"])
FUZZINESS = st.builds(
    Fuzziness,
    st.sampled_from([None, 0, 1, 2, 2]),
    st.sampled_from([1, 3]),
    st.sampled_from([3, 6]),
    st.sampled_from([0, 0, 1, 2, 9]),
    st.booleans(),
    st.sampled_from([1, 2, 50]),
)


def texts(token: Any) -> st.SearchStrategy[Query]:
    """Make clauses that look into texts."""
    boosts = st.sampled_from([1.0, 2.0])
    words = st.lists(st.sampled_from(["ada", "BOB", "cy", "none", "adda", "obb"]), max_size=4).map(" ".join)
    fuzziness = st.none() | FUZZINESS
    slops, limits = st.sampled_from([0, 0, 1, 2, 3, 200]), st.sampled_from([1, 2, 50])
    zero_terms = st.sampled_from(["none", "all"])
    starts = st.sampled_from(["", "a", "ad", "Bo", "bob", "d ", "\u00e9", "x"])
    wildcards = st.lists(st.sampled_from(["*", "?", "a", "d", "o", "B", "y"]), max_size=4).map("".join)
    return st.one_of(
        st.builds(
            Match,
            st.just("t"),
            words,
            st.sampled_from(["or", "and"]),
            st.sampled_from([None, 2, -1, "50%", 9]),
            st.sampled_from(["none", "all"]),
            boost=boosts,
            fuzziness=fuzziness,
        ),
        st.sampled_from(["k", "n", "b"]).flatmap(lambda name: st.builds(Match, st.just(name), token(name))),
        st.builds(Match, st.just("k"), token("k"), fuzziness=fuzziness, boost=boosts),
        st.builds(
            MatchBoolPrefix,
            st.sampled_from(["t", "k"]),
            words | starts,
            st.sampled_from(["or", "and"]),
            boost=boosts,
            fuzziness=fuzziness,
        ),
        st.builds(
            MultiMatch,
            st.lists(st.tuples(st.sampled_from(["t", "k", "*k", "o.*", "*"]), boosts), min_size=1, max_size=3).map(
                tuple
            ),
            # An empty text is a boolean too, false; nothing else here is a value of another type.
            (words | st.sampled_from(["d d", "Cy"])).filter(bool),
            st.sampled_from(["best_fields", "most_fields", "bool_prefix", "phrase", "phrase_prefix"]),
            st.sampled_from(["or", "and"]),
            boost=boosts,
            fuzziness=fuzziness,
            slop=slops,
            max_expansions=limits,
        ),
        st.builds(MatchPhrase, st.sampled_from(["t", "t", "k"]), words, slops, zero_terms=zero_terms, boost=boosts),
        st.builds(
            MatchPhrasePrefix,
            st.just("t"),
            st.tuples(words, starts).map(" ".join),
            slops,
            limits,
            zero_terms=zero_terms,
            boost=boosts,
        ),
        st.builds(Fuzzy, FIELDS, st.text("abdoCy ", max_size=4) | NEAR_WORDS, FUZZINESS, boosts),
        st.builds(AnyCase, FIELDS, st.sampled_from(["ADA", "bob", "cy", "D D", "none"]), boosts),
        st.builds(Prefix, FIELDS, starts, st.booleans(), boosts),
        st.builds(Wildcard, FIELDS, wildcards, st.booleans(), boosts),
        st.builds(Regexp, FIELDS, PATTERNS, ignores_case=st.booleans(), boost=boosts),
    )


class Texts:
    """The texts of all documents, on which the weight of a word depends; set before scores are asked for."""

    all: ClassVar[list[list[str]]] = []
    sources: ClassVar[list[Mapping[str, Any]]] = []

    @classmethod
    def remember(cls, sources: Iterable[Mapping[str, Any]]) -> None:
        """Take the texts of documents."""
        cls.sources = list(sources)
        cls.all = [plain_queries.values_of(source, "t") for source in cls.sources]


def score(query: Text, source: Mapping[str, Any]) -> float:
    """Return the score of a document that matches."""
    if isinstance(query, MultiMatch):
        scores = sorted(score(part, source) for part in _parts(query) if matches(part, source))
        tie_breaker = 1.0 if query.kind in ("most_fields", "bool_prefix") else 0.0
        return query.boost * (scores[-1] + tie_breaker * sum(scores[:-1]))
    if isinstance(query, MatchBoolPrefix) and query.field == "t":
        *whole, last = str(query.text).lower().split()
        is_begun = any(word.startswith(last) for word in plain_queries.values_of(source, "t"))
        return query.boost * (sum(_word_score(query, word, source) for word in whole) + is_begun)
    if isinstance(query, Match) and query.field == "t":
        words = set(str(query.text).lower().split())
        if words:
            return query.boost * sum(_word_score(query, word, source) for word in words)
    elif isinstance(query, Match) and query.fuzziness is not None:
        return query.boost * _word_score(query, query.text, source)
    if isinstance(query, Fuzzy):
        return _fuzzy_score(query, source)
    if isinstance(query, MatchPhrase | MatchPhrasePrefix):
        return _phrase_score(query, source)
    return query.boost


def _word_score(query: Match | MatchBoolPrefix, word: Any, source: Mapping[str, Any]) -> float:
    if query.fuzziness is None:
        return _weight(word, source)
    return _fuzzy_score(Fuzzy(query.field, word, query.fuzziness), source)


def term_score(query: Term, source: Mapping[str, Any]) -> float:
    """Return the score of a document whose text has a word."""
    return query.boost * _weight(query.value, source)


def _weight(word: Any, source: Mapping[str, Any]) -> float:
    return plain_relevance.score(word, plain_queries.values_of(source, "t"), Texts.all)
