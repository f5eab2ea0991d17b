"""Rights the slow and obvious way: every policy of every profile is asked anew, as roles and profiles are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kuzzle.security.definitions import read_profile, read_role
from kuzzle.security.rights import Rights

Written = Mapping[str, Any]


def rights_of(roles: Mapping[str, Written], profiles: Mapping[str, Written] | None = None) -> Rights:
    """Return the rights that roles and profiles, as clients write them, lead to.

    Without profiles there is one for each role, of the same name.
    """
    if profiles is None:
        profiles = {name: {"policies": [{"roleId": name}]} for name in roles}
    return Rights(
        {name: read_role(name, role, is_stored=True) for name, role in roles.items()},
        {name: read_profile(name, profile, None) for name, profile in profiles.items()},
    )


def role_of(controllers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a role as clients write it, of controller to action to permission."""
    return {"controllers": {name: {"actions": dict(actions)} for name, actions in controllers.items()}}


def is_allowed(
    roles: Mapping[str, Written],
    profiles: Mapping[str, Written],
    profile_ids: Iterable[str],
    controller: str,
    action: str,
    index: str | None,
    collection: str | None,
) -> bool:
    """Tell whether one policy of one of these profiles allows an action there."""
    for profile_id in profile_ids:
        for policy in profiles.get(profile_id, {"policies": []})["policies"]:
            role = roles.get(policy["roleId"])
            if role is not None and _role_allows(role, controller, action):
                restrictions = policy.get("restrictedTo") or []
                if not restrictions or not index:
                    return True
                if any(_is_within(restriction, index, collection) for restriction in restrictions):
                    return True
    return False


def _role_allows(role: Written, controller: str, action: str) -> bool:
    controllers = role["controllers"]
    names = [controller]
    if controller in ("ms", "memoryStorage"):
        names += ["memoryStorage", "ms"]
    for name in [*names, "*"]:
        if name in controllers:
            actions = controllers[name]["actions"]
            chosen = actions[action] if action in actions else actions.get("*", False)
            return chosen is True
    return False


def _is_within(restriction: Written, index: str, collection: str | None) -> bool:
    if restriction["index"] != index:
        return False
    collections = restriction.get("collections") or []
    return not collections or not collection or collection in collections
