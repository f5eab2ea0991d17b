"""Texts of errors that commands of our own share with Redis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kuzzle.memory_storage.base import Words, refusal

NO_FLOAT: Final = "ERR value is not a valid float"
NO_INTEGER: Final = "ERR value is not an integer or out of range"
SYNTAX: Final = "ERR syntax error"
UNIT: Final = "ERR unsupported unit provided. please use M, KM, FT, MI"
WRONG_TYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"

_EXPIRE_TIME: Final = re.compile(r"ERR invalid expire time in '?(\w+)'?( command)?")
# Texts of fakeredis that Redis words otherwise.
_REWORDED: Final[Mapping[str, str]] = {
    "ERR min or max not a valid string range item": "ERR min or max not valid string range item",
}


def check_count(words: Words, is_right: bool) -> None:
    """Refuse a command with too many or too few arguments."""
    if not is_right:
        name = words[0].decode().lower()
        raise refusal(f"ERR wrong number of arguments for '{name}' command")


def reworded(text: str) -> str:
    """Return an error text of fakeredis as Redis words it."""
    found = _EXPIRE_TIME.fullmatch(text)
    if found:
        return f"ERR invalid expire time in '{found[1]}' command"
    return _REWORDED.get(text, text)
