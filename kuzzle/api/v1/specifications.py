"""How API 1 shows what is wrong with a content, and the specifications a search finds."""

from __future__ import annotations

from typing import Any

from kuzzle.api.v1.documents import search_page
from kuzzle.request import Request
from kuzzle.specifications.store import ContentReport, FoundSpecifications


def content_report(_request: Request, report: ContentReport) -> dict[str, Any]:
    """Word `document:validate`: messages about the whole, and a tree of messages about fields."""
    messages: dict[str, Any] = {}
    for fault in report.faults:
        if not fault.path:
            messages.setdefault("documentScope", []).append(fault.message)
            continue
        node = messages.setdefault("fieldScope", {"children": {}})
        for name in fault.path:
            node = node["children"].setdefault(name, {"messages": [], "children": {}})
        node["messages"].append(fault.message)
    return {"valid": not report.faults, "errorMessages": messages}


def found_specifications(request: Request, found: FoundSpecifications) -> dict[str, Any]:
    """Word a page of `collection:searchSpecifications`: that of a search without its statistics."""
    page = search_page(request, found.page)
    return {name: page[name] for name in ("hits", "total", "max_score", "scrollId") if name in page}
