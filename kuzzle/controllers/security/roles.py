"""Roles: create, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.security.shared import Bounds, content_of, delete_each, mapping_of, page_of, shown, wanted_ids
from kuzzle.request import Request
from kuzzle.security.roles import Roles
from kuzzle.security.stored import RemovedObject, RemovedObjects, SecurityList, SecurityMapping, SecurityObject
from kuzzle.storage.base import WriteKind


class RolesController(Controller):
    """Roles: create, read, change, delete."""

    name = "security"

    def __init__(self, roles: Roles, limits: Mapping[str, Any]) -> None:
        self._roles = roles
        self._bounds = Bounds(limits)

    @action("createRole")
    async def create_role(self, request: Request) -> SecurityObject:
        """Store a new role."""
        return await self._write(request, WriteKind.CREATE)

    @action("createOrReplaceRole")
    async def create_or_replace_role(self, request: Request) -> SecurityObject:
        """Store a role in place of what was there."""
        return await self._write(request, WriteKind.CREATE_OR_REPLACE)

    @action("updateRole")
    async def update_role(self, request: Request) -> SecurityObject:
        """Merge changes into a role."""
        return await self._write(request, WriteKind.UPDATE)

    async def _write(self, request: Request, kind: WriteKind) -> SecurityObject:
        content = content_of(request, request.body, is_update=kind is WriteKind.UPDATE)
        return shown(await self._roles.write(kind, request.required("_id"), content))

    @action("getRole")
    async def get_role(self, request: Request) -> SecurityObject:
        """Return a role."""
        return shown(self._roles.get(request.required("_id")))

    @action("mGetRoles")
    async def m_get_roles(self, request: Request) -> SecurityList:
        """Return several roles; ids without one are passed over."""
        ids = wanted_ids(request, self._bounds.fetch, "services.storage.get_limit_exceeded")
        found = [shown(role) for role in self._roles.get_many(ids)]
        return SecurityList(found, len(found))

    @action("searchRoles")
    async def search_roles(self, request: Request) -> SecurityList:
        """Return the roles that have something to say of one of some controllers."""
        offset, size = page_of(request, self._bounds)
        found = self._roles.naming(request.body_member("controllers"))
        first = offset or 0
        page = found[first : None if size is None else first + size]
        return SecurityList([shown(role) for role in page], len(found))

    @action("deleteRole")
    async def delete_role(self, request: Request) -> RemovedObject:
        """Delete a role that no profile refers to."""
        role_id = request.required("_id")
        await self._roles.delete(role_id)
        return RemovedObject(role_id)

    @action("mDeleteRoles")
    async def m_delete_roles(self, request: Request) -> RemovedObjects:
        """Delete several roles."""
        ids = wanted_ids(request, self._bounds.write, "services.storage.write_limit_exceeded")
        return await delete_each(ids, self._roles.delete)

    @action("getRoleMapping")
    async def get_role_mapping(self, request: Request) -> SecurityMapping:
        """Return how roles are indexed."""
        return await mapping_of(self._roles.collection)

    @action("updateRoleMapping")
    async def update_role_mapping(self, request: Request) -> Acknowledged:
        """Add to how roles are indexed."""
        await self._roles.collection.update_mapping(request.body)
        return Acknowledged()
