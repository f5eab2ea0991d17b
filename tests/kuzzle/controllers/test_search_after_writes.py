"""Whatever was written in whatever way, searches find what reading the documents one by one says they must."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from harness import Server, WebSocket
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

TARGET = {"index": "library", "collection": "books"}
MAPPING = {
    "properties": {
        "kind": {"type": "keyword"},
        "title": {"type": "text"},
        "year": {"type": "integer"},
        "place": {"type": "geo_point"},
        "in": {"properties": {"shelf": {"type": "keyword"}}},
    }
}
IDS = tuple(f"b{number}" for number in range(6))
WORDS = ("sea", "war", "love")
KINDS = ("novel", "poem")
YEARS = (1800, 1815, 1850)
PLACES = {"london": (51.5, -0.1), "paris": (48.9, 2.4), "oslo": (59.9, 10.8)}

CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.one_of(st.sampled_from(KINDS), st.lists(st.sampled_from(KINDS), max_size=2), st.none()),
        "title": st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
        "year": st.one_of(st.sampled_from(YEARS), st.none()),
        "place": st.sampled_from([{"lat": lat, "lon": lon} for lat, lon in PLACES.values()]),
        "in": st.fixed_dictionaries({}, optional={"shelf": st.sampled_from(["a", "b"])}),
        "other": st.sampled_from(WORDS),
    },
)
ID = st.sampled_from(IDS)
ENTRIES = st.lists(st.fixed_dictionaries({"_id": ID, "body": CONTENTS}), min_size=1, max_size=4)
QUERIES: list[dict[str, Any]] = [
    {"match_all": {}},
    *({"term": {"kind": kind}} for kind in KINDS),
    *({"match": {"title": word}} for word in WORDS),
    {"match": {"title": {"query": "sea love", "operator": "and"}}},
    {"match": {"other": "war"}},
    {"range": {"year": {"gte": 1815}}},
    {"range": {"year": {"gt": 1800, "lt": 1850}}},
    *({"exists": {"field": field}} for field in ("kind", "title", "year", "place", "in", "in.shelf", "other")),
    {"term": {"in.shelf": "a"}},
    {"geo_distance": {"distance": "500km", "place": {"lat": 51.5, "lon": -0.1}}},
    {"bool": {"must": {"exists": {"field": "year"}}, "must_not": {"term": {"kind": "poem"}}}},
    {"ids": {"values": list(IDS[:3])}},
]


# --- every way to write


def request(controller: str, action: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(controller), st.just(action), st.fixed_dictionaries(members))


def bulk_lines(entries: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    lines: list[Any] = []
    for action, document_id, content in entries:
        lines.append({action: {"_id": document_id}})
        if action != "delete":
            lines.append({"doc": content, "doc_as_upsert": len(content) % 2 == 0} if action == "update" else content)
    return {"bulkData": lines}


BULK = st.lists(
    st.tuples(st.sampled_from(["index", "create", "update", "delete"]), ID, CONTENTS), min_size=1, max_size=6
).map(bulk_lines)
WRITES = st.one_of(
    *(
        request("document", action, _id=ID, body=CONTENTS)
        for action in ("create", "createOrReplace", "replace", "update")
    ),
    request("document", "delete", _id=ID),
    *(
        request("document", action, body=ENTRIES.map(lambda entries: {"documents": entries}))
        for action in ("mCreate", "mCreateOrReplace", "mReplace", "mUpdate")
    ),
    request("document", "mDelete", body=st.lists(ID, max_size=3).map(lambda ids: {"ids": ids})),
    request("document", "deleteByQuery", body=st.sampled_from(QUERIES[1:]).map(lambda query: {"query": query})),
    request("bulk", "import", body=BULK),
    request("bulk", "write", _id=ID, body=CONTENTS),
    request("bulk", "mWrite", body=ENTRIES.map(lambda entries: {"documents": entries})),
    request("collection", "truncate"),
)


# --- the slow way to answer


def values(source: dict[str, Any], field: str) -> list[Any]:
    """All values of a field."""
    found: Any = source
    for name in field.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict) and field == "in":
        return list(found.values())
    found = found if isinstance(found, list) else [found]
    return [value for value in found if value is not None]


def words(source: dict[str, Any], field: str) -> set[str]:
    return {word for text in values(source, field) for word in text.split()}


def matches(query: dict[str, Any], document_id: str, source: dict[str, Any]) -> bool:
    """Tell whether a document matches one of the queries."""
    ((name, inner),) = query.items()
    match name:
        case "match_all":
            return True
        case "ids":
            return document_id in inner["values"]
        case "exists":
            return bool(values(source, inner["field"]))
        case "bool":
            must, must_not = inner["must"], inner["must_not"]
            return matches(must, document_id, source) and not matches(must_not, document_id, source)
        case "geo_distance":
            return any(kilometres(place) < 500 for place in values(source, "place"))
    ((field, wanted),) = inner.items()
    if name == "term":
        return wanted in values(source, field)
    if name == "range":
        compare = {"gte": int.__ge__, "gt": int.__gt__, "lt": int.__lt__}
        return any(all(compare[key](value, bound) for key, bound in wanted.items()) for value in values(source, field))
    if isinstance(wanted, dict):
        return set(wanted["query"].split()) <= words(source, field)
    return wanted in words(source, field)


def kilometres(place: dict[str, float]) -> float:
    """The distance from London, by the law of cosines."""
    lat, lon = map(math.radians, PLACES["london"])
    other_lat, other_lon = math.radians(place["lat"]), math.radians(place["lon"])
    cosine = math.sin(lat) * math.sin(other_lat) + math.cos(lat) * math.cos(other_lat) * math.cos(other_lon - lon)
    return 6371 * math.acos(min(1.0, cosine))


def is_visible(source: dict[str, Any]) -> bool:
    return source.get("_kuzzle_info", {}).get("active") is not False


# --- the proof


async def check(websocket: WebSocket) -> None:
    """Ask every query, and compare with what reading says."""
    read = (await websocket.request("document", "mGet", **TARGET, body={"ids": list(IDS)}))["result"]["hits"]
    there = {hit["_id"]: hit["_source"] for hit in read if hit["found"]}
    for query in QUERIES:
        for trash in (False, True):
            expected = {
                name: source
                for name, source in there.items()
                if matches(query, name, source) and (trash or is_visible(source))
            }
            body = {"query": query, "sort": [{"year": {"order": "desc"}}, {"_uid": "asc"}]}
            found = await websocket.request("document", "search", **TARGET, body=body, includeTrash=trash)
            assert found["status"] == 200, found
            hits = found["result"]["hits"]
            order = sorted(expected, key=lambda name: (-(expected[name].get("year") or -math.inf), name))
            assert [hit["_id"] for hit in hits] == order, query
            assert {hit["_id"]: hit["_source"] for hit in hits} == expected
            count = await websocket.request("document", "count", **TARGET, body={"query": query}, includeTrash=trash)
            assert (count["result"]["count"], found["result"]["total"]) == (len(expected), len(expected))


def steps(websocket: WebSocket, writes: list[Any]) -> Any:
    async def run() -> None:
        await websocket.request("index", "delete", index="library")
        await websocket.request("index", "create", index="library")
        await websocket.request("collection", "create", **TARGET, body=MAPPING)
        for position, (controller, action, members) in enumerate(writes):
            is_last = position == len(writes) - 1
            members = {**members, "refresh": "wait_for"} if is_last or position % 3 == 0 else members
            reply = await websocket.request(controller, action, **TARGET, **members)
            assert reply["status"] < 500, reply
            if "refresh" in members:
                if reply["status"] not in (200, 206):  # a write that is refused refreshes nothing
                    await websocket.request("index", "refresh", index="library")
                await check(websocket)

    return run


def test_searches_agree_with_what_reading_says_after_any_writes(io_loop: Any, tmp_path: Path) -> None:
    server = Server(tmp_path, {"storage": {"refreshInterval": 600_000, "sqlite": {"durability": "normal"}}})
    io_loop.run_sync(server.start)

    try:
        websocket = io_loop.run_sync(server.websocket)

        @settings(
            max_examples=25,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(writes=st.lists(WRITES, min_size=1, max_size=9))
        def prove(writes: list[Any]) -> None:
            io_loop.run_sync(steps(websocket, writes))

        prove()
    finally:
        io_loop.run_sync(server.stop)
