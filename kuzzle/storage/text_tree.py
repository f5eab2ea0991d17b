"""Nodes of the tree that look into texts: words of a text, and patterns of terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ALL_FIELDS: Final = "_all"
"""Stands for every field that its mapping does not leave out (`include_in_all`)."""

# max_determinized_states of Elasticsearch: what one regular expression may take of memory.
MAX_STATES: Final = 10_000

FieldsKind = Literal["best_fields", "most_fields", "bool_prefix", "phrase", "phrase_prefix", "cross_fields"]
"""How the fields of a `multi_match` are matched and what counts of them."""


@dataclass(frozen=True, slots=True)
class Fuzziness:
    """How a term may differ from a word.

    Attributes:
        errors: How many characters may be added, left out or changed: 0 to 2. None: as the word's length says.
        one_from: Without `errors`: words of so many characters and more may have one error.
        two_from: Without `errors`: words of so many characters and more may have two.
        prefix_length: So many characters at the beginning are the same.
        exchanges: Two neighbours that changed places are one error, not two.
        max_expansions: How many terms count: the nearest ones, of equally near ones the first in their order.
    """

    errors: int | None = None
    one_from: int = 3
    two_from: int = 6
    prefix_length: int = 0
    exchanges: bool = True
    max_expansions: int = 50

    def errors_of(self, word: str) -> int:
        """Return how many errors a word may have."""
        if self.errors is not None:
            return self.errors
        return (len(word) >= self.one_from) + (len(word) >= self.two_from)


@dataclass(frozen=True, slots=True)
class Match:
    """The field holds words of a text; on fields that are no text: exactly this value.

    Attributes:
        text: As given; the field's analyser cuts it into words.
        operator: `or`: one of the words is enough, `and`: all of them.
        minimum_should_match: How many words are enough with `or`, in any form that a bool takes. None: one.
        zero_terms: What a text without words matches: nothing or everything.
        analyzer: Cuts the text instead of the field's.
        is_lenient: A value that the field's type does not know matches nothing, instead of being an error.
        fuzziness: How words may differ. None: not at all.
    """

    field: str
    text: str | int | float | bool
    operator: Literal["or", "and"] = "or"
    minimum_should_match: int | str | None = None
    zero_terms: Literal["none", "all"] = "none"
    analyzer: str | None = None
    is_lenient: bool = False
    boost: float = 1.0
    fuzziness: Fuzziness | None = None


@dataclass(frozen=True, slots=True)
class MatchPhrase:
    """The field holds the words of a text one after the other; on fields that are no text: exactly this value.

    Attributes:
        slop: How far words may be from where the text has them, in all; two words that changed places are 2 away.
        analyzer: Cuts the text instead of the field's.
        zero_terms: What a text without words matches: nothing or everything.
        is_lenient: A value that the field's type does not know matches nothing, instead of being an error.
    """

    field: str
    text: str | int | float | bool
    slop: int = 0
    analyzer: str | None = None
    zero_terms: Literal["none", "all"] = "none"
    is_lenient: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class MatchPhrasePrefix:
    """The same, and the last word may go on.

    Attributes:
        max_expansions: How many words that begin like the last one are looked for, in their order.
    """

    field: str
    text: str | int | float | bool
    slop: int = 0
    max_expansions: int = 50
    analyzer: str | None = None
    zero_terms: Literal["none", "all"] = "none"
    is_lenient: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Prefix:
    """The field holds a term (of a text: a word) that begins so."""

    field: str
    value: str
    ignores_case: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Wildcard:
    r"""The field holds a term of this form: `*` is any text, `?` one character, `\` makes the next one plain."""

    field: str
    pattern: str
    ignores_case: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Regexp:
    """The field holds a term that this regular expression, as Lucene writes them, matches as a whole.

    Attributes:
        operators: Of the optional operators `~`, `&`, `@`, `#` and `<1-9>` those that are on.
        max_states: A pattern that needs more states is refused.
    """

    field: str
    pattern: str
    operators: frozenset[str] = frozenset("~&@#<")
    ignores_case: bool = False
    boost: float = 1.0
    max_states: int = MAX_STATES


@dataclass(frozen=True, slots=True)
class MatchBoolPrefix:
    """The field holds the words of a text, of which the last may go on.

    Attributes:
        operator: `or`: one of the words is enough, `and`: all of them.
        minimum_should_match: How many words are enough with `or`, in any form that a bool takes. None: one.
        analyzer: Cuts the text instead of the field's.
        is_lenient: A value that the field's type does not know matches nothing, instead of being an error.
        fuzziness: How words may differ. None: not at all.
    """

    field: str
    text: str | int | float | bool
    operator: Literal["or", "and"] = "or"
    minimum_should_match: int | str | None = None
    analyzer: str | None = None
    is_lenient: bool = False
    boost: float = 1.0
    fuzziness: Fuzziness | None = None


@dataclass(frozen=True, slots=True)
class MultiMatch:
    """One of several fields matches a text.

    Attributes:
        fields: Paths and their boosts; `*` in a path stands for any text. Of what such a path finds, fields that
            cannot take the text are left out.
        kind: `best_fields`: the best score of a field counts, and `tie_breaker` of the others; `most_fields`: all
            scores add up; `bool_prefix`: so too, and the last word may go on; `phrase` and `phrase_prefix`: as
            `best_fields`, with the words one after the other; `cross_fields`: fields that are analysed alike are one,
            so that each word may stand in another of them.
        tie_breaker: None: what the kind says.
        fuzziness: How words may differ, but the last one of `bool_prefix`. None: not at all.
        slop: Of phrases.
        max_expansions: Of phrases whose last word may go on.
    """

    fields: tuple[tuple[str, float], ...]
    text: str | int | float | bool
    kind: FieldsKind = "best_fields"
    operator: Literal["or", "and"] = "or"
    minimum_should_match: int | str | None = None
    zero_terms: Literal["none", "all"] = "none"
    analyzer: str | None = None
    tie_breaker: float | None = None
    is_lenient: bool = False
    boost: float = 1.0
    fuzziness: Fuzziness | None = None
    slop: int = 0
    max_expansions: int = 50


@dataclass(frozen=True, slots=True)
class WordInFields:
    """One of several text fields holds a word, which counts as equally rare in all of them.

    Attributes:
        fields: Paths and their boosts.
        word: As the fields' analyser makes it.
        tie_breaker: Of the scores the best counts, and this part of the others.
    """

    fields: tuple[tuple[str, float], ...]
    word: str
    tie_breaker: float = 0.0
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """The field holds a term (of a text: a word) that differs from a word by a few typing errors."""

    field: str
    value: str
    fuzziness: Fuzziness = Fuzziness()
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class AnyCase:
    """The field holds this term, whatever the case of its letters."""

    field: str
    value: str
    boost: float = 1.0


Pattern = Prefix | Wildcard | Regexp | AnyCase
Text = Match | MatchBoolPrefix | MatchPhrase | MatchPhrasePrefix | MultiMatch | WordInFields | Pattern | Fuzzy
