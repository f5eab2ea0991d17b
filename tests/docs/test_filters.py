"""The page on filters: it has every keyword, and its examples are heard of, or not, as it says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from documentation import DOCS, read_sections
from harness import Server

from kuzzle.realtime.filters import KEYWORDS

TEXT = (DOCS / "filters.md").read_text()
KEYWORD_SECTIONS = {
    name: text
    for chapter in ("Values", "Places", "Putting filters together")
    for name, text in read_sections(read_sections(TEXT, 2)[chapter], 3).items()
}


class Example(NamedTuple):
    """A line of a table; a content that the line leaves out is None."""

    filter: dict[str, Any]
    match: dict[str, Any] | None
    other: dict[str, Any] | None


def examples(text: str) -> Iterator[Example]:
    for line in re.findall(r"^\| `.*$", text, re.MULTILINE):
        filters, *contents = (json.loads(cell.strip(" `") or "null") for cell in line.strip("|").split("|"))
        yield Example(filters, *contents)


def keywords_in(filters: Any) -> Iterator[str]:
    ((keyword, body),) = filters.items()
    yield keyword
    inner: list[Any] = []
    if keyword in ("and", "or"):
        inner = body
    elif keyword == "not":
        inner = [body]
    elif keyword == "bool":
        inner = [part for parts in body.values() for part in parts]
    for part in inner:
        yield from keywords_in(part)


def test_the_page_has_the_keywords_that_there_are() -> None:
    assert KEYWORD_SECTIONS.keys() == KEYWORDS


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_every_keyword_has_an_example_of_what_it_matches_and_of_what_not(keyword: str) -> None:
    own = [each for each in examples(KEYWORD_SECTIONS[keyword]) if keyword in keywords_in(each.filter)]
    assert any(each.match is not None for each in own)
    assert any(each.other is not None for each in own)


async def test_subscribers_hear_what_the_page_says(server: Server) -> None:
    await server.prepare()
    rows = list(examples(TEXT))
    assert len(rows) > len(KEYWORDS)
    websocket = await server.websocket()
    place = {"index": "library", "collection": "books"}
    # Every line has a subscription of its own: a channel is told apart by what volatile data cannot change.
    channels = []
    for row in rows:
        answer = await websocket.request("realtime", "subscribe", **place, body=row.filter)
        assert answer["status"] == 200, (row.filter, answer)
        channels.append(answer["result"]["channel"])
    everything = (await websocket.request("realtime", "subscribe", **place, body={}, state="done"))["result"]["channel"]
    for number, row in enumerate(rows):
        for kind, content in (("match", row.match), ("other", row.other)):
            if content is not None:
                body = {name: value for name, value in content.items() if name != "_id"}
                document_id = content.get("_id", f"{number}")
                volatile = {"row": number, "kind": kind}
                await websocket.request("realtime", "publish", **place, _id=document_id, body=body, volatile=volatile)
    last = await websocket.request("realtime", "publish", **place, body={}, volatile={"row": -1})
    assert last["status"] == 200
    heard: set[tuple[str, int, str]] = set()
    while True:
        notification = await asyncio.wait_for(websocket.notifications.get(), 30)
        row, kind = notification["volatile"]["row"], notification["volatile"].get("kind")
        if row == -1 and notification["room"] == everything:
            break
        heard.add((notification["room"], row, kind))
    for number, (row, channel) in enumerate(zip(rows, channels, strict=True)):
        is_heard = [(channel, number, kind) in heard for kind in ("match", "other")]
        assert is_heard == [row.match is not None, False], row
