"""Kuzzle's official JavaScript SDK manages roles, profiles and users, and closes the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from node import node
from people import CHEAP_PASSWORDS

READER = {"document": {"actions": {"get": True}}}
BOTH = {"document": {"actions": {"get": True, "search": True}}}


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


@pytest.mark.parametrize("protocol", ["http", "websocket"])
async def test_the_sdk_manages_people_and_closes_the_server(server: Server, protocol: str) -> None:
    (seen,) = await node("sdk_security.js", protocol, str(server.port(protocol)))
    check_roles(seen)
    check_profiles(seen)
    check_users(seen)
    check_closing(seen)


def check_roles(seen: dict[str, Any]) -> None:
    assert seen["role"] == {"id": "reader", "controllers": READER}
    assert seen["roleUpdated"] == seen["roleRead"] == BOTH
    assert seen["roles"] == ["reader", "default"]
    assert seen["rolesFound"] == ["admin", "anonymous", "default", "reader"]


def check_profiles(seen: dict[str, Any]) -> None:
    assert seen["profile"] == {
        "id": "readers",
        "policies": [{"roleId": "reader", "restrictedTo": [{"index": "library"}]}],
    }
    assert seen["profileRoles"] == ["reader"]
    place = {"index": "library", "collection": "*", "value": "allowed"}
    assert seen["profileRights"] == [
        {"controller": "document", "action": "get", **place},
        {"controller": "document", "action": "search", **place},
    ]
    assert seen["profilesFound"] == ["readers"]


def check_users(seen: dict[str, Any]) -> None:
    assert seen["user"]["id"] == "ada"
    assert seen["user"]["content"]["profileIds"] == ["readers"]
    assert seen["user"]["content"]["born"] == 1815
    assert seen["restricted"] == ["default"]
    assert (seen["updated"], seen["replaced"]) == ("Ada", "Grace")
    assert seen["userProfiles"] == ["readers"]
    assert seen["usersFound"] == ["ada"]
    assert seen["userRights"] == 2
    assert seen["mapping"]["born"] == {"type": "long"}
    assert sorted(name for page in seen["pages"] for name in page) == ["ada", "grace"]


def check_closing(seen: dict[str, Any]) -> None:
    assert seen["admin"] == ["admin"]
    assert (seen["denied"]["status"], seen["denied"]["id"]) == (401, "security.rights.unauthorized")
    assert seen["token"] == 3
    assert seen["me"] == "root"
    assert seen["myRights"] == [
        {"controller": "*", "action": "*", "index": "*", "collection": "*", "value": "allowed"},
    ]
    assert (seen["inUse"]["status"], seen["inUse"]["id"]) == (412, "security.profile.in_use")
    assert seen["usersDeleted"] == ["ada", "grace"]
    assert (seen["profileDeleted"]["_id"], seen["roleDeleted"]["_id"]) == ("readers", "reader")
    assert (seen["missing"]["status"], seen["missing"]["id"]) == (404, "services.storage.not_found")
    assert (seen["protected"]["status"], seen["protected"]["id"]) == (400, "security.role.cannot_delete")
