"""Roles, profiles, users and the rights they lead to, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kuzzle.config import ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.security.definitions import read_profile, read_role
from kuzzle.security.first_state import default_profiles, definition_writes, open_roles
from kuzzle.security.password_policies import Membership
from kuzzle.security.profiles import Profiles
from kuzzle.security.rights import Rights
from kuzzle.security.roles import Roles
from kuzzle.security.users import Users
from kuzzle.storage.base import FailedWrite, Storage, WrittenDocument
from kuzzle.storage.internal import INTERNAL_INDEX


class SecurityModel:
    """What decides who may do what.

    One change is made at a time, so that what it was checked against (a role that a profile names) is still
    true when it is made.
    """

    def __init__(self, storage: Storage, options: Mapping[str, Any]) -> None:
        """Build the parts; nothing is read yet.

        Args:
            options: The section `security` of the configuration: `restrictedProfileIds` and `standard`.

        Raises:
            ConfigError: A standard role or profile is none.
        """
        self._storage = storage
        self._standard_roles, self._standard_profiles = _read_standard(options["standard"])
        self._turn = asyncio.Lock()
        self.roles = Roles(storage, self._turn)
        self.profiles = Profiles(storage, self._turn, self.roles)
        self.users = Users(storage, self._turn, self.profiles, restricted_profile_ids=options["restrictedProfileIds"])
        self.rights = Rights(self.roles.active, self.profiles.active)
        self.roles.on_changed = self.profiles.on_changed = self.rights.changed
        self.users.on_changed = self.rights.changed

    async def load(self) -> None:
        """Put in force what is stored; a store without roles gets those of a new server first."""
        async with self._turn:
            await self._load()

    async def _load(self) -> None:
        for part in (self.roles, self.profiles, self.users):
            await part.collection.make()
        self.users.forget_all()
        if await self.roles.collection.ids() or await self.profiles.collection.ids():
            await self.roles.load()
            await self.profiles.load()
        else:
            await self._define(open_roles(), default_profiles())

    async def may_subscribe(self, kuid: str, index: str, collection: str) -> bool:
        """Tell whether a user may subscribe to a collection; one that is gone may not.

        Raises:
            StorageError: The store cannot tell.
        """
        try:
            user = await self.users.get(kuid)
        except KuzzleError as error:
            if error.status == 404:
                return False
            raise
        return self.rights.allows(user, "realtime", "subscribe", index, collection)

    async def membership_of(self, kuid: str) -> Membership:
        """Return the profiles of a user and the roles that they hold; of nobody, none."""
        try:
            profiles = frozenset((await self.users.get(kuid)).profile_ids)
        except KuzzleError:
            return Membership(frozenset(), frozenset())
        held = (self.profiles.active[name] for name in profiles if name in self.profiles.active)
        return Membership(profiles, frozenset(policy.role_id for profile in held for policy in profile.policies))

    async def restrict(self) -> None:
        """Write the standard roles and profiles of the configuration, in one step, in place of what was there."""
        async with self._turn:
            await self._define(self._standard_roles, self._standard_profiles)

    async def reset(self) -> dict[str, int]:
        """Delete all users and all roles and profiles but those of a new server, which become as they were there.

        Everything is open first: whenever the server dies meanwhile, somebody may do the rest.

        Returns:
            How many `users`, `profiles` and `roles` there were.
        """
        async with self._turn:
            return await self._reset()

    async def _reset(self) -> dict[str, int]:
        await self._define(open_roles(), default_profiles())
        return {
            "users": await self.users.delete_all_in_turn(),
            "profiles": await self.profiles.delete_all_in_turn(),
            "roles": await self.roles.delete_all_in_turn(),
        }

    async def drop(self, reload: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Delete all users with what belongs to them, then the internal index, and make it as that of a new server.

        Args:
            reload: Others that keep something in the internal index: each reads it anew.
        """
        async with self._turn:
            await self._reset()
            await self._storage.delete_index(INTERNAL_INDEX)
            await self._load()
        for read in reload:
            await read()

    async def _define(self, roles: Mapping[str, Mapping[str, Any]], profiles: Mapping[str, Mapping[str, Any]]) -> None:
        """Store roles and profiles in one transaction and put them in force."""

        def put_in_force(documents: Sequence[WrittenDocument]) -> None:
            for part in (self.roles, self.profiles):
                part.put_in_force([document for document in documents if document.collection == part.collection.name])

        outcomes = await self._storage.write_operations(
            definition_writes(roles, profiles), refresh=True, after_commit=put_in_force
        )
        for outcome in outcomes:
            if isinstance(outcome, FailedWrite):
                raise outcome.error


def _read_standard(standard: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the roles and profiles of the option `security.standard`.

    Raises:
        ConfigError: One line per fault.
    """
    roles, profiles = dict(standard["roles"]), dict(standard["profiles"])
    faults = []
    for kind, definitions in (("roles", roles), ("profiles", profiles)):
        for name, definition in definitions.items():
            try:
                if kind == "roles":
                    read_role(name, definition)
                else:
                    read_profile(name, definition, roles.__contains__)
            except KuzzleError as error:
                faults.append(f"security.standard.{kind}.{name}: {error.message}")
    if faults:
        raise ConfigError(faults)
    return roles, profiles
