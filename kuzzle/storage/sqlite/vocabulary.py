"""The words of a collection in one snapshot: how many texts have them, and which begin alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
        key = self._state.field_numbers[field.key], word
        found = self._counts.get(key)
        if found is None:
            statement = f"SELECT count(*) FROM {self._state.values_table} WHERE field = ? AND value = ?"
            ((found,),) = self._connection.execute(statement, key)
            self._counts[key] = found
        return found

    def lengths(self, field: Field) -> tuple[int, int]:
        """Return how many texts a field has, and how many words they have together."""
        number = self._state.field_numbers[field.key]
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
        number = self._state.field_numbers[field.key]
        statement = (
            f"SELECT min(value) FROM {self._state.values_table} WHERE field = ? AND value {{}} ? AND value < x''"
        )
        found: list[str] = []
        word = self._connection.execute(statement.format(">="), (number, start)).get
        while isinstance(word, str) and word.startswith(start) and len(found) < limit:
            found.append(word)
            word = self._connection.execute(statement.format(">"), (number, word)).get
        return found

    def accepted(
        self, field: Field, limits: str, accepts: str, values: Mapping[str, Any], most: int
    ) -> list[str] | None:
        """Return the terms of a field that a condition accepts, None when they are more than so many.

        However many documents have a term, the condition is asked about it once.

        Args:
            limits: The condition on `value` that they lie in a range of the index.
            accepts: The condition on `value` that takes long.
            values: What the parameters of both are bound to.

        Raises:
            KuzzleError
        """
        number = self._state.field_numbers[field.key]
        # Without the limit SQLite would move the condition into the inner statement, and ask it about each row.
        terms = f"SELECT DISTINCT value FROM {self._state.values_table} WHERE field = {number} AND {limits} LIMIT -1"
        statement = f"SELECT value FROM ({terms}) WHERE {accepts} LIMIT {most + 1}"
        found = [term for (term,) in self._connection.execute(statement, values)]
        return None if len(found) > most else found
