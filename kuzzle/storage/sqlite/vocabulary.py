"""The words of a collection in one snapshot: how many texts have them, and which begin alike."""

from __future__ import annotations

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.catalogue import CollectionState


class Vocabulary:
    """Which words the texts of a collection have. Answers are remembered: a search asks for a word several times."""

    def __init__(self, connection: apsw.Connection, state: CollectionState) -> None:
        self._connection = connection
        self._state = state
        self._counts: dict[tuple[int, str], int] = {}
        self._lengths: dict[int, tuple[int, int]] = {}

    def count(self, field: Field, word: str) -> int:
        """Return how many texts of a field have a word."""
        key = self._state.field_numbers[field.path], word
        found = self._counts.get(key)
        if found is None:
            statement = f"SELECT count(*) FROM {self._state.values_table} WHERE field = ? AND value = ?"
            ((found,),) = self._connection.execute(statement, key)
            self._counts[key] = found
        return found

    def lengths(self, field: Field) -> tuple[int, int]:
        """Return how many texts a field has, and how many words they have together."""
        number = self._state.field_numbers[field.path]
        found = self._lengths.get(number)
        if found is None:
            statement = f"SELECT texts, words FROM {self._state.lengths_table} WHERE field = ?"
            found = next(iter(self._connection.execute(statement, (number,))), (0, 0))
            self._lengths[number] = found
        return found

    def completions(self, field: Field, start: str, limit: int) -> list[str]:
        """Return the words of a field that begin so, in their order.

        Args:
            limit: How many at most. Each is a look-up, however many texts have it.
        """
        number = self._state.field_numbers[field.path]
        statement = (
            f"SELECT min(value) FROM {self._state.values_table} WHERE field = ? AND value {{}} ? AND value < x''"
        )
        found: list[str] = []
        word = self._connection.execute(statement.format(">="), (number, start)).get
        while isinstance(word, str) and word.startswith(start) and len(found) < limit:
            found.append(word)
            word = self._connection.execute(statement.format(">"), (number, word)).get
        return found
