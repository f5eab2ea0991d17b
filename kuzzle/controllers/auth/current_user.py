"""Who the caller is, and what he may do."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import CurrentUser
from kuzzle.controllers.auth.callers import check_logged_in, check_somebody
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.security.showing import UserShower
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.credentials import Credentials
from kuzzle.security.rights import Rights
from kuzzle.security.stored import SecurityObject
from kuzzle.security.users import ANONYMOUS, Users

# Members of a user that nobody gives himself: null counts as not given.
_NOT_ONES_OWN = ("_id", "profileIds")


class CurrentUserController(Controller):
    """Who the caller is, and what he may do."""

    name = "auth"

    def __init__(self, users: Users, rights: Rights, credentials: Credentials, shower: UserShower) -> None:
        self._users = users
        self._rights = rights
        self._credentials = credentials
        self._shower = shower

    @action("getCurrentUser")
    async def get_current_user(self, request: Request) -> CurrentUser:
        """Return the caller, and the strategies by which he can log in."""
        check_somebody(request)
        user = await self._shower.show(request, await self._users.read(request.user.id))
        if request.user.id == ANONYMOUS.id:
            return CurrentUser(user, None)
        return CurrentUser(user, await self._credentials.strategies_of(user.id, request=request))

    @action("updateSelf")
    async def update_self(self, request: Request) -> SecurityObject:
        """Change the caller's own content; neither what he may do nor the metadata."""
        kuid = check_logged_in(request)
        for name in _NOT_ONES_OWN:
            if request.body.get(name) is not None:
                raise KuzzleError("api.assert.forbidden_argument", f"body.{name}")
        left_out = {*_NOT_ONES_OWN, "_kuzzle_info"}
        changes = {name: value for name, value in request.body.items() if name not in left_out}
        return await self._shower.show(request, await self._users.update(kuid, changes))

    @action("getMyRights")
    async def get_my_rights(self, request: Request) -> dict[str, Any]:
        """List what the caller's profiles allow and deny."""
        check_somebody(request)
        rights = self._rights.listing(request.user.profile_ids)
        return {"hits": rights, "total": len(rights)}
