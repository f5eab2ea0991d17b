"""Holds the file of a store against itself: what its tables say of each document follows from the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw

from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.documents import _lengths, _placed, _several, _stored_rows, find_row
from kuzzle.storage.sqlite.extraction import Extraction
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader


def store_faults(path: Path) -> list[str]:
    """Return everything that is wrong with a store that no server has open, a sentence each.

    The mappings of its collections must be older than their documents: a later field shows as missing.
    """
    connection = open_reader(path)
    try:
        verdict = connection.pragma("integrity_check")
        faults = [] if verdict == "ok" else [f"the file: {verdict}"]
        catalogue = load_catalogue(connection)
        for index, state in catalogue.indexes.items():
            for collection in state.collections.values():
                faults += (
                    f"{index}/{collection.name}: {fault}" for fault in _collection_faults(connection, collection)
                )
        return faults
    finally:
        connection.close()


def _collection_faults(connection: apsw.Connection, state: CollectionState) -> Iterator[str]:
    rows, lengths, several = 0, Counter[tuple[int, str]](), set[int]()
    for (document_id,) in connection.execute(f"SELECT id FROM {state.documents_table}").fetchall():
        document = find_row(connection, state, document_id)
        assert document is not None
        extraction = Extraction(state.mapping, state.field_numbers, state.name)
        extraction.read(document.source)
        if extraction.unknown:
            yield f"{document_id} has fields that the mapping does not know: {extraction.unknown}"
            continue
        expected = _placed(document.rid, extraction.rows)
        stored = _stored_rows(connection, state, document.rid)
        if stored != expected:
            yield f"{document_id}: the index misses {expected - stored} and keeps {stored - expected}"
        rows += len(stored)
        several |= _several(expected)
        for number, (texts, words) in _lengths(expected).items():
            lengths[number, "texts"] += texts
            lengths[number, "words"] += words
    (kept,) = connection.execute(f"SELECT count(*) FROM {state.values_table}").fetchone()  # type: ignore[misc]
    if kept != rows:
        yield f"the index has {kept} rows, of documents are {rows}"
    counted = connection.execute(f"SELECT field, texts, words FROM {state.lengths_table}").fetchall()
    found = {
        (number, kind): value for number, *both in counted for kind, value in zip(("texts", "words"), both, strict=True)
    }
    if +Counter(found) != +lengths:
        yield f"texts and words are counted as {found}, not {dict(lengths)}"
    marked = {number for (number,) in connection.execute(f"SELECT field FROM {state.several_table}")}
    if not several <= marked:
        yield f"{several} have several values, which is known of {marked} only"
