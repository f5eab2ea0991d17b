"""What the suites of storages share: filling a collection, asking it, catching refusals."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, Storage, WriteKind, WrittenDocument
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import parse_query, parse_search


async def make_collection(storage: Storage, mapping: dict[str, Any] | None = None) -> None:
    """Make the collection `i`/`c` that the tests write to."""
    await storage.create_index("i")
    await storage.create_collection("i", "c", mapping)


async def put(storage: Storage, document_id: str | None, source: dict[str, Any]) -> WrittenDocument:
    """Store a document in `i`/`c`, visible to searches."""
    write = DocumentWrite(document_id, source)
    return await storage.write_document("i", "c", WriteKind.CREATE_OR_REPLACE, write, refresh=True)


async def put_all(storage: Storage, sources: dict[str, dict[str, Any]]) -> None:
    """Store several documents in `i`/`c`, in this order."""
    writes = [DocumentWrite(document_id, source) for document_id, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
    assert [outcome.error for outcome in outcomes if isinstance(outcome, FailedWrite)] == []


async def search(storage: Storage, **body: Any) -> SearchPage:
    """Search in `i`/`c`."""
    return await storage.search("i", "c", parse_search(body, offset=None, size=None))


async def found(storage: Storage, query: dict[str, Any]) -> list[str]:
    """Return the ids that a query finds, sorted; the three ways of asking must agree."""
    page = await search(storage, query=query, size=1000)
    ids = sorted(hit.id for hit in page.hits)
    assert sorted(await storage.find_ids("i", "c", parse_query(query))) == ids
    assert await storage.count("i", "c", parse_query(query)) == len(ids) == page.total
    return ids


async def sorted_ids(storage: Storage, sort: Any, **body: Any) -> list[str]:
    """Return the ids of all documents in the order of a sort."""
    return [hit.id for hit in (await search(storage, sort=sort, **body)).hits]


async def refusal(awaitable: Any) -> KuzzleError:
    """Return the error that a call ends with."""
    with pytest.raises(KuzzleError) as caught:
        await awaitable
    return caught.value
