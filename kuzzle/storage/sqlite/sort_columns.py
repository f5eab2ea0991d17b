"""Sort keys as columns of SQL, of documents or nested objects that stand under the name `d`."""

from __future__ import annotations

from collections.abc import Sequence

from kuzzle.storage.sqlite import geo
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import Score
from kuzzle.storage.sqlite.sorting import Key
from kuzzle.storage.sqlite.translation import Translation


def key_column(translation: Translation, state: CollectionState, key: Key, score: Score) -> str:
    """Return the expression of a sort key."""
    match key.sort.field:
        case "_score":
            return translation.number(score)
        case "_doc":
            return translation.scopes.place_column
        case "_id":
            return translation.id_column
        case "_uid":
            return translation.uid_column()
    if key.field is None:
        return "NULL"
    if key.sort.distance is not None:
        return geo.distance_column(translation, key.sort.distance, values_of(translation, state, key, "d.rid"))
    column = f"(SELECT {key.picked('value')} {values_of(translation, state, key, 'd.rid')})"
    return column if key.missing is None else f"coalesce({column}, {translation.bind(key.missing)})"


def values_of(translation: Translation, state: CollectionState, key: Key, rid: str) -> str:
    """Return the rest of a statement on the values of one document, or nested object, that a key is about."""
    below = translation.scopes.rows_below(translation, key.sort.nested, rid)
    return (
        f"FROM {state.values_table} INDEXED BY {state.values_index} "
        f"WHERE {below} AND field = {key.number} {of_values(key, 'value')}"
    )


def of_values(key: Key, column: str) -> str:
    """Leave out the mark of a text without tokens."""
    return f"AND {column} < x''" if key.field is not None and key.field.type == "text" else ""


def order_by(keys: Sequence[Key]) -> str:
    """Return the order of columns `k0`, `k1`... that are the keys."""
    return ", ".join(f"k{position} {key.direction} {key.nulls}" for position, key in enumerate(keys))
