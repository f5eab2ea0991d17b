"""Roles and profiles as clients write them: read, checked, and made ready to be asked.

A role says which actions of which controllers are allowed, `*` standing for all others. A profile is a
list of policies: a role each, everywhere or in some collections only. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.catalogue import ALIASES
from kuzzle.errors import KuzzleError

Source = dict[str, Any]

ANONYMOUS_NAME: Final = "anonymous"
"""Name of the role and of the profile of whoever has not logged in."""
PROTECTED_NAMES: Final = ("admin", "default", ANONYMOUS_NAME)
"""Roles and profiles that every server has and that cannot be deleted."""

# Controllers with two names: each to its other one.
_ALIASES: Final = {**ALIASES, **{name: alias for alias, name in ALIASES.items()}}


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role.

    Attributes:
        source: As it is stored.
        controllers: Controller to action to yes or no; an alias of a controller has an entry too.
    """

    id: str
    source: Source
    controllers: Mapping[str, Mapping[str, bool]]


Restrictions = Mapping[str, frozenset[str] | None]
"""Index to its allowed collections; None: all of them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a profile takes from a role.

    Attributes:
        written_restrictions: The places in the order they were written: index, and collection or None for all.
        restrictions: The same, ready to be asked; None: everywhere.
    """

    role_id: str
    written_restrictions: tuple[tuple[str, str | None], ...] = ()
    restrictions: Restrictions | None = None


@dataclass(frozen=True, slots=True)
class ProfileDefinition:
    """A profile; `source` is as it is stored."""

    id: str
    source: Source
    policies: tuple[Policy, ...]


# --- roles


def read_role(role_id: str, source: Mapping[str, Any], *, is_stored: bool = False) -> RoleDefinition:
    """Read a role.

    Args:
        is_stored: It is in the store already: a right that depends on a condition is met, and denies.

    Raises:
        KuzzleError: 400 of `api.assert` about its form; `security.role.invalid_rights`,
            `closure_exec_failed` (a condition in JavaScript), `login_required`.
    """
    controllers: dict[str, Mapping[str, bool]] = {}
    for name, entry in _filled_object(source.get("controllers"), "controllers").items():
        path = f"controllers.{name}"
        entry = _filled_object(entry, path)
        if entry.get("actions") is None:
            raise KuzzleError("api.assert.missing_argument", f"{path}.actions")
        actions = _filled_object(entry["actions"], f"{path}.actions")
        for action, permission in actions.items():
            if not (is_stored and isinstance(permission, dict)):
                _check_permission(role_id, name, action, permission)
        controllers[name] = {action: permission is True for action, permission in actions.items()}
    for name, alias in _ALIASES.items():
        if name in controllers:
            controllers.setdefault(alias, controllers[name])
    role = RoleDefinition(role_id, dict(source), controllers)
    if role_id == ANONYMOUS_NAME and not is_stored and not role_allows(role, "auth", "login"):
        raise KuzzleError("security.role.login_required")
    return role


def role_allows(role: RoleDefinition, controller: str, action: str) -> bool:
    """Tell what a role says of one action. An exact name hides the entry for all others, on both levels."""
    actions = role.controllers.get(controller, role.controllers.get("*"))
    return actions is not None and actions.get(action, actions.get("*", False))


def _check_permission(role_id: str, controller: str, action: str, permission: Any) -> None:
    if isinstance(permission, bool):
        return
    if isinstance(permission, dict):
        raise KuzzleError(
            "security.role.closure_exec_failed",
            controller,
            action,
            "conditional rights written in JavaScript are not supported, use a boolean",
        )
    raise KuzzleError("security.role.invalid_rights", role_id, f"{controller}.actions.{action}", "must be a boolean")


def _filled_object(value: Any, path: str) -> dict[str, Any]:
    if value is None or value == {}:
        raise KuzzleError("api.assert.empty_argument", path)
    if not isinstance(value, dict):
        raise KuzzleError("api.assert.invalid_type", path, "object")
    return value


# --- profiles


def read_profile(
    profile_id: str, source: Mapping[str, Any], role_exists: Callable[[str], bool] | None
) -> ProfileDefinition:
    """Read a profile.

    Args:
        role_exists: Tells whether there is a role of that name; None: no matter.

    Raises:
        KuzzleError: 400 of `api.assert` about its form; 404 `security.role.not_found`; 400
            `security.profile.missing_anonymous_role`.
    """
    written = source.get("policies")
    if not isinstance(written, list):
        raise KuzzleError("api.assert.invalid_type", "policies", "array")
    policies = tuple(_read_policy(policy, f"policies[{number}]") for number, policy in enumerate(written))
    for policy in policies:
        if role_exists is not None and not role_exists(policy.role_id):
            raise KuzzleError("security.role.not_found", policy.role_id)
    if profile_id == ANONYMOUS_NAME and all(policy.role_id != ANONYMOUS_NAME for policy in policies):
        raise KuzzleError("security.profile.missing_anonymous_role")
    return ProfileDefinition(profile_id, dict(source), policies)


def _read_policy(written: Any, path: str) -> Policy:
    policy = _object_of(written, path, ("roleId", "restrictedTo"))
    role_id = _text(policy, "roleId", path)
    listed = _list(policy, "restrictedTo", path)
    places: list[tuple[str, str | None]] = []
    restrictions: dict[str, frozenset[str] | None] = {}
    for number, entry in enumerate(listed):
        place = f"{path}.restrictedTo[{number}]"
        restriction = _object_of(entry, place, ("index", "collections"))
        index = _text(restriction, "index", place)
        collections = _list(restriction, "collections", place)
        for position, name in enumerate(collections):
            if not isinstance(name, str) or not name:
                raise KuzzleError("api.assert.invalid_type", f"{place}.collections[{position}]", "non-empty string")
        places += [(index, name) for name in collections] or [(index, None)]
        before = restrictions.get(index, frozenset())
        restrictions[index] = None if not collections or before is None else before | frozenset(collections)
    return Policy(role_id, tuple(places), restrictions or None)


def _object_of(value: Any, path: str, members: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise KuzzleError("api.assert.invalid_type", path, "object")
    for name in value:
        if name not in members:
            raise KuzzleError("api.assert.unexpected_argument", f"{path}.{name}", ", ".join(members))
    return value


def _text(owner: Mapping[str, Any], name: str, path: str) -> str:
    value = owner.get(name)
    if value is None:
        raise KuzzleError("api.assert.missing_argument", f"{path}.{name}")
    if not isinstance(value, str) or not value:
        raise KuzzleError("api.assert.invalid_type", f"{path}.{name}", "non-empty string")
    return value


def _list(owner: Mapping[str, Any], name: str, path: str) -> list[Any]:
    value = owner.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise KuzzleError("api.assert.invalid_type", f"{path}.{name}", "array")
    return value
