"""What `schemas/events.json` says of the events of the server."""

from __future__ import annotations

import functools
import re

from kuzzle.schemas import load_schema


def waits_for_nobody(event: str) -> bool:
    """Tell whether an event has hooks alone; wildcards and the events of plugins have pipes too."""
    return _hook_events().fullmatch(event) is not None


@functools.cache
def _hook_events() -> re.Pattern[str]:
    """Return what matches the names of such events: read with the first pipe, for many servers have none."""
    names = (event["name"] for event in load_schema("events.json") if event["kind"] == "hook")
    return re.compile("|".join(re.sub(r"<\w+>", r"\\w+", name) for name in names))
