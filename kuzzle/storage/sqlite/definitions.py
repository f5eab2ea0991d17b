"""Changes of what the store holds: indexes, collections and mappings. They run on the writer's thread."""

from __future__ import annotations

from typing import Any

from kuzzle.storage.errors import IndexAlreadyExistsError, MappingNotFoundError, UnknownIndexError
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.names import check_collection_name, check_index_name
from kuzzle.storage.sqlite.catalogue import CollectionState, IndexState
from kuzzle.storage.sqlite.schema import create_collection_tables, drop_collection_tables
from kuzzle.storage.sqlite.writer import Transaction


def create_index(transaction: Transaction, index: str) -> None:
    """Make an empty index.

    Raises:
        InvalidNameError, IndexAlreadyExistsError
    """
    check_index_name(index)
    if transaction.catalogue.find_index(index) is not None:
        raise IndexAlreadyExistsError(index)
    transaction.connection.execute("INSERT INTO indexes (name) VALUES (?)", (index,))
    state = IndexState(transaction.connection.last_insert_rowid())
    transaction.catalogue = transaction.catalogue.with_index(index, state)


def delete_index(transaction: Transaction, index: str) -> None:
    """Remove an index with all its collections.

    Raises:
        UnknownIndexError
    """
    state = transaction.catalogue.find_index(index)
    if state is None:
        raise UnknownIndexError(index)
    for collection in state.collections.values():
        drop_collection_tables(transaction.connection, collection)
    transaction.connection.execute("DELETE FROM collections WHERE index_number = ?", (state.number,))
    transaction.connection.execute("DELETE FROM indexes WHERE number = ?", (state.number,))
    transaction.catalogue = transaction.catalogue.without_index(index)


def create_collection(transaction: Transaction, index: str, collection: str, mapping: dict[str, Any] | None) -> bool:
    """Make a collection, or merge the mapping into that of an existing one; tell whether it is new.

    Raises:
        UnknownIndexError, InvalidNameError, KuzzleError (a mapping error)
    """
    state = transaction.catalogue.find_index(index)
    if state is None:
        raise UnknownIndexError(index)
    if collection in state.collections:
        update_mapping(transaction, index, collection, mapping or {})
        return False
    check_collection_name(collection)
    wanted = Mapping().merge(mapping or {})
    transaction.connection.execute(
        "INSERT INTO collections (index_number, name, mapping, field_numbers) VALUES (?, ?, '', '')",
        (state.number, collection),
    )
    number = transaction.connection.last_insert_rowid()
    created = CollectionState(collection, number, {}, {}).with_mapping(wanted)
    create_collection_tables(transaction.connection, created)
    save_collection(transaction, index, created)
    return True


def update_mapping(transaction: Transaction, index: str, collection: str, changes: dict[str, Any]) -> None:
    """Merge a mapping into that of a collection.

    It holds for documents written from then on; the others stay indexed as they were, as Elasticsearch does.

    Raises:
        UnknownIndexError, MappingNotFoundError, KuzzleError (a mapping error)
    """
    if transaction.catalogue.find_index(index) is None:
        raise UnknownIndexError(index)
    state = transaction.catalogue.find_collection(index, collection)
    if state is None:
        raise MappingNotFoundError(index)
    save_collection(transaction, index, state.with_mapping(state.mapping.merge(changes)))


def save_collection(transaction: Transaction, index: str, state: CollectionState) -> None:
    """Store the mapping of a collection."""
    transaction.connection.execute(
        "UPDATE collections SET mapping = ?, field_numbers = ? WHERE number = ?",
        (state.definition_text(), state.numbers_text(), state.number),
    )
    transaction.catalogue = transaction.catalogue.with_collection(index, state)
