"""The works of the data benchmarks: what is asked of our server, by the name that the peers know them by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from data_content import COMMON_WORD, TENTH_WORD, documents

INDEX, COLLECTION = "library", "books"
# A page, as clients show one.
PAGE = 20
# Documents of one import: what fits into the default maxRequestSize.
IMPORTED_AT_ONCE = 2_000

Question = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """One kind of request.

    Attributes:
        name: By which the peers know it.
        title: Shown in the table.
        text: The request that asks one question, as JSON.
        peers: Who does the same work.
        clients: Connections, each of which waits for its answer before it asks again.
        target_ms: The most CPU time that it may cost on 100,000 documents; None where no target is set.
        units: How many documents one request is about.
    """

    name: str
    title: str
    text: Callable[[Question], str]
    peers: tuple[str, ...] = ()
    clients: int = 1
    target_ms: float | None = None
    units: int = 1


def request(controller: str, action: str, **members: Any) -> str:
    """The text of a request."""
    return json.dumps({"controller": controller, "action": action, **members})


def about_documents(action: str, controller: str = "document", **members: Any) -> str:
    """The text of a request about the collection of all benchmarks."""
    return request(controller, action, index=INDEX, collection=COLLECTION, **members)


def search(title: str, body: Callable[[Question], dict[str, Any]], name: str, **options: Any) -> Work:
    """A search for one page."""
    return Work(name, title, lambda asked: about_documents("search", body=body(asked), size=PAGE), **options)


def filters(*clauses: dict[str, Any]) -> dict[str, Any]:
    """The body of a search by conditions that all hold."""
    return {"query": {"bool": {"filter": list(clauses)}}}


def _page_of(asked: Question) -> dict[str, Any]:
    return filters(
        {"term": {"city": asked["city"]}},
        {"range": {"price": {"gte": asked["low"], "lt": asked["high"]}}},
        {"term": {"isAvailable": True}},
    )


def _wide_page_of(asked: Question) -> dict[str, Any]:
    return filters(
        {"term": {"category": asked["category"]}},
        {"range": {"price": {"gte": asked["low"], "lt": asked["near"]}}},
    )


def _text(word: str) -> Callable[[Question], dict[str, Any]]:
    return lambda _: {"query": {"match": {"description": word}}}


BY_PRICE = [{"price": "asc"}]
ALL_PEERS = ("sqlite", "duckdb", "tantivy")

READS = (
    search("page of 20: city, half of all prices, available", _page_of, "page", peers=ALL_PEERS, target_ms=5),
    search(
        "page of 20: a tenth by category, a tenth by price", _wide_page_of, "wide_page", peers=ALL_PEERS, target_ms=5
    ),
    search("full text: a word that a tenth has", _text(TENTH_WORD), "text", peers=("sqlite", "tantivy"), target_ms=30),
    search(
        "first page of all, sorted",
        lambda _: {"sort": BY_PRICE},
        "sorted",
        peers=("sqlite", "duckdb"),
    ),
    search(
        "page of a category (a tenth), sorted",
        lambda asked: {**filters({"term": {"category": asked["category"]}}), "sort": BY_PRICE},
        "sorted_part",
        peers=("sqlite", "duckdb"),
    ),
    search(
        "terms of 200 cities",
        lambda _: {"aggs": {"cities": {"terms": {"field": "city", "size": 200}}}},
        "terms",
        peers=ALL_PEERS,
    ),
    search(
        "terms of 200 cities in a category (a tenth)",
        lambda asked: {
            **filters({"term": {"category": asked["category"]}}),
            "aggs": {"cities": {"terms": {"field": "city", "size": 200}}},
        },
        "terms_part",
        peers=ALL_PEERS,
    ),
)

GROWTH = (
    search("full text: a word that nine tenths have", _text(COMMON_WORD), "text_common", peers=("sqlite", "tantivy")),
    search(
        "full text: one of two words",
        lambda asked: {"query": {"match": {"description": f"{TENTH_WORD} {asked['word']}"}}},
        "text_two",
    ),
    search(
        "phrase: two words, up to two others between (a tenth)",
        lambda _: {"query": {"match_phrase": {"description": {"query": f"{TENTH_WORD} {COMMON_WORD}", "slop": 2}}}},
        "phrase",
        peers=("tantivy",),
    ),
    search(
        "page after a price and a _uid",
        lambda asked: {
            "sort": [{"price": "asc"}, {"_uid": "asc"}],
            "search_after": [asked["low"], f"{COLLECTION}#d5"],
        },
        "after",
    ),
    Work(
        "deep",
        "page from 9,000 on, sorted",
        lambda _: about_documents("search", body={"sort": BY_PRICE, "from": 9_000, "size": PAGE}),
    ),
    Work("count", "count of all", lambda _: about_documents("count", body={})),
    Work(
        "count_part",
        "count of a category (a tenth)",
        lambda asked: about_documents("count", body={"query": {"term": {"category": asked["category"]}}}),
    ),
    search(
        "wildcard *123*: a unique field",
        lambda asked: {"query": {"wildcard": {"code": f"*{asked['code']}*"}}},
        "wildcard",
    ),
    search(
        "wildcard *_01*: a field of 200 values", lambda _: {"query": {"wildcard": {"city": "*_01*"}}}, "wildcard_few"
    ),
    search("documents that have a field", lambda _: {"query": {"exists": {"field": "rating"}}}, "exists"),
)


def creates(first: int, count: int) -> Iterator[str]:
    """Requests that store a document each."""
    for body in documents(first, count):
        yield about_documents("create", body=body)


def batch(first: int, count: int) -> str:
    """A request that stores documents by mCreate."""
    return about_documents("mCreate", body={"documents": [{"body": body} for body in documents(first, count)]})


def imported(first: int, count: int, *, with_ids: bool = True) -> str:
    """A request that stores documents by bulk:import."""
    lines: list[dict[str, Any]] = []
    for number, body in enumerate(documents(first, count), first):
        lines += ({"index": {"_id": f"d{number}"} if with_ids else {}}, body)
    return about_documents("import", "bulk", body={"bulkData": lines})
