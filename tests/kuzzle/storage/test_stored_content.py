"""Contents that travel as text: what is shown of them is what parsing and writing would give."""

from __future__ import annotations

from typing import Any

import apsw
import orjson
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.storage.sqlite.documents import stored_body
from kuzzle.storage.stored_content import StoredContent, is_trashed

NAMES = st.sampled_from(["_kuzzle_info", "active", 'x"_kuzzle_info', ',"_kuzzle_info', "a.b", ""]) | st.text(
    st.characters(exclude_categories=("Cs",)), max_size=5
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
METADATA = st.fixed_dictionaries({"author": VALUES}, optional={"active": st.booleans(), "deletedAt": VALUES})
SOURCES = st.dictionaries(NAMES, VALUES | METADATA, max_size=6)

connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE documents (body BLOB, metadata_start INTEGER, metadata_size INTEGER)")


def read_back(source: dict[str, Any]) -> StoredContent:
    """Store a content as the backend does, and read it."""
    connection.execute("DELETE FROM documents")
    connection.execute("INSERT INTO documents VALUES (?, ?, ?)", stored_body(source))
    ((text, start, size),) = connection.execute("SELECT * FROM documents")
    return StoredContent(text, start, size)


@given(SOURCES)
def test_a_text_is_shown_byte_by_byte_as_its_object_would_be(source: dict[str, Any]) -> None:
    content = read_back(source)
    assert orjson.dumps(content.shown()) == orjson.dumps(source)
    assert orjson.dumps(content.shown_metadata()) == orjson.dumps(StoredContent.of(source).shown_metadata())
    assert content.is_in_trash == is_trashed(source)
    assert orjson.dumps(content.source) == orjson.dumps(source)
    # Now the object is there, and answers instead.
    assert orjson.dumps(content.shown_metadata()) == orjson.dumps(StoredContent.of(source).shown_metadata())
    assert content.is_in_trash == is_trashed(source)


def test_what_is_changed_in_the_object_is_shown() -> None:
    content = read_back({"a": 1, "_kuzzle_info": {"active": True}})
    content.source["a"] = 2
    content.source["_kuzzle_info"]["active"] = False
    assert orjson.dumps(content.shown()) == b'{"a":2,"_kuzzle_info":{"active":false}}'
    assert orjson.dumps(content.shown_metadata()) == b'{"active":false}'
    assert content.is_in_trash


def test_imported_metadata_may_hold_anything() -> None:
    assert not read_back({"_kuzzle_info": {"past": {"active": False}, "active": True}}).is_in_trash
    assert not read_back({"_kuzzle_info": [{"active": False}]}).is_in_trash
    assert read_back({"_kuzzle_info": "author"}).shown_metadata() is None
