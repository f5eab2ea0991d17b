"""Error replies of Redis that tell of its own state instead of a mistake in the command."""

from __future__ import annotations

from typing import Final

from kuzzle.errors import CacheUnavailableError, KuzzleError

# The codes in front of such texts.
_UNREACHABLE: Final = frozenset(
    {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH", "WRONGPASS", "NOPERM"}
)
_UNWRITABLE: Final = frozenset({"OOM", "READONLY", "MISCONF", "NOREPLICAS"})


def state_error(text: str) -> KuzzleError | None:
    """Turn an error reply into `services.cache.not_connected` or `write_failed`; None: it tells of the command."""
    code = text.partition(" ")[0]
    if code in _UNREACHABLE:
        return CacheUnavailableError()
    if code in _UNWRITABLE:
        return KuzzleError("services.cache.write_failed", text)
    return None
