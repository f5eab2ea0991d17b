"""The page on the search language: it has every clause, option and aggregation, and its examples find what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from clause_options import CLAUSES
from documentation import DOCS, Block, read_blocks, read_sections
from harness import Reply, Server

from kuzzle.storage.aggregation_clauses import AGGREGATION_NAMES
from kuzzle.storage.clauses import CLAUSE_NAMES
from kuzzle.storage.search_body import SEARCH_KEYS

TEXT = (DOCS / "search.md").read_text()
SECTIONS = read_sections(TEXT, 2)
QUERIES = read_sections(SECTIONS["Queries"], 3)
BLOCKS = list(read_blocks(TEXT))
EXAMPLES = [block for block in BLOCKS if block.title not in ("mapping", "documents", "answers")]


def titled(title: str) -> Any:
    (block,) = [block for block in BLOCKS if block.title == title]
    return block.value


def body_of(block: Block) -> dict[str, Any]:
    """A block with one clause shows what stands in `query`."""
    content: dict[str, Any] = block.value
    return content if content.keys() <= SEARCH_KEYS else {"query": content}


def is_shown(shown: Any, seen: Any) -> bool:
    """Tell whether an answer has what the page shows of it; the lists are whole."""
    if isinstance(shown, dict):
        return isinstance(seen, dict) and all(
            name in seen and is_shown(part, seen[name]) for name, part in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(seen, list) and len(shown) == len(seen) and all(map(is_shown, shown, seen))
    if isinstance(shown, float):
        return bool(shown == pytest.approx(seen))
    return bool(shown == seen)


async def test_every_example_finds_what_its_title_says(server: Server) -> None:
    mapping, documents = titled("mapping"), titled("documents")
    await server.http("POST", "/library/_create")
    assert (await server.http("PUT", "/library/books", mapping)).status == 200
    for name, content in documents.items():
        assert (await server.http("POST", f"/library/books/{name}/_create", content)).status == 200
    await server.http("POST", "/library/_refresh")
    replies = await asyncio.gather(*(server.http("POST", "/library/books/_search", body_of(each)) for each in EXAMPLES))
    found = dict(zip(map(id, EXAMPLES), replies, strict=True))
    faults = []
    for position, block in enumerate(BLOCKS):
        if id(block) in found:
            fault = find_fault(block, BLOCKS[position + 1 : position + 2], found[id(block)])
            if fault is not None:
                faults.append(f"{block.code}{block.title!r}: {fault}")
    assert not faults, "\n".join(faults)


def find_fault(block: Block, following: list[Block], reply: Reply) -> Any:
    """Return what an example found where the page says something else."""
    if block.title == "refused":
        expected = (400, "services.storage.unexpected_bad_request")
        return None if (reply.status, reply.error_id) == expected else reply.json
    if reply.status != 200:
        return reply.json["error"]
    ids = [hit["_id"] for hit in reply.result["hits"]]
    if block.title == "asks":
        (answer,) = following
        assert answer.title == "answers"
        return None if is_shown(answer.value, reply.result) else reply.result
    said = block.title.removeprefix("finds ").removeprefix("in this order ").split(", ")
    assert block.title.startswith("finds ")
    if "in this order" not in block.title:
        ids, said = sorted(ids), [] if said == ["nothing"] else sorted(said)
    return None if ids == said else ids


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from names_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from names_in(part)


@pytest.mark.parametrize("clause", sorted(CLAUSE_NAMES))
def test_every_clause_has_a_section_with_an_example_and_its_options(clause: str) -> None:
    section = QUERIES[clause]
    assert any(clause in names_in(block.value) for block in read_blocks(section) if block.title.startswith("finds "))
    for option in CLAUSES[clause].all_options().keys() - {"boost", "_name"}:
        assert f"`{option}`" in section or f"`{option}:" in section, option


def test_the_page_has_no_clause_that_there_is_not() -> None:
    assert QUERIES.keys() == CLAUSE_NAMES


def test_every_aggregation_and_every_key_of_a_search_has_its_heading_and_stands_in_an_example() -> None:
    used = {name for block in EXAMPLES if block.title != "refused" for name in names_in(block.value)}
    headings = {name for title in read_sections(SECTIONS["Aggregations"], 3) for name in title.split(", ")}
    assert headings == AGGREGATION_NAMES
    assert used >= AGGREGATION_NAMES
    keys = {name for title in read_sections(SECTIONS["The search body"], 3) for name in title.split(", ")}
    assert keys == SEARCH_KEYS - {"aggs", "aggregations"}
