"""Users: create with credentials, read, change, delete, list their rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.security.creating import Store, UserMaker
from kuzzle.controllers.security.shared import (
    Bounds,
    content_of,
    delete_each,
    find,
    find_more,
    mapping_of,
    page_of,
    wanted_ids,
)
from kuzzle.controllers.security.showing import UserShower
from kuzzle.controllers.security.user_search import parse_user_search
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.model import SecurityModel
from kuzzle.security.stored import RemovedObject, RemovedObjects, SecurityMapping, SecurityObject, SecurityPage


class UsersController(Controller):
    """Users: create with credentials, read, change, delete, list their rights."""

    name = "security"

    def __init__(self, model: SecurityModel, maker: UserMaker, shower: UserShower, limits: Mapping[str, Any]) -> None:
        self._model = model
        self._users = model.users
        self._maker = maker
        self._shower = shower
        self._bounds = Bounds(limits)

    # --- creating

    @action("createUser")
    async def create_user(self, request: Request) -> SecurityObject:
        """Store a new user, and credentials if there are any."""
        return await self._shower.show(request, await self._create(request, request.body["content"]))

    @action("createRestrictedUser")
    async def create_restricted_user(self, request: Request) -> SecurityObject:
        """Store a new user with the profiles that the configuration names."""
        content = request.body["content"]
        if "profileIds" in content:
            raise KuzzleError("api.assert.forbidden_argument", "body.content.profileIds")
        content = {**content, "profileIds": list(self._users.restricted_profile_ids)}
        return await self._shower.show(request, await self._create(request, content))

    @action("createFirstAdmin")
    async def create_first_admin(self, request: Request) -> SecurityObject:
        """Store the first administrator; with `reset`, take the others' rights to everything away."""
        content = {**request.body["content"], "profileIds": ["admin"]}
        created = await self._create(request, content, self._users.create_first_admin)
        if request.argument("reset"):
            await self._model.restrict()
        return await self._shower.show(request, created)

    async def _create(self, request: Request, content: Mapping[str, Any], store: Store | None = None) -> SecurityObject:
        credentials = request.body.get("credentials")
        source = content_of(request, content)
        return await self._maker.make(request.document_id, source, credentials, store=store, request=request)

    # --- changing

    @action("updateUser")
    async def update_user(self, request: Request) -> SecurityObject:
        """Merge changes into a user; new profiles count at the next request."""
        changes = content_of(request, request.body, is_update=True)
        return await self._shower.show(request, await self._users.update(request.required("_id"), changes))

    @action("replaceUser")
    async def replace_user(self, request: Request) -> SecurityObject:
        """Store a content in place of that of a user; its credentials stay."""
        replaced = await self._users.replace(request.required("_id"), content_of(request, request.body))
        return await self._shower.show(request, replaced)

    @action("deleteUser")
    async def delete_user(self, request: Request) -> RemovedObject:
        """Delete a user with its tokens and credentials."""
        kuid = request.required("_id")
        await self._users.delete(kuid)
        return RemovedObject(kuid)

    @action("mDeleteUsers")
    async def m_delete_users(self, request: Request) -> RemovedObjects:
        """Delete several users."""
        ids = wanted_ids(request, self._bounds.write, "services.storage.write_limit_exceeded")
        return await delete_each(ids, self._users.delete)

    # --- reading

    @action("getUser")
    async def get_user(self, request: Request) -> SecurityObject:
        """Return a user."""
        return await self._shower.show(request, await self._users.read(request.required("_id")))

    @action("getUserRights")
    async def get_user_rights(self, request: Request) -> dict[str, Any]:
        """List what a user's profiles allow and deny."""
        user = await self._users.get(request.required("_id"))
        rights = self._model.rights.listing(user.profile_ids)
        return {"hits": rights, "total": len(rights)}

    @action("searchUsers")
    async def search_users(self, request: Request) -> SecurityPage:
        """Find users."""
        search = parse_user_search(request.body, *page_of(request, self._bounds))
        return await self._shower.show_page(request, await find(request, self._bounds, self._users.collection, search))

    @action("scrollUsers")
    async def scroll_users(self, request: Request) -> SecurityPage:
        """Return the next page of a search of users."""
        return await self._shower.show_page(request, await find_more(request, self._bounds, self._users.collection))

    @action("getUserMapping")
    async def get_user_mapping(self, request: Request) -> SecurityMapping:
        """Return how users are indexed."""
        return await mapping_of(self._users.collection)

    @action("updateUserMapping")
    async def update_user_mapping(self, request: Request) -> Acknowledged:
        """Add to how users are indexed."""
        await self._users.collection.update_mapping(request.body)
        return Acknowledged()
