"""Profiles: create, read, change, delete, list their rights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.security.shared import (
    Bounds,
    content_of,
    delete_each,
    find,
    find_more,
    mapping_of,
    page_of,
    shown,
    wanted_ids,
)
from kuzzle.request import Request
from kuzzle.security.profiles import Profiles, with_policies
from kuzzle.security.rights import Rights
from kuzzle.security.stored import (
    RemovedObject,
    RemovedObjects,
    SecurityList,
    SecurityMapping,
    SecurityObject,
    SecurityPage,
)
from kuzzle.storage.base import WriteKind
from kuzzle.storage.query import Terms, parse_search


class ProfilesController(Controller):
    """Profiles: create, read, change, delete, list their rights."""

    name = "security"

    def __init__(self, profiles: Profiles, rights: Rights, limits: Mapping[str, Any]) -> None:
        self._profiles = profiles
        self._rights = rights
        self._bounds = Bounds(limits)

    @action("createProfile")
    async def create_profile(self, request: Request) -> SecurityObject:
        """Store a new profile."""
        return await self._write(request, WriteKind.CREATE)

    @action("createOrReplaceProfile")
    async def create_or_replace_profile(self, request: Request) -> SecurityObject:
        """Store a profile in place of what was there."""
        return await self._write(request, WriteKind.CREATE_OR_REPLACE)

    @action("updateProfile")
    async def update_profile(self, request: Request) -> SecurityObject:
        """Merge changes into a profile."""
        return await self._write(request, WriteKind.UPDATE)

    async def _write(self, request: Request, kind: WriteKind) -> SecurityObject:
        content = content_of(request, with_policies(request.body), is_update=kind is WriteKind.UPDATE)
        return shown(await self._profiles.write(kind, request.required("_id"), content))

    @action("getProfile")
    async def get_profile(self, request: Request) -> SecurityObject:
        """Return a profile."""
        return shown(self._profiles.get(request.required("_id")))

    @action("mGetProfiles")
    async def m_get_profiles(self, request: Request) -> SecurityList:
        """Return several profiles; ids without one are passed over."""
        ids = wanted_ids(request, self._bounds.fetch, "services.storage.get_limit_exceeded")
        found = [shown(profile) for profile in self._profiles.get_many(ids)]
        return SecurityList(found, len(found))

    @action("searchProfiles")
    async def search_profiles(self, request: Request) -> SecurityPage:
        """Find the profiles that refer to one of some roles."""
        offset, size = page_of(request, self._bounds)
        roles: list[str] = request.body_member("roles") or []
        search = parse_search(None, offset=offset, size=size)
        if roles:
            search = dataclasses.replace(search, query=Terms("policies.roleId", tuple(roles)))
        return await find(request, self._bounds, self._profiles.collection, search)

    @action("scrollProfiles")
    async def scroll_profiles(self, request: Request) -> SecurityPage:
        """Return the next page of a search of profiles."""
        return await find_more(request, self._bounds, self._profiles.collection)

    @action("getProfileRights")
    async def get_profile_rights(self, request: Request) -> dict[str, Any]:
        """List what a profile allows and denies."""
        rights = self._rights.listing([self._profiles.get(request.required("_id")).id])
        return {"hits": rights, "total": len(rights)}

    @action("deleteProfile")
    async def delete_profile(self, request: Request) -> RemovedObject:
        """Delete a profile that no user has."""
        profile_id = request.required("_id")
        await self._profiles.delete(profile_id)
        return RemovedObject(profile_id)

    @action("mDeleteProfiles")
    async def m_delete_profiles(self, request: Request) -> RemovedObjects:
        """Delete several profiles."""
        ids = wanted_ids(request, self._bounds.write, "services.storage.write_limit_exceeded")
        return await delete_each(ids, self._profiles.delete)

    @action("getProfileMapping")
    async def get_profile_mapping(self, request: Request) -> SecurityMapping:
        """Return how profiles are indexed."""
        return await mapping_of(self._profiles.collection)

    @action("updateProfileMapping")
    async def update_profile_mapping(self, request: Request) -> Acknowledged:
        """Add to how profiles are indexed."""
        await self._profiles.collection.update_mapping(request.body)
        return Acknowledged()
