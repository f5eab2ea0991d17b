"""How an HTTP request becomes an envelope: path, query string, headers, body."""

from __future__ import annotations

import json
import re

import pytest
from web_stage import HttpClient, WebStage

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def look(path: str, verb: str = "GET", body: object = None, **headers: str) -> dict[str, object]:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send(verb, path, body, **headers)
        assert envelope["status"] == 200, envelope
        result: dict[str, object] = envelope["result"]
        return result


async def test_the_path_names_index_collection_and_document() -> None:
    seen = await look("/_probe/library/books/42")
    assert seen == {"controller": "probe", "action": "look", "index": "library", "collection": "books", "_id": "42"}


async def test_the_path_wins_over_the_query_string() -> None:
    seen = await look("/_probe/library/books/42?index=other&_id=7")
    assert (seen["index"], seen["_id"]) == ("library", "42")


async def test_index_collection_and_id_may_come_by_query_string() -> None:
    seen = await look("/_probe?index=library&collection=books&_id=42")
    assert (seen["index"], seen["collection"], seen["_id"]) == ("library", "books", "42")


async def test_the_query_string_never_changes_the_action() -> None:
    seen = await look("/_probe?controller=server&action=info")
    assert (seen["controller"], seen["action"]) == ("probe", "look")


async def test_neither_body_nor_time_nor_request_id_come_by_query_string() -> None:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send("GET", "/_probe?body=x&timestamp=1&requestId=mine")
        assert envelope["status"] == 200
        assert UUID.fullmatch(envelope["requestId"])
        assert envelope["requestId"] == stage.funnel.requests[0].connection.id
        assert stage.funnel.requests[0].id == envelope["requestId"]
        assert "body" not in envelope["result"]
        assert "timestamp" not in envelope["result"]


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("size=12", "size", 12),
        ("size=many", "size", "many"),
        ("ratio=0.5", "ratio", 0.5),
        ("silent", "silent", True),
        ("silent=", "silent", True),
        ("silent=false", "silent", True),
        ("keys=a&keys=b", "keys", ["a", "b"]),
        ("keys=a,b", "keys", ["a", "b"]),
        ("keys=a%2Cb", "keys", ["a", "b"]),
        ("other=12", "other", "12"),
        ("other=1&other=2", "other", ["1", "2"]),
        ("other", "other", ""),
        ("other=", "other", ""),
        ("other=a+b%20c", "other", "a b c"),
        ("other=caf%C3%A9", "other", "café"),
        ("caf%C3%A9=1", "café", "1"),
    ],
)
async def test_texts_of_the_query_string_get_the_types_of_the_arguments(query: str, name: str, value: object) -> None:
    assert (await look(f"/_probe?{query}"))[name] == value


async def test_an_absent_flag_is_no_argument() -> None:
    assert "silent" not in await look("/_probe?size=1")


async def test_a_bearer_token_becomes_the_jwt() -> None:
    assert (await look("/_probe", authorization="Bearer some.token"))["jwt"] == "some.token"


@pytest.mark.parametrize("header", ["bearer some.token", "Basic dXNlcjpwdw==", "some.token"])
async def test_another_scheme_is_no_token(header: str) -> None:
    assert "jwt" not in await look("/_probe", Authorization=header)


async def test_a_token_in_the_query_string_wins_over_the_header() -> None:
    assert (await look("/_probe?jwt=one", Authorization="Bearer two"))["jwt"] == "one"


async def test_volatile_data_comes_as_json_in_a_header() -> None:
    async with WebStage() as stage:
        volatile = json.dumps({"who": "é"}, ensure_ascii=False).encode().decode("latin-1")
        _, _, envelope = await HttpClient(stage.port).send("GET", "/_probe", X_KUZZLE_VOLATILE=volatile)
        assert envelope["volatile"] == {"who": "é"}


async def test_a_malformed_volatile_header_is_refused_in_an_envelope() -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send(
            "GET", "/_probe/library/books/42", x_kuzzle_volatile="{oops"
        )
        assert status == envelope["status"] == 400
        assert envelope["error"]["id"] == "network.http.volatile_parse_failed"
        assert (envelope["controller"], envelope["action"]) == (None, None)
        assert (envelope["index"], envelope["collection"]) == ("library", "books")


@pytest.mark.parametrize(
    ("query", "member", "kind"),
    [("volatile=x", "volatile", "object"), ("index=a&index=b", "index", "string"), ("jwt=a&jwt=b", "jwt", "string")],
)
async def test_a_member_of_the_wrong_type_is_refused_in_an_envelope(query: str, member: str, kind: str) -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send("GET", f"/_probe?{query}")
        assert status == 400
        assert envelope["error"] == {"message": f'Attribute {member} must be of type "{kind}"', "status": 400}
        assert (envelope["controller"], envelope["action"]) == ("probe", "look")
        assert UUID.fullmatch(envelope["requestId"])
        assert stage.funnel.requests == []


async def test_volatile_json_that_is_no_object_is_refused() -> None:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send("GET", "/_probe", x_kuzzle_volatile="12")
        assert envelope["error"]["message"] == 'Attribute volatile must be of type "object"'


async def test_each_request_is_a_connection_of_its_own() -> None:
    async with WebStage() as stage:
        client = HttpClient(stage.port)
        ids = {(await client.send("GET", "/_probe"))[2]["requestId"] for _ in range(2)}
        assert len(ids) == 2
        assert set(stage.removed) == ids
        assert stage.entrypoint.connection_counts == {}


async def test_the_connection_shows_addresses_headers_and_protocol() -> None:
    async with WebStage() as stage:
        await HttpClient(stage.port).send("GET", "/_probe?a=1", x_forwarded_for="10.0.0.1, 10.0.0.2", User_Agent="me")
        connection = stage.funnel.requests[0].connection
        assert connection.ips[0] in ("127.0.0.1", "::1")
        assert connection.ips[1:] == ("10.0.0.1", "10.0.0.2")
        assert connection.protocol == "http"
        assert connection.headers["user-agent"] == "me"
        assert connection.headers.get("referer") is None
        assert "x-forwarded-for" in set(connection.headers)
        assert connection.request_line == "GET /_probe?a=1 HTTP/1.1"


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_verb_may_carry_a_body(verb: str) -> None:
    assert (await look("/_probe/library/books/42", verb, {"query": {}}))["body"] == {"query": {}}
