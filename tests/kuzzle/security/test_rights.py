"""Which profiles may run which actions, and where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_rights import is_allowed, rights_of, role_of

from kuzzle.security.rights import MAX_TABLES, Rights
from kuzzle.security.users import ANONYMOUS, User

ROLES = {
    "reader": role_of({"document": {"get": True, "search": True}, "server": {"*": True, "getConfig": False}}),
    "guest": role_of({"*": {"info": True}, "document": {"get": False}}),
    "keeper": role_of({"ms": {"get": True}}),
    "other keeper": role_of({"memoryStorage": {"set": True}}),
    "conditional": role_of({"document": {"get": {"test": "return true"}, "*": True}}),
}


@pytest.mark.parametrize(
    ("profiles", "controller", "action", "allowed"),
    [
        (("reader",), "document", "get", True),
        (("reader",), "document", "create", False),
        (("reader",), "server", "now", True),
        (("reader",), "server", "getConfig", False),
        (("reader",), "unknown", "get", False),
        (("guest",), "server", "info", True),
        (("guest",), "document", "info", False),  # an exact controller hides the entry for all others
        (("guest", "reader"), "document", "get", True),  # a denial never beats an allowance
        (("nobody",), "server", "info", False),
        ((), "server", "info", False),
        (("reader",), None, None, False),
        (("keeper",), "memoryStorage", "get", True),  # two names of one controller
        (("keeper",), "ms", "get", True),
        (("other keeper",), "ms", "set", True),
        (("other keeper",), "ms", "get", False),
        (("conditional",), "document", "get", False),  # a condition that is met in the store denies
        (("conditional",), "document", "search", True),
    ],
)
def test_the_verdict_follows_the_roles(
    profiles: tuple[str, ...], controller: str | None, action: str | None, allowed: bool
) -> None:
    rights = rights_of(ROLES)
    for _ in range(2):  # asked twice: the second answer comes from the compiled table
        assert rights.allows(User("u", profiles), controller, action) is allowed


@pytest.mark.parametrize(
    ("index", "collection", "allowed"),
    [
        (None, None, True),  # an action without index is not restricted
        ("", "", True),
        ("library", None, True),
        ("library", "books", True),
        ("library", "people", False),
        ("shop", "anything", True),
        ("shop", None, True),
        ("bank", None, False),
        ("bank", "books", False),
        ("Library", "books", False),
        ("*", None, False),
        (None, "people", True),
    ],
)
def test_a_restricted_policy_allows_in_its_places_only(
    index: str | None, collection: str | None, allowed: bool
) -> None:
    restrictions = [{"index": "library", "collections": ["books"]}, {"index": "shop", "collections": []}]
    profile = {"policies": [{"roleId": "reader", "restrictedTo": restrictions}]}
    rights = rights_of(ROLES, {"clerk": profile})
    user = User("u", ("clerk",))
    assert rights.allows(user, "document", "get", index, collection) is allowed
    assert not rights.allows(user, "document", "delete", index, collection)


def test_an_index_listed_with_and_without_collections_is_allowed_whole() -> None:
    restrictions = [{"index": "library", "collections": ["books"]}, {"index": "library"}, {"index": "shop"}]
    for listed in (restrictions, restrictions[::-1]):
        rights = rights_of(ROLES, {"p": {"policies": [{"roleId": "reader", "restrictedTo": listed}]}})
        assert rights.allows(User("u", ("p",)), "document", "get", "library", "people")


def test_every_role_open_means_everything_is_open() -> None:
    rights = rights_of({"anonymous": role_of({"*": {"*": True}})})
    assert rights.allows(ANONYMOUS, "index", "delete", "library")
    assert rights.allows(ANONYMOUS, None, None)


def test_tables_do_not_grow_with_what_clients_ask() -> None:
    rights = rights_of(ROLES)
    user = User("u", ("reader", "guest"))
    table = rights._table(user.profile_ids)
    for number in range(100):
        rights.allows(user, f"made-up-{number}", f"action-{number}", f"index-{number}")
        rights.allows(user, "document", f"action-{number}")
        rights.allows(user, None, None)
    assert set(table._controllers) == {"*", "document"}
    assert {name for actions, _ in table._controllers.values() for name in actions} == {"get", "search", "info"}


def test_there_are_not_more_tables_than_that() -> None:
    rights = rights_of(ROLES)
    for number in range(MAX_TABLES + 10):
        assert rights.allows(User("u", ("reader", f"missing-{number}")), "document", "get")
    assert len(rights._tables) <= MAX_TABLES


def test_who_asked_to_be_told_of_changes_is_told() -> None:
    rights = rights_of(ROLES)
    told: list[str | None] = []
    rights.on_changed.append(told.append)
    rights.changed()
    rights.changed("ada")
    assert told == [None, "ada"]


# --- against the obvious evaluator

NAMES = ["ms", "memoryStorage", "document", "security", "*"]
ACTIONS = ["get", "set", "search", "*"]
INDEXES = ["library", "shop"]
COLLECTIONS = ["books", "people"]

permissions = st.sampled_from([True, False, {"test": "return true"}])
roles = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(
        st.sampled_from(NAMES), st.dictionaries(st.sampled_from(ACTIONS), permissions, min_size=1), min_size=1
    ).map(role_of),
)
restrictions = st.one_of(
    st.none(),
    st.lists(
        st.one_of(
            st.builds(lambda index: {"index": index}, st.sampled_from(INDEXES)),
            st.builds(
                lambda index, collections: {"index": index, "collections": collections},
                st.sampled_from(INDEXES),
                st.one_of(st.none(), st.lists(st.sampled_from(COLLECTIONS), max_size=2)),
            ),
        ),
        max_size=3,
    ),
)
policies = st.builds(
    lambda role, places: {"roleId": role} if places is None else {"roleId": role, "restrictedTo": places},
    st.sampled_from(["a", "b", "c", "missing"]),
    restrictions,
)
profiles = st.dictionaries(
    st.sampled_from(["p", "q", "r"]), st.lists(policies, max_size=3).map(lambda listed: {"policies": listed})
)


@given(roles, profiles, st.lists(st.sampled_from(["p", "q", "r", "missing"]), max_size=3))
def test_verdicts_are_those_of_the_obvious_evaluator(
    roles: dict[str, Any], profiles: dict[str, Any], profile_ids: list[str]
) -> None:
    rights = rights_of(roles, profiles)
    user = User("u", tuple(profile_ids))
    for controller in [*NAMES[:-1], "unknown"]:
        for action in [*ACTIONS[:-1], "unknown"]:
            for index in [None, *INDEXES, "bank"]:
                for collection in [None, *COLLECTIONS, "coins"]:
                    asked = (controller, action, index, collection)
                    wanted = is_allowed(roles, profiles, profile_ids, *asked)
                    assert rights.allows(user, *asked) is wanted, asked


@given(roles, profiles, st.lists(st.sampled_from(["p", "q", "r", "missing"]), max_size=3))
def test_a_listing_tells_each_right_of_each_place_once(
    roles: dict[str, Any], profiles: dict[str, Any], profile_ids: list[str]
) -> None:
    """The listing is the obvious walk; what it meets twice keeps its first place and its best value."""
    wanted: dict[tuple[str, ...], str] = {}
    for profile_id in profile_ids:
        for policy in profiles.get(profile_id, {"policies": []})["policies"]:
            for controller, entry in roles.get(policy["roleId"], {"controllers": {}})["controllers"].items():
                for action, permission in entry["actions"].items():
                    value = {True: "allowed", False: "denied"}.get(permission if isinstance(permission, bool) else None)
                    for index, collection in _places(policy):
                        key = (controller, action, index, collection)
                        order = ["denied", "conditional", "allowed"]
                        wanted[key] = max(wanted.get(key, "denied"), value or "conditional", key=order.index)
    names = ("controller", "action", "index", "collection")
    expected = [{**dict(zip(names, key, strict=True)), "value": value} for key, value in wanted.items()]
    assert rights_of(roles, profiles).listing(profile_ids) == expected


def _places(policy: dict[str, Any]) -> list[tuple[str, str]]:
    listed = policy.get("restrictedTo") or []
    return [
        (restriction["index"], collection)
        for restriction in listed
        for collection in (restriction.get("collections") or ["*"])
    ] or [("*", "*")]


def test_rights_without_anything_allow_nothing() -> None:
    assert not Rights({}, {}).allows(ANONYMOUS, "server", "now")
    assert Rights({}, {}).listing(["anonymous"]) == []
