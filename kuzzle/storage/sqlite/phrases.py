"""Phrases as SQL: the rows of their words are joined, and the places in them compared.

The word that the fewest texts have leads; the others are looked up in the texts that have it. Words that are once in
a text, most of them, are compared by SQLite; for the others `places.py` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.analysis import query_tokens
from kuzzle.storage.sqlite.expressions import EVERYTHING, NOTHING, Score, joined
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS
from kuzzle.storage.sqlite.lookups import MOST_KEPT
from kuzzle.storage.sqlite.places import Phrase, decode_places
from kuzzle.storage.text_tree import MatchPhrase, MatchPhrasePrefix

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# SQLite joins up to 64 tables; the rest are for what a phrase may stand in.
MAX_WORDS: Final = 50
# Texts with the rarest word, up to which they are gathered at once: as many as a search keeps.
MAX_LED: Final = MOST_KEPT


@dataclass(frozen=True, slots=True)
class Words:
    """What may stand at some places of a phrase.

    Attributes:
        choices: One word, or those with which the last word of a phrase may go on, in their order.
        offsets: Where in the phrase.
    """

    choices: tuple[str, ...]
    offsets: tuple[int, ...]


def phrase_words(translation: Translation, field: Field, query: MatchPhrase | MatchPhrasePrefix) -> list[Words]:
    """Return the words of a phrase in a text field; without any: the phrase has none.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: there are too many.
    """
    offsets: dict[str, list[int]] = {}
    tokens = query_tokens(field, query.text, query.analyzer, is_phrase=isinstance(query, MatchPhrase))
    begun: list[Words] = []
    if isinstance(query, MatchPhrasePrefix) and tokens and (start := tokens[-1]) is not None:
        found = translation.vocabulary.completions(field, start, query.max_expansions)
        if len(found) == 1:
            # Maybe a word that the phrase has already: then its places are not for both.
            tokens[-1] = found[0]
        else:
            begun = [Words(tuple(found), (len(tokens) - 1,))]
            tokens[-1] = None
    for offset, token in enumerate(tokens):
        if token is not None:
            offsets.setdefault(token, []).append(offset)
    if len(offsets) + len(begun) > MAX_WORDS:
        raise bad_request(f"A phrase may have up to {MAX_WORDS} different words, this one has {len(offsets)}")
    return [*(Words((word,), tuple(each)) for word, each in offsets.items()), *begun]


def condition(translation: Translation, query: MatchPhrase | MatchPhrasePrefix) -> str:
    """Return the condition that documents match.

    Raises:
        KuzzleError
    """
    if query.field in ("_id", "_uid", "_type"):
        return translation.value_condition(query.field, query.text, is_lenient=query.is_lenient)
    field = translation.find_field(query.field)
    if field is None:
        return NOTHING
    if field.type != "text":
        return translation.value_condition(query.field, query.text, is_lenient=query.is_lenient)
    words = phrase_words(translation, field, query)
    if not words:
        return EVERYTHING if query.zero_terms == "all" else NOTHING
    translation.count_words(len(words))
    if not all(each.choices for each in words):
        return NOTHING
    if _is_one(words):
        return f"({translation.words_condition(field, words[0].choices)})"
    if not field.has_places:
        raise bad_request(f"field:[{query.field}] was indexed without position data; cannot run PhraseQuery")
    return _condition(translation, field, words, query.slop)


def _condition(translation: Translation, field: Field, words: Sequence[Words], slop: int) -> str:
    """Return the condition that words stand near each other: that of the rarest leads."""
    rows = _rows(translation, field, words)
    asked = f"EXISTS (SELECT 1 {rows.source} AND {_frequency(translation, words, slop)} > 0)"
    if translation.asks_each:
        return asked
    leader = translation.words_condition(field, rows.rarest.choices)
    if rows.size <= MAX_LED:
        return translation.lookups.led_by(
            leader, rows.size, rest=asked, joined_rows=_joined(translation, rows, words, slop)
        )
    return f"({leader} AND {asked})"


def score(translation: Translation, query: MatchPhrase | MatchPhrasePrefix) -> Score:
    """Return the score of the documents that match: a phrase weighs as a word as rare as all of its words together.

    Raises:
        KuzzleError
    """
    field = None if query.field in ("_id", "_uid", "_type") else translation.find_field(query.field)
    if field is None or field.type != "text":
        return query.boost
    words = phrase_words(translation, field, query)
    if not words:
        return query.boost
    if not all(each.choices for each in words):
        return 0.0
    relevance = translation.relevance
    translation.count_words(sum(len(each.choices) for each in words))
    if _is_one(words):
        scores = [relevance.score(translation.bind, field, word, query.boost) for word in words[0].choices]
        return joined(scores, "+")
    rarity = sum(relevance.rarity(field, word) * len(each.offsets) for each in words for word in each.choices)
    rows = _rows(translation, field, words)
    weight = relevance.weight(translation.bind, field, rarity * query.boost, "frequency", "length")
    asked = (
        f"coalesce((SELECT {weight} FROM (SELECT sum({_frequency(translation, words, query.slop)}) AS frequency, "
        f"max({rows.first}.weight >> {FREQUENCY_BITS}) AS length {rows.source})), 0.0)"
    )
    relevance.remember(_joined(translation, rows, words, query.slop), asked, f"({weight})")
    return asked


def _is_one(words: Sequence[Words]) -> bool:
    return len(words) == 1 and len(words[0].offsets) == 1


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of all words of a phrase in the text of `d`: those of the first are in the table `v0`, and so on.

    Attributes:
        first: The table of the rarest word.
        source: `FROM ... WHERE ...`.
        of_all: The same of all texts that have all words.
        rarest: The word that the fewest texts have.
        size: How many have it, at most.
    """

    first: str
    source: str
    of_all: str
    rarest: Words
    size: int


def _rows(translation: Translation, field: Field, words: Sequence[Words]) -> _Rows:
    """Join the rows of words; the rarest come first, so that most texts are left after one look-up."""
    table, by_document = translation.value_tables
    number = translation.field_number(field)
    count = translation.vocabulary.count
    sizes = [sum(count(field, word) for word in each.choices) for each in words]
    order = sorted(range(len(words)), key=sizes.__getitem__)
    first = f"v{order[0]}"
    tables, conditions = [], []
    for place in order:
        name, choices = f"v{place}", words[place].choices
        # Words that begin alike lie side by side: in one document they are found by that, not one by one.
        hint = f" INDEXED BY {by_document}" if len(choices) > 1 else ""
        wanted = f"= {translation.bind(choices[0])}"
        if len(choices) > 1:
            wanted = f"BETWEEN {translation.bind(choices[0])} AND {translation.bind(choices[-1])}"
        tables.append((f"{table} AS {name}", hint))
        same = "" if name == first else f" AND {name}.rid = {first}.rid"
        conditions.append(f"{name}.field = {number} AND {name}.value {wanted}{same}")
    of_one = " CROSS JOIN ".join(name + hint for name, hint in tables)
    of_all = " CROSS JOIN ".join([tables[0][0], *(name + hint for name, hint in tables[1:])])
    where = " AND ".join(conditions)
    source = f"FROM {of_one} WHERE {first}.rid = d.rid AND {where}"
    return _Rows(first, source, f"FROM {of_all} WHERE {where}", words[order[0]], sizes[order[0]])


def _joined(translation: Translation, rows: _Rows, words: Sequence[Words], slop: int) -> str:
    """Return the statement on all texts that have a phrase: the rids, how often, and how long the texts are."""
    first = rows.first
    return (
        f"SELECT {first}.rid AS rid, sum({_frequency(translation, words, slop)}) AS frequency, "
        f"max({first}.weight >> {FREQUENCY_BITS}) AS length {rows.of_all} GROUP BY {first}.rid HAVING frequency > 0"
    )


def _frequency(translation: Translation, words: Sequence[Words], slop: int) -> str:
    """Return the expression of how often the phrase is in a text; a word that may go on has a row for each way."""
    phrase = Phrase([each.offsets for each in words], slop)
    columns = [f"v{place}.places" for place in range(len(words))]
    function = translation.bind_function(phrase, (*(each.offsets for each in words), slop))
    called = f"phrase_frequency({function}, {', '.join(columns)})"
    if any(len(each.offsets) > 1 for each in words) or (slop and any(len(each.choices) > 1 for each in words)):
        return called
    are_single = joined([f"typeof({column}) = 'integer'" for column in columns], "AND")
    starts = ", ".join(f"{column} - {each.offsets[0]}" for column, each in zip(columns, words, strict=True))
    width = f"(max({starts}) - min({starts}))"
    return f"iif({are_single}, iif({width} <= {slop}, 1.0 / (1 + {width}), 0.0), {called})"


def register_functions(connection: apsw.Connection) -> None:
    """Make the functions known that the conditions call."""
    connection.create_scalar_function("phrase_frequency", _phrase_frequency, deterministic=False)


def _phrase_frequency(*arguments: Any) -> float:
    phrase, *places = arguments
    frequency: float = phrase.frequency([decode_places(each) for each in places])
    return frequency
