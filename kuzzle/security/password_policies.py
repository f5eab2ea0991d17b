"""What passwords must be like, as the configuration says: `security.local.passwordPolicies`, none by default.

A policy is for everybody, or for some users, profiles and roles. What one refuses has a status and a text
and no id, since API 1 has none for it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.config import ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.security.durations import read_duration_ms

_DELIMITED: Final = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
# Flags of JavaScript without a meaning for one comparison.
_EMPTY_FLAGS: Final = frozenset("gu")


@dataclass(frozen=True, slots=True)
class Membership:
    """What a user belongs to, by id."""

    profiles: frozenset[str]
    roles: frozenset[str]


MembershipOf = Callable[[str], Awaitable[Membership]]
"""Tells what a user belongs to; of nobody, nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked of the passwords of some.

    Attributes:
        users, profiles, roles: Whom it is for; None: everybody.
        expires_after_ms: Age at which a password must be changed; None: never.
        forbid_login: The user name may not be part of it, whatever the case.
        remembered: How many passwords, the last one included, may not be taken again.
        changes_what_others_set: Who did not set it himself must change it; administrators need not.
        pattern: What must be found in it; None: anything.
    """

    users: frozenset[str] | None
    profiles: frozenset[str]
    roles: frozenset[str]
    expires_after_ms: int | None
    forbid_login: bool
    remembered: int
    changes_what_others_set: bool
    pattern: re.Pattern[str] | None

    def is_for(self, kuid: str, membership: Membership) -> bool:
        """Tell whether it is for a user."""
        if self.users is None:
            return True
        return kuid in self.users or bool(self.profiles & membership.profiles or self.roles & membership.roles)


class MustChangePasswordError(KuzzleError):
    """Name and password are right (401), and a new password is due before anything else.

    Attributes:
        reset_token: By which it may be set; None where that is switched off.
    """

    reset_token: str | None = None


class PasswordPolicies:
    """The policies of a server."""

    def __init__(self, options: Sequence[Mapping[str, Any]], membership_of: MembershipOf) -> None:
        """Read the policies.

        Raises:
            ConfigError: One line per fault.
        """
        faults: list[str] = []
        self._policies = [
            _read(policy, f"security.local.passwordPolicies.{n}", faults) for n, policy in enumerate(options)
        ]
        if faults:
            raise ConfigError(faults)
        self._membership_of = membership_of

    async def of(self, kuid: str) -> list[Policy]:
        """Return the policies for a user."""
        if not self._policies:
            return []
        membership = await self._membership_of(kuid)
        return [policy for policy in self._policies if policy.is_for(kuid, membership)]

    @staticmethod
    def check_form(policies: Sequence[Policy], username: str, password: str) -> None:
        """Refuse a password that no policy needs to compare with others.

        Raises:
            KuzzleError: 400 without id.
        """
        for policy in policies:
            if policy.forbid_login and username.lower() in password.lower():
                raise KuzzleError.without_id(400, "The password must not contain the user name.")
            if policy.pattern is not None and policy.pattern.search(password) is None:
                raise KuzzleError.without_id(400, "The password is too weak.")

    @staticmethod
    def remembered(policies: Sequence[Policy]) -> int:
        """Return how many passwords may not be taken again, the last one included."""
        return max((policy.remembered for policy in policies), default=0)

    async def check_login(self, kuid: str, document: Mapping[str, Any], now_ms: int) -> None:
        """Refuse a password that must be changed first.

        Args:
            document: The stored credentials: `changedAt` (ms) and `updater` tell when and by whom.

        Raises:
            MustChangePasswordError: 401 without id.
        """
        for policy in await self.of(kuid):
            age_ms = now_ms - document.get("changedAt", 0)
            if policy.expires_after_ms is not None and age_ms >= policy.expires_after_ms:
                raise MustChangePasswordError.without_id(401, "The password has expired: it must be changed.")
            if (
                policy.changes_what_others_set
                and document.get("updater") != kuid
                and "admin" not in (await self._membership_of(kuid)).roles
            ):
                raise MustChangePasswordError.without_id(
                    401, "The password was set by somebody else: it must be changed."
                )


def _read(policy: Mapping[str, Any], path: str, faults: list[str]) -> Policy:
    applies_to = policy["appliesTo"]
    everybody = applies_to == "*"
    members = {} if everybody else applies_to
    if not everybody and not any(members.get(name) for name in ("users", "profiles", "roles")):
        faults.append(f"{path}.appliesTo: neither users nor profiles nor roles")
    expires_after_ms = None
    if policy.get("expiresAfter") is not None:
        expires_after_ms = read_duration_ms(policy["expiresAfter"])
        if not expires_after_ms:
            faults.append(f"{path}.expiresAfter: {policy['expiresAfter']!r} is no duration")
    return Policy(
        users=None if everybody else frozenset(members.get("users", ())),
        profiles=frozenset(members.get("profiles", ())),
        roles=frozenset(members.get("roles", ())),
        expires_after_ms=expires_after_ms,
        forbid_login=policy.get("forbidLoginInPassword", False),
        remembered=policy.get("forbidReusedPasswordCount", 0),
        changes_what_others_set=policy.get("mustChangePasswordIfSetByAdmin", False),
        pattern=_read_pattern(policy.get("passwordRegex"), path, faults),
    )


def _read_pattern(text: str | None, path: str, faults: list[str]) -> re.Pattern[str] | None:
    if text is None:
        return None
    delimited = _DELIMITED.fullmatch(text)
    pattern, letters = (delimited[1], delimited[2]) if delimited else (text, "")
    flags = 0
    for letter in letters:
        if letter not in _FLAGS and letter not in _EMPTY_FLAGS:
            faults.append(f"{path}.passwordRegex: unknown flag {letter!r}")
        flags |= _FLAGS.get(letter, 0)
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        faults.append(f"{path}.passwordRegex: {error}")
        return None
