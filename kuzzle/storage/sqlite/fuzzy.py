"""Words that may differ by a few errors, as SQL: the terms near them are found first, then looked up like others.

Terms are read in the order of the table's key. Where what a term begins with is already too far, reading goes on
after all terms that begin so: a word looks at few of the terms that a field has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.distances import NearTerms
from kuzzle.storage.sqlite.expressions import NOTHING, Score
from kuzzle.storage.text_tree import Fuzziness, Fuzzy

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# Terms that a search may read to find those near its words: seconds of a reader's time.
MAX_TERMS_READ: Final = 1_000_000

_DOCUMENT_IDS: Final = ("_id", "_uid")
_TYPES: Final = ("text", "keyword")


def condition(translation: Translation, query: Fuzzy) -> str:
    """Return the condition that documents have a term near a word.

    Raises:
        KuzzleError: The field is neither a text nor a keyword, or too many terms are near the words of a search.
    """
    if query.field in _DOCUMENT_IDS:
        column = translation.id_column if query.field == "_id" else translation.uid_column()
        near = NearTerms(query.value, query.fuzziness)
        return f"accepts_term({translation.bind_function(near)}, {column})"
    field = translation.find_field(query.field)
    if field is None:
        return NOTHING
    if field.type not in _TYPES:
        raise bad_request(
            f"Can only use fuzzy queries on keyword and text fields - not on [{query.field}] which is of type "
            f"[{field.type}]"
        )
    terms = [term for term, _ in translation.nearby.find(field, query)]
    translation.count_words(len(terms))
    return translation.words_condition(field, terms) if terms else NOTHING


def score(translation: Translation, query: Fuzzy) -> Score:
    """Return the score of the documents that match: each term counts the less, the further it is.

    Raises:
        KuzzleError
    """
    field = None if query.field in _DOCUMENT_IDS else translation.find_field(query.field)
    if field is None or field.type not in _TYPES:
        return query.boost
    found = translation.nearby.find(field, query)
    if not found:
        return 0.0
    return translation.relevance.blended_score(
        translation, field, [(term, query.boost * likeness) for term, likeness in found]
    )


class NearbyTerms:
    """Finds the terms near words in one snapshot of a collection; each word's once."""

    def __init__(self, connection: apsw.Connection, state: CollectionState) -> None:
        self._connection = connection
        self._state = state
        self._read = 0
        self._found: dict[tuple[str, str, Fuzziness], list[tuple[str, float]]] = {}

    def find(self, field: Field, query: Fuzzy) -> list[tuple[str, float]]:
        """Return the terms of a field near a word, the nearest first, and how like it each is: 1 is the same.

        Raises:
            KuzzleError: 400: the words of the search need too many terms to be read.
        """
        key = (field.path, query.value, query.fuzziness)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._find(field, query)
        return found

    def _find(self, field: Field, query: Fuzzy) -> list[tuple[str, float]]:
        near = NearTerms(query.value, query.fuzziness)
        if not near.errors:
            return [(query.value, 1.0)]
        found: list[tuple[str, float]] = []
        number = self._state.field_numbers[field.key]
        bound, relation = near.prefix, ">="
        while True:
            # Blobs, among them the mark of a text without words, come after all texts.
            row = self._connection.execute(
                f"SELECT value FROM {self._state.values_table} "
                f"WHERE field = ? AND value {relation} ? AND value < x'' LIMIT 1",
                (number, bound),
            ).fetchone()
            if row is None or not row[0].startswith(near.prefix):
                break
            self._read += 1
            if self._read > MAX_TERMS_READ:
                raise bad_request(f"The words of a fuzzy search need more than {MAX_TERMS_READ} terms to be read")
            term: str = row[0]
            distance, length = near.read(term)
            if distance is not None:
                shorter = min(len(term), len(query.value))
                found.append((term, 1 - distance / shorter if distance else 1.0))
            if length == len(term):
                bound, relation = term, ">"
                continue
            following = after_prefix(term[:length])
            if following is None:
                break
            bound, relation = following, ">="
        found.sort(key=lambda one: (-one[1], one[0]))
        return found[: query.fuzziness.max_expansions]


def after_prefix(prefix: str) -> str | None:
    """Return the first text after all that begin so; None when nothing can come after."""
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1]) + 1
        if code <= 0x10FFFF:
            # Surrogates are no characters of a text.
            return prefix[: length - 1] + chr(0xE000 if code == 0xD800 else code)
    return None
