"""How API 1 shows roles, profiles and users: `_meta` repeats the metadata of a content."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import CurrentUser, ResetSecurities
from kuzzle.errors import PartialError
from kuzzle.request import Request
from kuzzle.security.stored import (
    RemovedObject,
    RemovedObjects,
    SecurityList,
    SecurityMapping,
    SecurityObject,
    SecurityPage,
)


def security_object(_request: Request, found: SecurityObject) -> dict[str, Any]:
    """Word a role, profile or user."""
    return {"_id": found.id, "_source": found.source, "_meta": found.source.get("_kuzzle_info", {})}


def current_user(request: Request, current: CurrentUser) -> dict[str, Any]:
    """Word who asks."""
    shape = security_object(request, current.user)
    return shape if current.strategies is None else {**shape, "strategies": current.strategies}


def security_list(request: Request, listed: SecurityList) -> dict[str, Any]:
    """Word several of them."""
    return {"hits": [security_object(request, found) for found in listed.objects], "total": listed.total}


def security_page(request: Request, found: SecurityPage) -> dict[str, Any]:
    """Word a page of a search."""
    page = found.page
    shape: dict[str, Any] = {"hits": [], "total": page.total}
    for hit in page.hits:
        shown = security_object(request, SecurityObject(hit.id, hit.source or {}))
        if hit.highlight:
            shown["highlight"] = hit.highlight
        if hit.sort is not None:
            shown["sort"] = hit.sort
        shape["hits"].append(shown)
    if page.scroll_id is not None:
        shape["scrollId"] = page.scroll_id
    if page.aggregations is not None:
        shape["aggregations"] = page.aggregations
    return shape


def removed_object(_request: Request, removed: RemovedObject) -> dict[str, Any]:
    """Word a deletion."""
    return {"_id": removed.id}


def removed_objects(request: Request, removed: RemovedObjects) -> list[str]:
    """Word several deletions.

    Raises:
        PartialError: Some failed.
    """
    if removed.failures:
        errors = [request.api.error(error) for error in removed.failures]
        count = f"{len(errors)} of {len(errors) + len(removed.ids)} failed"
        raise PartialError("services.storage.incomplete_delete", errors, removed.ids, count)
    return removed.ids


def security_mapping(_request: Request, found: SecurityMapping) -> dict[str, Any]:
    """Word a mapping: its properties, without the metadata."""
    return {"mapping": found.mapping.properties}


def reset_securities(_request: Request, reset: ResetSecurities) -> dict[str, int]:
    """Word `admin:resetSecurity`."""
    return {"deletedUsers": reset.users, "deletedProfiles": reset.profiles, "deletedRoles": reset.roles}
