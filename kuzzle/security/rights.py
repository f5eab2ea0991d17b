"""Which profiles may run which actions, compiled to one look-up per request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kuzzle.security.users import User

# Until a first administrator is made, the default roles allow everything to everyone.
OPEN_ROLE: Final[Mapping[str, Mapping[str, bool]]] = {"*": {"*": True}}


class Rights:
    """The rights of each profile: controller to action to yes or no, `*` standing for all others."""

    def __init__(self, profiles: Mapping[str, Mapping[str, Mapping[str, bool]]]) -> None:
        self._profiles = profiles
        self._verdicts: dict[tuple[tuple[str, ...], str | None, str | None], bool] = {}

    @classmethod
    def open_to_everyone(cls) -> Rights:
        """Return the rights of a server without an administrator."""
        return cls(dict.fromkeys(("anonymous", "default", "admin"), OPEN_ROLE))

    def allows(self, user: User, controller: str | None, action: str | None) -> bool:
        """Tell whether one of the user's profiles allows an action; a denial never beats an allowance."""
        question = (user.profile_ids, controller, action)
        verdict = self._verdicts.get(question)
        if verdict is None:
            verdict = any(self._profile_allows(profile, controller, action) for profile in user.profile_ids)
            if len(self._verdicts) < 10_000:  # names come from clients: the table must not grow with them
                self._verdicts[question] = verdict
        return verdict

    def _profile_allows(self, profile: str, controller: str | None, action: str | None) -> bool:
        role = self._profiles.get(profile, {})
        actions = role.get(controller or "", role.get("*"))
        return actions is not None and actions.get(action or "", actions.get("*", False))
