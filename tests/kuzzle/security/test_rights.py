"""Which profiles may run which actions."""

from __future__ import annotations

import pytest

from kuzzle.security.rights import Rights
from kuzzle.security.users import ANONYMOUS, User

ROLES = {
    "reader": {"document": {"get": True, "search": True}, "server": {"*": True, "getConfig": False}},
    "guest": {"*": {"info": True}, "document": {"get": False}},
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
    ],
)
def test_the_verdict_follows_the_roles(
    profiles: tuple[str, ...], controller: str | None, action: str | None, allowed: bool
) -> None:
    rights = Rights(ROLES)
    for _ in range(2):  # asked twice: the second answer comes from the compiled table
        assert rights.allows(User("u", profiles), controller, action) is allowed


def test_everything_is_open_while_there_is_no_administrator() -> None:
    rights = Rights.open_to_everyone()
    assert rights.allows(ANONYMOUS, "index", "delete")
    assert rights.allows(ANONYMOUS, None, None)


def test_the_compiled_table_does_not_grow_with_what_clients_ask() -> None:
    rights = Rights.open_to_everyone()
    for number in range(10_100):
        rights.allows(ANONYMOUS, "made-up", f"action-{number}")
    assert len(rights._verdicts) == 10_000
