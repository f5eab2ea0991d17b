"""Who may do what: compiled to a table per set of profiles, so that a request costs three look-ups.

The table of a set of profiles is made when it first asks, a controller's part when that is first asked
for: it holds the names that roles hold and never a name that a client sends. A change of a role or profile
throws the tables away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.security.definitions import Policy, ProfileDefinition, Restrictions, RoleDefinition
from kuzzle.security.users import ANONYMOUS, SERVER, User

MAX_TABLES: Final = 1_000
"""Sets of profiles with a table of their own; where users have more of them, tables are made again."""

Scope = bool | Restrictions
"""Where an action is allowed: everywhere, nowhere, or in some collections."""

# How each permission is shown, and which of two wins where they meet.
_SHOWN: Final = {True: "allowed", False: "denied"}
_RANKS: Final = {"denied": 0, "conditional": 1, "allowed": 2}


class Rights:
    """The rights of users.

    Attributes:
        on_changed: Called, on the event loop, after rights have changed: with the id of the user whose rights
            did, or None when anybody's may have. They must neither block nor raise.
    """

    def __init__(self, roles: Mapping[str, RoleDefinition], profiles: Mapping[str, ProfileDefinition]) -> None:
        """`roles` and `profiles` are those in force, by id; whoever changes them calls `changed`."""
        self._roles = roles
        self._profiles = profiles
        self._tables: dict[tuple[str, ...], RightsTable] = {}
        self.on_changed: list[Callable[[str | None], None]] = []

    def allows(
        self,
        user: User,
        controller: str | None,
        action: str | None,
        index: str | None = None,
        collection: str | None = None,
    ) -> bool:
        """Tell whether a user may run an action; a denial never beats an allowance.

        Args:
            index: None or empty: the action names none, and where it is allowed does not matter.
            collection: None or empty: any collection of the index.
        """
        if user is SERVER:
            return True
        scope = self._table(user.profile_ids).scope(controller, action)
        if isinstance(scope, bool):
            return scope
        if not index:
            return True
        if index not in scope:
            return False
        collections = scope[index]
        return collections is None or not collection or collection in collections

    def check(self, user: User, controller: str | None, action: str | None, index: str, collection: str) -> None:
        """Refuse what a user may not do.

        Raises:
            KuzzleError: 401 `security.rights.unauthorized` of the anonymous user, 403 `security.rights.forbidden`.
        """
        if not self.allows(user, controller, action, index, collection):
            raise refusal(user)

    def allows_everything(self, user: User) -> bool:
        """Tell whether a user may run, everywhere, whatever action nobody has named in a role."""
        return self._table(user.profile_ids).scope(None, None) is True

    def changed(self, user_id: str | None = None) -> None:
        """Take note that roles or profiles have changed, or the profiles of one user."""
        if user_id is None:
            self._tables.clear()
        for tell in self.on_changed:
            tell(user_id)

    def _table(self, profile_ids: tuple[str, ...]) -> RightsTable:
        table = self._tables.get(profile_ids)
        if table is None:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            table = self._tables[profile_ids] = RightsTable(self._policies(profile_ids))
        return table

    def _policies(self, profile_ids: Iterable[str]) -> Iterator[tuple[RoleDefinition, Policy]]:
        """Yield what profiles hold; what is named and not there gives no rights."""
        for profile_id in profile_ids:
            profile = self._profiles.get(profile_id)
            for policy in () if profile is None else profile.policies:
                role = self._roles.get(policy.role_id)
                if role is not None:
                    yield role, policy

    def listing(self, profile_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return the rights of profiles one by one, `{"controller", "action", "index", "collection", "value"}`.

        `*` stands for all others. They are in the order of policies and roles as they were written; what is
        there twice keeps its first place, and `allowed` beats `conditional`, which beats `denied`.
        """
        found: dict[tuple[str, str, str, str], str] = {}
        for role, policy in self._policies(profile_ids):
            places = policy.written_restrictions or (("*", None),)
            for controller, action, value in _written_rights(role):
                for index, collection in places:
                    right = (controller, action, index, collection or "*")
                    if _RANKS[value] > _RANKS.get(found.get(right, ""), -1):
                        found[right] = value
        names = ("controller", "action", "index", "collection")
        return [{**dict(zip(names, right, strict=True)), "value": value} for right, value in found.items()]


def refusal(user: User) -> KuzzleError:
    """Return the error for a user who may not do what it asks for."""
    return KuzzleError("security.rights.unauthorized" if user is ANONYMOUS else "security.rights.forbidden")


def _written_rights(role: RoleDefinition) -> Iterator[tuple[str, str, str]]:
    for controller, entry in role.source["controllers"].items():
        for action, permission in entry["actions"].items():
            yield controller, action, _SHOWN[permission] if isinstance(permission, bool) else "conditional"


_Actions = tuple[dict[str, Scope], Scope]
"""Where each action of a controller is allowed, and where all its others are."""


class RightsTable:
    """Where each action is allowed by a set of policies together; a controller's part is made when it is asked for."""

    def __init__(self, policies: Iterable[tuple[RoleDefinition, Policy]]) -> None:
        self._policies = list(policies)
        self._names = {name for role, _ in self._policies for name in role.controllers}
        self._controllers: dict[str | None, _Actions] = {}

    def scope(self, controller: str | None, action: str | None) -> Scope:
        """Return where an action is allowed."""
        part = self._controllers.get(controller)
        if part is None:
            part = self._part_of(controller)
        return part[0].get(action, part[1])  # type: ignore[arg-type]

    def _part_of(self, controller: str | None) -> _Actions:
        """Return the part of a controller; those that no role names share one, whatever clients call them."""
        name = controller if controller in self._names else "*"
        part = self._controllers.get(name)
        if part is None:
            part = self._controllers[name] = _actions_of(self._policies, name)
        return part


def _actions_of(policies: Iterable[tuple[RoleDefinition, Policy]], controller: str) -> _Actions:
    entries = [
        (entry, policy)
        for role, policy in policies
        if (entry := role.controllers.get(controller, role.controllers.get("*"))) is not None
    ]
    names = {name for entry, _ in entries for name in entry if name != "*"}

    def scope_of(action: str) -> Scope:
        scope: Scope = False
        for entry, policy in entries:
            if entry.get(action, entry.get("*", False)):
                scope = _widened(scope, policy.restrictions)
        return scope

    return {name: scope_of(name) for name in names}, scope_of("*")


def _widened(scope: Scope, restrictions: Restrictions | None) -> Scope:
    if scope is True or restrictions is None:
        return True
    widened = {} if scope is False else dict(scope)
    for index, collections in restrictions.items():
        before = widened.get(index, frozenset())
        widened[index] = None if before is None or collections is None else before | collections
    return widened
