"""JSON in and out of the server: one parser with one set of manners for every protocol."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

# orjson turns integers beyond 64 bits into floats; only a text with so many digits together can hold one. They are
# looked for in a copy where every digit is a zero, which takes a tenth of the time of a regular expression.
_DIGITS_AS_ZEROS: Final = bytes(ord("0") if chr(code).isdecimal() else ord(" ") for code in range(256))
_LONG_NUMBER: Final = b"0" * 19


class JsonError(ValueError):
    """The text is no JSON, or holds an integer that would lose digits."""


def decode_json(data: bytes | bytearray | str) -> Any:
    """Parse a JSON text.

    Raises:
        JsonError: Not JSON (RFC 8259), nested too deep, or an integer beyond 64 bits.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise JsonError(str(error)) from None
    if value.__class__ is dict:
        for member in value.values():
            if member.__class__ is not str:
                break
        else:  # as most requests without a body: texts hold no numbers
            return value
    text = data.encode() if isinstance(data, str) else data
    if _LONG_NUMBER in text.translate(_DIGITS_AS_ZEROS):
        try:
            json.loads(text, parse_int=_exact_integer)
        except RecursionError:
            raise JsonError("nested too deep") from None
    return value


def _exact_integer(digits: str) -> int:
    value = int(digits) if len(digits) < 32 else 1 << 64
    if not -(1 << 63) <= value < 1 << 64:
        raise JsonError(f"integer beyond 64 bits: {digits[:40]}")
    return value


def encode_json(value: Any, *, pretty: bool = False) -> bytes:
    """Return the JSON text of a value, as UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if pretty else None)


def copy_json(value: Any) -> Any:
    """Return a value as it would come by a protocol, nothing of it shared.

    Raises:
        JsonError: It is no JSON.
    """
    try:
        return orjson.loads(orjson.dumps(value))
    except (TypeError, orjson.JSONDecodeError) as error:
        raise JsonError(str(error)) from None
