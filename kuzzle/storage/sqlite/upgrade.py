"""Brings a store of an older format to the present one.

The documents are the same in all formats. What was indexed of them is dropped and made anew, which takes about as
long as writing them; all in one transaction, so that a store is of one format or of the other.
"""

from __future__ import annotations

import logging

import apsw
import orjson

from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.documents import insert_rows
from kuzzle.storage.sqlite.extraction import Extraction
from kuzzle.storage.sqlite.schema import FORMAT, create_index_tables, load_catalogue

logger = logging.getLogger(__name__)


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
                    _index_anew(connection, state)
            connection.pragma("user_version", FORMAT)
    except apsw.Error as error:
        raise StoreOpenError(f"Cannot bring the store to format {FORMAT}: {error}") from error


def _index_anew(connection: apsw.Connection, before: CollectionState) -> None:
    # What is indexed by now may need more numbers than it did.
    state = before.with_mapping(before.mapping)
    connection.execute(
        "UPDATE collections SET field_numbers = ? WHERE number = ?", (state.numbers_text(), state.number)
    )
    for table in state.index_tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    create_index_tables(connection, state)
    for rid, body in connection.execute(f"SELECT rid, json(body) FROM {state.documents_table}"):
        extraction = Extraction(state.mapping, state.field_numbers, state.name, is_lenient=True)
        extraction.read(orjson.loads(body))
        insert_rows(connection, state, rid, extraction.rows)
