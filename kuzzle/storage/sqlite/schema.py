"""The format of the store: opening its file, checking that it is ours, making its tables.

Tables: `indexes`, `collections`, and four per collection, named by its number:

- `documents_N (rid, id, version, body, metadata_start, metadata_size)`: the documents; `body` is their JSON text as
  it goes to clients (UTF-8), and the last two say where in it the value of `_kuzzle_info` is.
- `values_N (field, value, rid, weight, places)`: every value of every mapped field, in the order of the table's key. It
  is the index of the collection: terms, ranges, existence and sorting are looked up there, and a
  document with several values of a field simply has several rows. `values_N_of` finds the values of a
  document: to sort few documents, and to know what a change has to take back. The rows of text fields
  are its full-text index: one a word, whose weight says how often the word is in how long a text, and its
  places where in it (`places.py`). Those of nested objects have an `rid` of their own (`nested_rows.py`).
- `lengths_N (field, texts, words)`: how many texts a field has in all documents, and how many words.
- `several_N (field)`: the fields, but for texts, of which a document or nested object ever had several values. Of all
  others each row stands for a document, which need not be looked for twice (`lookups.py`).

All but `documents_N` is made of the documents, and made anew when the format is an older one (`upgrade.py`).

No name of a user ever reaches the text of a statement: tables and fields are numbers, all else is bound.
The number of the format stands in the file's `user_version`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite import phrases, texts
from kuzzle.storage.sqlite.catalogue import Catalogue, CollectionState, IndexState
from kuzzle.storage.sqlite.geo import add_functions
from kuzzle.storage.sqlite.sort_functions import add_sort_functions

FORMAT: Final = 6
APPLICATION_ID: Final = 0x4B5A5A4C  # "KZZL", so that no other program's file is taken for a store
# Pages that a connection may keep in memory. Rows of the index lie all over their table: with SQLite's own 2 MB a
# write to 100,000 documents takes half as long again. Taken as they are used.
WRITER_CACHE_KIB: Final = 64 * 1024
READER_CACHE_KIB: Final = 16 * 1024
# Pages of the log from which on a commit moves them into the file. A page that was written several times is moved once:
# with SQLite's own 1000 (4 MB) a create writes half as much again to the disk. 16 MB take a moment to move, and to read
# again after a crash.
CHECKPOINT_PAGES: Final = 4000
SYNCHRONOUS: Final = {"full": "FULL", "normal": "NORMAL"}

_TABLES: Final = """
CREATE TABLE indexes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE collections (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  index_number INTEGER NOT NULL,
  name TEXT NOT NULL,
  mapping TEXT NOT NULL,
  field_numbers TEXT NOT NULL,
  UNIQUE (index_number, name)
) STRICT;
"""


def open_writer(path: Path, durability: str) -> apsw.Connection:
    """Open the store for writing; make it if there is none.

    Raises:
        StoreOpenError: One line that tells why.
    """
    try:
        connection = apsw.Connection(str(path), statementcachesize=256)
    except apsw.Error as error:
        raise _open_error(path, error) from error
    try:
        _check_format(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        connection.execute(f"PRAGMA cache_size = {-WRITER_CACHE_KIB}")
        connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        connection.set_busy_timeout(5000)
    except apsw.NotADBError:
        connection.close()
        raise StoreOpenError(f"The file {path} is not a database") from None
    except apsw.Error as error:
        connection.close()
        raise _open_error(path, error) from error
    except StoreOpenError:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open one more connection, that only reads, to a store that a writer has opened.

    Raises:
        StoreOpenError
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = {-READER_CACHE_KIB}")
        add_functions(connection)
        connection.set_busy_timeout(5000)
        texts.register_functions(connection)
        phrases.register_functions(connection)
        add_sort_functions(connection)
    except apsw.Error as error:
        raise _open_error(path, error) from error
    return connection


def _open_error(path: Path, error: apsw.Error) -> StoreOpenError:
    if isinstance(error, apsw.CorruptError):
        return StoreOpenError(f"The store {path} is damaged: {error}")
    return StoreOpenError(f"Cannot open the store {path}: {error}")


def _check_format(connection: apsw.Connection, path: Path) -> None:
    if connection.readonly("main"):
        raise StoreOpenError(f"The store {path} is not writable")
    application, version = connection.pragma("application_id"), connection.pragma("user_version")
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if is_empty and application == 0 and version == 0:
        with connection:
            connection.execute(_TABLES)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", FORMAT)
    elif application != APPLICATION_ID:
        raise StoreOpenError(f"The file {path} is a database of another program")
    elif version > FORMAT:
        raise StoreOpenError(
            f"The store {path} is from a newer version: its format is {version}, this version reads up to {FORMAT}"
        )


def load_catalogue(connection: apsw.Connection) -> Catalogue:
    """Read which indexes and collections there are."""
    collections: dict[int, dict[str, CollectionState]] = {}
    rows = connection.execute("SELECT index_number, name, number, mapping, field_numbers FROM collections")
    for index_number, name, number, mapping, numbers in rows:
        collections.setdefault(index_number, {})[name] = CollectionState.read(name, number, mapping, numbers)
    return Catalogue(
        {
            name: IndexState(number, collections.get(number, {}))
            for number, name in connection.execute("SELECT number, name FROM indexes")
        }
    )


def create_collection_tables(connection: apsw.Connection, state: CollectionState) -> None:
    """Make the tables of a collection."""
    connection.execute(f"""
        CREATE TABLE {state.documents_table} (
          rid INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE,
          version INTEGER NOT NULL,
          body BLOB NOT NULL,
          metadata_start INTEGER,
          metadata_size INTEGER
        ) STRICT;
    """)
    create_index_tables(connection, state)


def create_index_tables(connection: apsw.Connection, state: CollectionState) -> None:
    """Make the tables of a collection that are made of its documents."""
    connection.execute(f"""
        CREATE TABLE {state.values_table} (
          field INTEGER NOT NULL,
          value ANY NOT NULL,
          rid INTEGER NOT NULL,
          weight INTEGER NOT NULL,
          places ANY,
          PRIMARY KEY (field, value, rid)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX {state.values_index} ON {state.values_table} (rid, field);
        CREATE TABLE {state.lengths_table} (
          field INTEGER PRIMARY KEY,
          texts INTEGER NOT NULL,
          words INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE {state.several_table} (field INTEGER PRIMARY KEY) STRICT;
    """)


def drop_collection_tables(connection: apsw.Connection, state: CollectionState) -> None:
    """Remove the tables of a collection."""
    for table in (state.documents_table, *state.index_tables):
        connection.execute(f"DROP TABLE {table}")
