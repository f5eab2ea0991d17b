"""Every parameter of every type of field is honoured, or refused by name; none is taken and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop
from clause_options import Hint, Refused
from mapping_options import NEEDED, PARAMETERS, Parameter, Shown

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, Storage, WriteKind
from kuzzle.storage.fields import TYPES
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage

CASES = [(kind, parameter) for kind, table in PARAMETERS.items() for parameter in table]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store of this module is."""
    return tmp_path_factory.mktemp("parameters") / "kuzzle.db"


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, opened: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(opened, durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


async def outcome(storage: Storage, definition: dict[str, Any], shown: Shown) -> Any:
    """Return which documents are stored and what a search shows of them, or how it is refused."""
    if await storage.index_exists("i"):
        await storage.delete_index("i")
    await storage.create_index("i")
    await storage.create_collection("i", "c", {"properties": {"f": definition, **(shown.others or {})}})
    writes = [DocumentWrite(f"d{number}", {"f": content}) for number, content in enumerate(shown.contents)]
    written = await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
    stored = [not isinstance(one, FailedWrite) for one in written]
    try:
        page = await storage.search("i", "c", parse_search(shown.body, offset=None, size=None))
    except KuzzleError as error:
        return stored, error.status
    return stored, [(hit.id, hit.score, hit.fields) for hit in page.hits]


@pytest.mark.parametrize(("kind", "parameter"), CASES)
async def test_a_parameter_changes_what_is_found_or_is_refused(storage: Storage, kind: str, parameter: str) -> None:
    found: Parameter = PARAMETERS[kind][parameter]
    plain = {"type": kind, **NEEDED.get(kind, {})}
    match found:
        case Shown(value):
            beside = found.beside or {}
            without = await outcome(storage, {**plain, **beside}, found)
            assert await outcome(storage, {**plain, **beside, parameter: value}, found) != without
        case Refused(value):
            with pytest.raises(KuzzleError, match=f'"f": invalid mapping property "{parameter}"'):
                await outcome(storage, {**plain, parameter: value}, Shown(value, (), {}))
        case Hint(values, wrong):
            for value in values:
                assert await outcome(storage, {**plain, parameter: value}, Shown(value, (), {})) == ([], [])
            if wrong is not None:
                with pytest.raises(KuzzleError, match=f'"f": invalid mapping property "{parameter}"'):
                    await outcome(storage, {**plain, parameter: wrong}, Shown(wrong, (), {}))


def test_the_table_has_every_parameter_of_every_type() -> None:
    assert {kind: set(table) for kind, table in PARAMETERS.items()} == {
        kind: set(parameters) - {"type"} for kind, parameters in TYPES.items()
    }


OBJECTS: list[tuple[str, dict[str, Any], Any]] = [
    # A definition of an object, what stands beside it when it is plain, and a content that tells the two apart.
    ("enabled", {"type": "object", "enabled": False}, {"n": 1}),
    ("dynamic", {"type": "object", "dynamic": "strict"}, {"n": 1}),
    ("dynamic", {"type": "object", "dynamic": False}, {"n": 1}),
    ("type", {"type": "nested"}, {"n": 1}),
    ("properties", {"properties": {"n": {"type": "text"}}}, {"n": 1}),
]


@pytest.mark.parametrize(("parameter", "definition", "content"), OBJECTS)
async def test_a_parameter_of_an_object_changes_what_is_found(
    storage: Storage, parameter: str, definition: dict[str, Any], content: Any
) -> None:
    shown = Shown(None, (content, {"n": "one"}), {"query": {"range": {"f.n": {"gte": 1}}}})
    assert parameter in definition
    assert await outcome(storage, definition, shown) != await outcome(storage, {"type": "object"}, shown)


@pytest.mark.parametrize("parameter", ["include_in_parent", "include_in_root"])
async def test_nested_objects_are_included_in_what_is_around_them(storage: Storage, parameter: str) -> None:
    shown = Shown(None, ({"n": 1},), {"query": {"term": {"f.n": 1}}})
    definition = {"type": "nested"}
    assert await outcome(storage, {**definition, parameter: True}, shown) != await outcome(storage, definition, shown)
    with pytest.raises(KuzzleError, match=f'"f": invalid mapping property "{parameter}"'):
        await outcome(storage, {**definition, parameter: "perhaps"}, shown)
