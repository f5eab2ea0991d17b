"""Every option of every clause is honoured, or refused by name; none is taken and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clause_options
import pytest
import tornado.ioloop
from clause_options import CLAUSES, CONTENT, Changes, Clause, Hint, Option, Refused

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.clauses import CLAUSE_NAMES
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage

CASES = [(name, option) for name, clause in CLAUSES.items() for option in clause.all_options()]
# Whatever an option could be.
ANYTHING: tuple[Any, ...] = (True, 1, "1", "x", [], {}, ["a"], {"match_all": {}})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the documents of the table."""
    path = tmp_path_factory.mktemp("options") / "kuzzle.db"

    async def fill() -> None:
        storage = SqliteStorage(path, durability="normal")
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", clause_options.MAPPING)
        writes = [DocumentWrite(name, source) for name, source in clause_options.DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        await storage.close()

    loop = tornado.ioloop.IOLoop(make_current=False)
    loop.run_sync(fill)
    loop.close()
    return path


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, filled: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(filled, durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


async def hits(storage: Storage, query: dict[str, Any]) -> list[Any]:
    """Return all that hits show of a query."""
    page = await storage.search("i", "c", parse_search({"query": query}, offset=None, size=None))
    return [(hit.id, hit.score and round(hit.score, 9), hit.matched, hit.inner_hits is not None) for hit in page.hits]


async def is_refused(storage: Storage, query: dict[str, Any]) -> bool:
    """Tell whether a query is refused as the client's fault."""
    try:
        await hits(storage, query)
    except KuzzleError as error:
        return error.status == 400
    return False


@pytest.mark.parametrize(("name", "option"), CASES)
async def test_an_option_changes_the_hits_or_is_refused(storage: Storage, name: str, option: str) -> None:
    clause = CLAUSES[name]
    found: Option = clause.all_options()[option]
    plain = await hits(storage, clause.query(name, {}))
    match found:
        case Changes(value, base, below):
            queries = [clause.query(name, options, base, below) for options in ({}, {option: value})]
            before, after = [
                None if await is_refused(storage, query) else await hits(storage, query) for query in queries
            ]
            assert after != before
        case Refused(value):
            assert await is_refused(storage, clause.query(name, {option: value}))
        case Hint(values, wrong):
            for value in values:
                assert await hits(storage, clause.query(name, {option: value})) == plain
            assert await is_refused(storage, clause.query(name, {option: wrong}))


@pytest.mark.parametrize("name", CLAUSES)
async def test_no_clause_takes_an_option_that_the_table_does_not_have(storage: Storage, name: str) -> None:
    clause: Clause = CLAUSES[name]
    names = {option for other in CLAUSES.values() for option in other.all_options()}
    fields = set() if clause.below is not None else set(clause.base)
    for option in sorted(names - set(clause.all_options()) - CONTENT - fields):
        for value in ANYTHING:
            assert await is_refused(storage, clause.query(name, {option: value})), (option, value)


def test_the_table_has_every_clause() -> None:
    assert set(CLAUSES) == CLAUSE_NAMES
