"""The actions of `security` on profiles, over HTTP and WebSocket."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Reply, Server
from plain_rights import role_of

CLERK: dict[str, Any] = {
    "policies": [
        {"roleId": "default", "restrictedTo": [{"index": "library", "collections": ["books", "people"]}]},
        {"roleId": "reader", "restrictedTo": [{"index": "shop"}]},
    ]
}
ANYBODY = {"policies": [{"roleId": "anonymous"}]}


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


async def prepare(server: Server) -> None:
    await server.http("PUT", "/roles/reader", role_of({"document": {"get": True, "delete": False}}))


async def test_a_new_server_has_a_profile_for_each_role(server: Server) -> None:
    found = (await server.http("POST", "/profiles/_search")).result
    assert sorted(hit["_id"] for hit in found["hits"]) == ["admin", "anonymous", "default"]
    for hit in found["hits"]:
        assert hit["_source"]["policies"] == [{"roleId": hit["_id"]}]


async def test_a_profile_is_created_once_and_read(server: Server) -> None:
    await prepare(server)
    created = (await server.http("POST", "/profiles/clerk/_create", {**CLERK, "note": "mine"})).result
    assert created["_source"] == {**CLERK, "note": "mine", "_kuzzle_info": created["_meta"]}
    websocket = await server.websocket()
    assert (await websocket.request("security", "getProfile", _id="clerk"))["result"] == created
    assert refusal(await server.http("POST", "/profiles/clerk/_create", CLERK)) == (
        400,
        "services.storage.document_already_exists",
    )
    assert refusal(await server.http("GET", "/profiles/nobody")) == (404, "security.profile.not_found")


async def test_a_profile_without_policies_has_the_default_role(server: Server) -> None:
    for verb, path in (("POST", "/profiles/plain/_create"), ("PUT", "/profiles/plain")):
        created = (await server.http(verb, path, {"policies": []})).result
        assert created["_source"]["policies"] == [{"roleId": "default"}]
    await prepare(server)
    await server.http("PUT", "/profiles/plain", CLERK)
    updated = (await server.http("PUT", "/profiles/plain/_update", {"policies": []})).result
    assert updated["_source"]["policies"] == [{"roleId": "default"}]


async def test_an_update_keeps_what_it_does_not_name(server: Server) -> None:
    await prepare(server)
    await server.http("PUT", "/profiles/clerk", {**CLERK, "note": "mine"})
    updated = (await server.http("PUT", "/profiles/clerk/_update", {"note": "yours", "of": {"a": 1}})).result
    assert (updated["_source"]["note"], updated["_source"]["policies"]) == ("yours", CLERK["policies"])
    assert updated["_meta"].keys() == {"author", "createdAt", "updatedAt", "updater"}
    updated = (await server.http("PUT", "/profiles/clerk/_update", {"of": {"b": 1}})).result
    assert updated["_source"]["of"] == {"b": 1}, "a member changes whole"
    updated = (await server.http("PUT", "/profiles/clerk/_update", {"policies": [{"roleId": "reader"}]})).result
    assert (updated["_source"]["note"], updated["_source"]["policies"]) == ("yours", [{"roleId": "reader"}])
    assert refusal(await server.http("PUT", "/profiles/no/_update", {})) == (404, "security.profile.not_found")


@pytest.mark.parametrize(
    ("policies", "error_id", "text"),
    [
        (None, "api.assert.missing_argument", "policies"),
        ("admin", "api.assert.invalid_type", "policies"),
        (["admin"], "api.assert.invalid_type", "policies[0]"),
        ([{}], "api.assert.missing_argument", "policies[0].roleId"),
        ([{"roleId": 1}], "api.assert.invalid_type", "policies[0].roleId"),
        ([{"roleId": ""}], "api.assert.invalid_type", "policies[0].roleId"),
        ([{"roleId": "admin", "allow": 1}], "api.assert.unexpected_argument", "policies[0].allow"),
        ([{"roleId": "admin", "restrictedTo": {}}], "api.assert.invalid_type", "policies[0].restrictedTo"),
        ([{"roleId": "admin", "restrictedTo": ["a"]}], "api.assert.invalid_type", "restrictedTo[0]"),
        ([{"roleId": "admin", "restrictedTo": [{}]}], "api.assert.missing_argument", "restrictedTo[0].index"),
        ([{"roleId": "admin", "restrictedTo": [{"index": ""}]}], "api.assert.invalid_type", "restrictedTo[0].index"),
        (
            [{"roleId": "admin"}, {"roleId": "admin", "restrictedTo": [{"index": "a", "foo": 1}]}],
            "api.assert.unexpected_argument",
            "policies[1].restrictedTo[0].foo",
        ),
        (
            [{"roleId": "admin", "restrictedTo": [{"index": "a", "collections": "b"}]}],
            "api.assert.invalid_type",
            "restrictedTo[0].collections",
        ),
        (
            [{"roleId": "admin", "restrictedTo": [{"index": "a", "collections": ["b", ""]}]}],
            "api.assert.invalid_type",
            "restrictedTo[0].collections[1]",
        ),
    ],
)
async def test_what_is_no_profile_is_refused(server: Server, policies: Any, error_id: str, text: str) -> None:
    for verb, path in (("POST", "/profiles/clerk/_create"), ("PUT", "/profiles/clerk")):
        reply = await server.http(verb, path, {"policies": policies})
        assert refusal(reply) == (400, error_id)
        assert text in reply.json["error"]["message"]
    if policies is not None:
        assert (await server.http("PUT", "/profiles/default/_update", {"policies": policies})).error_id == error_id
    assert refusal(await server.http("GET", "/profiles/clerk")) == (404, "security.profile.not_found")


async def test_a_profile_names_roles_that_exist(server: Server) -> None:
    for verb, path in (("POST", "/profiles/p/_create"), ("PUT", "/profiles/p"), ("PUT", "/profiles/default/_update")):
        reply = await server.http(verb, path, {"policies": [{"roleId": "reader"}]})
        assert refusal(reply) == (404, "security.role.not_found")
        assert '"reader"' in reply.json["error"]["message"]


async def test_the_anonymous_profile_keeps_its_role(server: Server) -> None:
    for path in ("/profiles/anonymous", "/profiles/anonymous/_update"):
        reply = await server.http("PUT", path, {"policies": [{"roleId": "default"}]})
        assert refusal(reply) == (400, "security.profile.missing_anonymous_role")
    policies = [{"roleId": "default"}, {"roleId": "anonymous"}]
    assert (await server.http("PUT", "/profiles/anonymous", {"policies": policies})).status == 200


async def test_an_id_with_an_underscore_is_refused(server: Server) -> None:
    for verb, path in (("POST", "/profiles/_p/_create"), ("PUT", "/profiles/_p")):
        assert refusal(await server.http(verb, path, ANYBODY)) == (400, "api.assert.invalid_id")


async def test_a_restriction_is_in_force_at_once_on_each_place(server: Server) -> None:
    await server.prepare()
    await server.http("PUT", "/library/people")
    websocket = await server.websocket()
    profile = {
        "policies": [{"roleId": "anonymous", "restrictedTo": [{"index": "library", "collections": ["books"]}]}],
    }
    await websocket.request("security", "createOrReplaceProfile", _id="anonymous", body=profile)

    async def status(collection: str, index: str = "library") -> int:
        reply = await websocket.request("document", "count", index=index, collection=collection)
        return int(reply["status"])

    assert await status("books") == 200
    assert await status("people") == 401
    assert await status("books", "shop") == 401
    assert (await websocket.request("index", "list"))["status"] == 200
    reply = await server.http("POST", "/library/people/_count", {})
    assert refusal(reply) == (401, "security.rights.unauthorized")
    await websocket.request("security", "createOrReplaceProfile", _id="anonymous", body=ANYBODY)
    assert await status("people") == 200


async def test_several_indexes_are_deleted_only_where_the_user_may(server: Server) -> None:
    for index in ("library", "shop"):
        await server.http("POST", f"/{index}/_create")
    profile = {"policies": [{"roleId": "anonymous", "restrictedTo": [{"index": "shop"}]}]}
    await server.http("PUT", "/profiles/anonymous", profile)
    reply = await server.http("DELETE", "/_mdelete", {"indexes": ["library", "shop"]})
    assert reply.result == {"deleted": ["shop"]}


async def test_several_profiles_are_read_and_unknown_ids_passed_over(server: Server) -> None:
    reply = await server.http("POST", "/profiles/_mGet", {"ids": ["default", "no", "admin"]})
    assert [hit["_id"] for hit in reply.result["hits"]] == ["default", "admin"]
    assert reply.result["total"] == 2


async def test_profiles_are_found_by_their_roles_and_scrolled(server: Server) -> None:
    await prepare(server)
    await server.http("PUT", "/profiles/clerk", CLERK)

    async def ids(**body: Any) -> list[str]:
        found = (await server.http("POST", "/profiles/_search", body)).result
        assert found["total"] == len(found["hits"])
        return sorted(hit["_id"] for hit in found["hits"])

    assert await ids(roles=["reader"]) == ["clerk"]
    assert await ids(roles=["reader", "admin"]) == ["admin", "clerk"]
    assert await ids(roles=["no"]) == []
    assert await ids(roles=[]) == ["admin", "anonymous", "clerk", "default"]
    first = (await server.http("POST", "/profiles/_search?scroll=1m&size=3")).result
    second = (await server.http("GET", f"/profiles/_scroll/{first['scrollId']}")).result
    found = [hit["_id"] for hit in first["hits"] + second["hits"]]
    assert (len(first["hits"]), sorted(found)) == (3, ["admin", "anonymous", "clerk", "default"])
    assert (await server.http("GET", f"/profiles/_scroll/{second['scrollId']}")).result["hits"] == []
    assert refusal(await server.http("GET", "/profiles/_scroll/no")) == (404, "services.storage.unknown_scroll_id")


async def test_a_scroll_of_securities_is_none_of_documents_and_the_other_way_round(server: Server) -> None:
    await server.prepare()
    await server.http("POST", "/library/books/_create", {"title": "Emma"})
    profiles = (await server.http("POST", "/profiles/_search?scroll=1m&size=1")).result["scrollId"]
    documents = (await server.http("POST", "/library/books/_search?scroll=1m&size=1", {})).result["scrollId"]
    for path in (f"/_scroll/{profiles}", f"/profiles/_scroll/{documents}"):
        assert refusal(await server.http("GET", path)) == (404, "services.storage.unknown_scroll_id")
    assert (await server.http("GET", f"/profiles/_scroll/{profiles}")).status == 200
    assert (await server.http("GET", f"/_scroll/{documents}")).status == 200


async def test_the_rights_of_a_profile_are_listed_in_the_order_they_were_written(server: Server) -> None:
    await server.http("PUT", "/roles/reader", role_of({"server": {"now": True}, "document": {"get": True, "*": False}}))
    policies = [
        {"roleId": "reader", "restrictedTo": [{"index": "z", "collections": ["b", "a"]}, {"index": "a"}]},
        {"roleId": "default"},
    ]
    await server.http("PUT", "/profiles/clerk", {"policies": policies})
    rights = (await server.http("GET", "/profiles/clerk/_rights")).result
    listed = [tuple(right.values()) for right in rights["hits"]]
    assert rights["total"] == 10
    assert listed == [
        (controller, action, index, collection, value)
        for controller, action, value in (
            ("server", "now", "allowed"),
            ("document", "get", "allowed"),
            ("document", "*", "denied"),
        )
        for index, collection in (("z", "b"), ("z", "a"), ("a", "*"))
    ] + [("*", "*", "*", "*", "allowed")]
    assert refusal(await server.http("GET", "/profiles/no/_rights")) == (404, "security.profile.not_found")


async def test_a_profile_is_deleted_unless_it_is_protected(server: Server) -> None:
    await server.http("PUT", "/profiles/clerk", ANYBODY)
    assert (await server.http("DELETE", "/profiles/clerk")).result == {"_id": "clerk"}
    assert refusal(await server.http("DELETE", "/profiles/clerk")) == (404, "security.profile.not_found")
    for name in ("admin", "default", "anonymous"):
        assert refusal(await server.http("DELETE", f"/profiles/{name}")) == (400, "security.profile.cannot_delete")
    reply = await server.http("POST", "/profiles/_mDelete", {"ids": ["admin", "no"]})
    assert refusal(reply) == (206, "services.storage.incomplete_delete")
    assert reply.result == []


async def test_the_mapping_of_profiles_is_read_and_extended(server: Server) -> None:
    before = (await server.http("GET", "/profiles/_mapping")).result["mapping"]
    assert before == {"policies": {"properties": {"roleId": {"type": "keyword"}}}}
    await server.http("PUT", "/profiles/_mapping", {"properties": {"note": {"type": "keyword"}}})
    after = (await server.http("GET", "/profiles/_mapping")).result["mapping"]
    assert after == {**before, "note": {"type": "keyword"}}
    reply = await server.http("PUT", "/profiles/_mapping", {})
    assert refusal(reply) == (400, "api.assert.missing_argument")
