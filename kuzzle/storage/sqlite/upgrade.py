"""Brings a store of an older format to the present one.

Contents were JSONB up to format 5, and are written anew as texts. What was indexed of documents is dropped and made
anew in any case. That takes about as long as writing them; all in one transaction, so that a store is of one format or
of the other.
"""

from __future__ import annotations

import logging
from typing import Final

import apsw
import orjson

from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.documents import insert_rows, stored_body
from kuzzle.storage.sqlite.extraction import Extraction
from kuzzle.storage.sqlite.schema import FORMAT, create_index_tables, load_catalogue

logger = logging.getLogger(__name__)

_FIRST_WITH_TEXTS: Final = 6
# Documents that are changed between two reads of their table.
_AT_ONCE: Final = 500


def upgrade(connection: apsw.Connection) -> None:
    """Make the format of an opened store the present one.

    Raises:
        StoreOpenError: It cannot be done; the store is as before.
    """
    version = connection.pragma("user_version")
    if version == FORMAT:
        return
    logger.info("The store has format %d: indexing its documents anew for format %d", version, FORMAT)
    try:
        with connection:
            for index in load_catalogue(connection).indexes.values():
                for state in index.collections.values():
                    if version < _FIRST_WITH_TEXTS:
                        _write_texts(connection, state)
                    _index_anew(connection, state)
            connection.pragma("user_version", FORMAT)
    except apsw.Error as error:
        raise StoreOpenError(f"Cannot bring the store to format {FORMAT}: {error}") from error


def _write_texts(connection: apsw.Connection, state: CollectionState) -> None:
    table = state.documents_table
    for column in ("metadata_start", "metadata_size"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER")
    select = f"SELECT rid, json(body) FROM {table} WHERE rid > ? ORDER BY rid LIMIT {_AT_ONCE}"
    update = f"UPDATE {table} SET body = ?, metadata_start = ?, metadata_size = ? WHERE rid = ?"
    last = 0
    while rows := list(connection.execute(select, (last,))):
        for rid, text in rows:
            connection.execute(update, (*stored_body(orjson.loads(text)), rid))
        last = rows[-1][0]


def _index_anew(connection: apsw.Connection, before: CollectionState) -> None:
    # What is indexed by now may need more numbers than it did.
    state = before.with_mapping(before.mapping)
    connection.execute(
        "UPDATE collections SET field_numbers = ? WHERE number = ?", (state.numbers_text(), state.number)
    )
    for table in state.index_tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    create_index_tables(connection, state)
    for rid, body in connection.execute(f"SELECT rid, body FROM {state.documents_table}"):
        extraction = Extraction(state.mapping, state.field_numbers, state.name, is_lenient=True)
        extraction.read(orjson.loads(body))
        insert_rows(connection, state, rid, extraction.rows)
