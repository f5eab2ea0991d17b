"""An application written for Kuzzle and Elasticsearch, with the unmodified SDK: the day of a bookshop.

tests/clients/sdk_bookshop.js is the application; what it must see stands here.
"""

from __future__ import annotations

from typing import Any

from harness import Server
from node import node


async def test_an_application_written_for_kuzzle_and_elasticsearch_runs_as_it_is(server: Server) -> None:
    (seen,) = await node("sdk_bookshop.js", str(server.port("websocket")))
    check_opening(seen["open"])
    check_stock(seen["stock"])
    check_browsing(seen["browse"])
    check_sales(seen["sell"])
    check_content(seen["check"])
    check_closing(seen["close"])


def check_opening(seen: dict[str, Any]) -> None:
    mapping = seen["mapping"]
    assert (mapping["dynamic"], mapping["_meta"]) == ("strict", {"team": "catalogue"})
    assert mapping["properties"]["title"] == {"type": "text", "fields": {"raw": {"type": "keyword"}}}
    assert mapping["properties"]["reviews"]["type"] == "nested"
    assert seen["again"] == 400
    assert (seen["changed"]["status"], seen["changed"]["id"]) == (400, "services.storage.cannot_change_mapping")


def check_stock(seen: dict[str, Any]) -> None:
    assert (seen["partial"]["status"], seen["partial"]["id"]) == (206, "services.storage.import_failed")
    assert seen["count"] == 5


def check_browsing(seen: dict[str, Any]) -> None:
    assert seen["stemmed"] == [
        ["emma", "A young woman is <em>matching</em> her friends."],
        ["lamia", "A serpent and the <em>match</em> of a philosopher."],
        ["persuasion", "Eight years later they <em>match</em> again."],
    ]
    assert seen["near"] == ["lamia", "don", "persuasion", "emma"]
    genres = {bucket["key"]: bucket for bucket in seen["facets"]["genres"]["buckets"]}
    assert {name: bucket["doc_count"] for name, bucket in genres.items()} == {"novel": 2, "poem": 1}
    assert genres["novel"]["cheapest"]["value"] == 8.25
    years = {bucket["key_as_string"]: bucket["doc_count"] for bucket in seen["facets"]["years"]["buckets"]}
    assert years == {"1815": 1, "1816": 0, "1817": 1, "1818": 0, "1819": 1}
    assert seen["praised"] == ["emma"]
    assert seen["pages"] == [["don", "waverley"], ["emma", "persuasion"], ["lamia"]]
    assert seen["slim"] == ["price", "title"]
    assert (seen["wrong"]["status"], seen["wrong"]["id"]) == (400, "services.storage.unexpected_bad_request")
    assert "matches" in seen["wrong"]["message"]


def check_sales(seen: dict[str, Any]) -> None:
    assert sorted(seen["versions"]) == [2, 3, 4, 5]
    assert ["update", "in", "lamia"] in seen["scarce"]
    assert (seen["gone"]["status"], seen["gone"]["id"]) == (404, "services.storage.not_found")
    assert seen["left"] == 4


def check_content(seen: dict[str, Any]) -> None:
    assert seen["verdict"]["valid"] is False
    assert {"title", "price"} <= seen["verdict"]["errorMessages"]["fieldScope"]["children"].keys()
    assert seen["stock"] == 1
    assert (seen["cheap"]["status"], seen["cheap"]["id"]) == (400, "validation.check.failed_field")
    assert (seen["unknown"]["status"], seen["unknown"]["id"]) == (400, "services.storage.unexpected_bad_request")
    assert "strict" in seen["unknown"]["message"]


def check_closing(seen: dict[str, Any]) -> None:
    assert seen["cut"] == 2
    assert seen["old"] == ["waverley"]
    assert seen["cheap"] == ["emma", "kim"]
    assert (seen["left"], seen["exists"]) == (0, False)
