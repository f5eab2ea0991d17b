"""Explanations: their figures are those of the scores, and add up to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clause_options
import pytest
import tornado.ioloop
from clause_options import CLAUSES

from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.hits import Explanation
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage

RED: dict[str, Any] = {"term": {"t": "red"}}
FOX: dict[str, Any] = {"match": {"t": "fox"}}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", clause_options.MAPPING)
        writes = [DocumentWrite(name, source) for name, source in clause_options.DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def explained(storage: Storage, query: dict[str, Any], **body: Any) -> dict[str, Explanation]:
    """Return the explanations of all hits, which must tell their scores."""
    search = parse_search({"query": query, "explain": True, **body}, offset=None, size=None)
    found = {}
    for hit in (await storage.search("i", "c", search)).hits:
        assert hit.explanation is not None
        if hit.score is not None:
            assert hit.explanation.value == pytest.approx(hit.score)
        found[hit.id] = hit.explanation
    return found


@pytest.mark.parametrize("name", sorted(set(CLAUSES) - {"match_none"}))
async def test_every_clause_is_explained_by_its_score(storage: SqliteStorage, name: str) -> None:
    explanations = await explained(storage, CLAUSES[name].query(name, {}))
    assert explanations
    assert all(explanation.description for explanation in explanations.values())


async def test_the_parts_of_a_bool_add_up_and_only_those_that_match_are_told(storage: SqliteStorage) -> None:
    query = {"bool": {"must": RED, "should": [FOX, {"term": {"k": "bob"}}], "filter": {"exists": {"field": "n"}}}}
    explanations = await explained(storage, query, sort="_id")
    told = {name: [one.description for one in found.details] for name, found in explanations.items()}
    assert told["c"] == ["weight(Term t:red)", "weight(Term k:bob)"]
    assert told["a"] == ["weight(Term t:red)", "weight(Match t:fox)"]
    for found in explanations.values():
        assert sum(one.value for one in found.details) == pytest.approx(found.value)


async def test_what_changes_scores_tells_how(storage: SqliteStorage) -> None:
    (best,) = {one.description for one in (await explained(storage, {"dis_max": {"queries": [RED, FOX]}})).values()}
    assert best == "max of:"
    for found in (await explained(storage, {"dis_max": {"queries": [RED, FOX]}})).values():
        assert found.value == pytest.approx(max(one.value for one in found.details))
    weaker = await explained(
        storage, {"boosting": {"positive": RED, "negative": FOX, "negative_boost": 0.5, "boost": 4}}
    )
    assert weaker["a"].description == "4.0 times score of the positive query, times 0.5 where the negative one matches:"
    assert weaker["a"].value == pytest.approx(weaker["a"].details[0].value * 0.5 * 4)
    assert weaker["c"].value == pytest.approx(weaker["c"].details[0].value * 4)
    doubled = await explained(storage, {"function_score": {"query": RED, "weight": 2}})
    assert doubled["a"].value == pytest.approx(doubled["a"].details[0].value * 2)


async def test_groups_and_scrolls_are_explained_too(storage: SqliteStorage) -> None:
    body = {"query": RED, "collapse": {"field": "k", "inner_hits": {"name": "x", "explain": True}}, "size": 1}
    (hit,) = (await storage.search("i", "c", parse_search(body, offset=None, size=None))).hits
    (inner,) = (hit.groups or {})["x"].hits
    assert inner.explanation is not None
    assert (hit.explanation, inner.explanation.value) == (None, pytest.approx(hit.score))
    scroll = parse_search({"query": RED, "explain": True}, offset=None, size=1)
    (first,) = (await storage.open_scroll("i", "c", scroll, 1000)).hits
    assert first.explanation is not None
    assert first.explanation.value == pytest.approx(first.score)
