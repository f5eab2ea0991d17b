"""What a server's securities are before anybody has written any: everybody may do everything.

Three roles and three profiles of the same names, `admin`, `default` and `anonymous`, that cannot be
deleted. What makes them restricted is `security:createFirstAdmin` with `reset`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from kuzzle.security.definitions import PROTECTED_NAMES
from kuzzle.security.profiles import PROFILES_COLLECTION
from kuzzle.security.roles import ROLES_COLLECTION
from kuzzle.security.stored import stamped
from kuzzle.storage.base import DocumentWrite, Operation, WriteKind
from kuzzle.storage.internal import INTERNAL_INDEX

OPEN_ROLE: Final[Mapping[str, Any]] = {"controllers": {"*": {"actions": {"*": True}}}}
"""Allows everything."""


def open_roles() -> dict[str, Mapping[str, Any]]:
    """Return the roles of a new server."""
    return dict.fromkeys(PROTECTED_NAMES, OPEN_ROLE)


def default_profiles() -> dict[str, Mapping[str, Any]]:
    """Return the profiles of a new server: each has the role of its name."""
    return {name: {"policies": [{"roleId": name}]} for name in PROTECTED_NAMES}


def definition_writes(
    roles: Mapping[str, Mapping[str, Any]], profiles: Mapping[str, Mapping[str, Any]]
) -> list[Operation]:
    """Return the operations that store roles and profiles, whatever was there; they have no author."""
    now_ms = int(time.time() * 1000)
    return [
        Operation(
            INTERNAL_INDEX,
            collection,
            WriteKind.CREATE_OR_REPLACE,
            DocumentWrite(name, stamped(content, None, now_ms)),
        )
        for collection, contents in ((ROLES_COLLECTION, roles), (PROFILES_COLLECTION, profiles))
        for name, content in contents.items()
    ]
