"""Which parts of a document's content a reader wants: patterns of dotted paths, as `_source` takes them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Patterns of dotted paths; `*` stands for any characters. A path that names an object means all below it.

    Attributes:
        includes: Empty: everything.
        excludes: Win over `includes`.
    """

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def apply(self, source: dict[str, Any]) -> dict[str, Any]:
        """Return the wanted parts of a content, in its own order."""
        includes = _compile(self.includes) if self.includes else None
        excludes = _compile(self.excludes) if self.excludes else None
        return _pick(source, "", includes, excludes)


def _pick(
    source: dict[str, Any], prefix: str, includes: re.Pattern[str] | None, excludes: re.Pattern[str] | None
) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for name, value in source.items():
        path = prefix + name
        if excludes is not None and excludes.fullmatch(path):
            continue
        below = None if includes is None or includes.fullmatch(path) else includes
        if isinstance(value, dict):
            part = _pick(value, path + ".", below, excludes)
            if part or (not value and below is None):
                picked[name] = part
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            items = list(_pick_items(value, path + ".", below, excludes))
            if items:
                picked[name] = items
        elif below is None:
            picked[name] = value
    return picked


def _pick_items(
    items: list[Any], prefix: str, includes: re.Pattern[str] | None, excludes: re.Pattern[str] | None
) -> Iterable[Any]:
    for item in items:
        if isinstance(item, dict):
            part = _pick(item, prefix, includes, excludes)
            if part or (not item and includes is None):
                yield part
        elif isinstance(item, list):
            yield list(_pick_items(item, prefix, includes, excludes))
        elif includes is None:
            yield item


@functools.lru_cache(maxsize=256)
def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_expression(pattern) for pattern in patterns), re.DOTALL)


def _expression(pattern: str) -> str:
    # Runs of stars are one star: more of them would only make the search slow.
    return ".*".join(re.escape(part) for part in re.split(r"\*+", pattern))
