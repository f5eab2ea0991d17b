"""Values as fields understand them: what a document's value becomes in an index, what a query's value means.

| type | indexed as |
|---|---|
| text | its tokens |
| keyword | text |
| long, integer, short, byte | integer, all 64 bits |
| double, float, half_float, scaled_float | float, rounded as the type stores it |
| boolean | 0 or 1 |
| date | integer, milliseconds since 1970 |
| ip | 16 bytes |
| geo_point | 24 bytes: what sorts near places near, then latitude and longitude |

Types that only tell whether there is a value (geo_shape, binary) are indexed as PRESENT.
"""

from __future__ import annotations

import ipaddress
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS, Field
from kuzzle.storage.geo import GeoProblem, encode_point, read_point

IndexedValue = str | int | float | bytes
PRESENT: Final = b""
"""Says that a field has a value without saying which: a text without tokens, a shape, a blob."""

# What Lucene takes as one term.
MAX_TERM_BYTES: Final = 32766

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


class ValueProblem(Exception):
    """A value does not fit the type of its field; the text says why."""


def index_value(field: Field, value: Any) -> IndexedValue | None:
    """Return what a field other than text indexes for one value of a document, None for nothing.

    Args:
        value: Neither None nor a list.

    Raises:
        KuzzleError: 400 `services.storage.wrong_mapping_property` naming the field.
    """
    try:
        return _INDEXERS[field.type](field, value)
    except (ValueProblem, ValueError, OverflowError) as error:
        if field.definition.get("ignore_malformed") in (True, "true"):
            return None
        raise KuzzleError("services.storage.wrong_mapping_property", field.path) from error


def text_of(field: Field, value: Any) -> str:
    """Return the text that a text field analyses.

    Raises:
        KuzzleError: 400 `services.storage.wrong_mapping_property` naming the field.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise KuzzleError("services.storage.wrong_mapping_property", field.path)
    return _plain_text(value)


def query_value(field: Field, value: Any) -> IndexedValue | None:
    """Return what a term of a query is compared with; None when no document can hold it.

    Dates are not handled here: they name spans.

    Raises:
        ValueProblem: The value is none of the field's type.
    """
    if field.type in ("text", "keyword"):
        return _plain_text(value)
    if field.type in INTEGER_BOUNDS:
        number = exact_number(value)
        if isinstance(number, float) and not number.is_integer():
            return None
        low, high = INTEGER_BOUNDS[field.type]
        return int(number) if low <= number <= high else None
    if field.type in FLOAT_TYPES:
        return _round_float(field, float(exact_number(value)))
    if field.type == "boolean":
        return _boolean(value)
    if field.type == "ip":
        return _ip_bytes(value)
    return None


def range_bound(field: Field, value: Any) -> int | float:
    """Return what the values of a number field are compared with.

    Raises:
        ValueProblem
    """
    number = exact_number(value)
    if isinstance(number, int) and not -(1 << 63) <= number < 1 << 63:
        number = _wide_float(number)
    if field.type in ("float", "half_float"):
        try:
            return _round_float(field, float(number))
        except OverflowError:
            return math.copysign(math.inf, number)
    return number


def _wide_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def exact_number(value: Any) -> int | float:
    """Return a number given as such or as text; integers keep all their digits.

    Raises:
        ValueProblem
    """
    if isinstance(value, bool):
        raise ValueProblem(f'For input string: "{_plain_text(value)}"')
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if not isinstance(value, str) or len(value) > 400 or not _NUMBER.fullmatch(value):
        raise ValueProblem(f'For input string: "{value}"')
    return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value, re.ASCII) else _finite(float(value))


def ip_range(value: Any) -> tuple[bytes, bytes] | None:
    """Return first and last address of `network/bits`, None for a single address.

    Raises:
        ValueProblem
    """
    if not isinstance(value, str) or "/" not in value:
        return None
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueProblem(f"'{value}' is not an IP string literal.") from None
    return _ip_bytes(str(network[0])), _ip_bytes(str(network[-1]))


def ip_text(value: bytes) -> str:
    """Return an indexed address as text."""
    address = ipaddress.IPv6Address(value)
    return str(address.ipv4_mapped or address)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueProblem("a number must be finite")
    return value


def _index_keyword(field: Field, value: Any) -> str | None:
    if isinstance(value, dict):
        raise ValueProblem("an object is no keyword")
    text = _plain_text(value)
    if len(text) > field.definition.get("ignore_above", len(text)):
        return None
    if len(text) > MAX_TERM_BYTES // 4 and len(text.encode()) > MAX_TERM_BYTES:
        raise ValueProblem("immense term")
    return text


def _index_integer(field: Field, value: Any) -> int:
    low, high = INTEGER_BOUNDS[field.type]
    if type(value) is int and low <= value <= high:
        return value
    number = exact_number(value)
    is_strict = field.definition.get("coerce") in (False, "false")
    if is_strict and (isinstance(value, str) or (isinstance(number, float) and not number.is_integer())):
        raise ValueProblem("not an integer, and coerce is off")
    if not low <= int(number) <= high:
        raise ValueProblem("out of range")
    return int(number)


def _index_float(field: Field, value: Any) -> float:
    number = exact_number(value)
    if isinstance(value, str) and field.definition.get("coerce") in (False, "false"):
        raise ValueProblem("a text, and coerce is off")
    return _finite(_round_float(field, float(number)))


def _round_float(field: Field, number: float) -> float:
    if field.type == "double":
        return number
    if field.type == "scaled_float":
        factor: float = field.definition["scaling_factor"]
        # Half up, as Java rounds.
        return math.floor(number * factor + 0.5) / factor
    code = "f" if field.type == "float" else "e"
    rounded: float = struct.unpack(code, struct.pack(code, number))[0]
    return rounded


_FALSE_TEXTS: Final = frozenset({"false", "off", "no", "0", ""})


def _boolean(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return int(value != 0)
    if not isinstance(value, str):
        raise ValueProblem("not a boolean")
    if value in ("true", "on", "yes", "1"):
        return 1
    if value in _FALSE_TEXTS:
        return 0
    raise ValueProblem(f"Can't parse boolean value [{value}], expected [true] or [false]")


def _index_boolean(_field: Field, value: Any) -> int:
    return _boolean(value)


def _index_date(field: Field, value: Any) -> int:
    if isinstance(value, bool | dict) or field.date_format is None:
        raise ValueProblem("not a date")
    # An integer of five digits and more can only be milliseconds here: the common case, made short.
    if type(value) is int and value > 9999 and "format" not in field.definition:
        return value
    millis = field.date_format.parse(value)
    if not -(1 << 63) <= millis < 1 << 63:
        raise ValueProblem("out of range")
    return millis


def _ip_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueProblem("an address is a text")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise ValueProblem(f"'{value}' is not an IP string literal.") from None
    if "%" in value:
        raise ValueProblem(f"'{value}' is not an IP string literal: it names a zone.")
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def _index_ip(_field: Field, value: Any) -> bytes:
    return _ip_bytes(value)


def _index_point(_field: Field, value: Any) -> bytes:
    try:
        return encode_point(read_point(value))
    except GeoProblem as problem:
        raise ValueProblem(str(problem)) from None


def _index_shape(_field: Field, value: Any) -> bytes:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise ValueProblem("not a shape")
    return PRESENT


def _index_binary(_field: Field, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueProblem("not a base64 text")
    return PRESENT


_INDEXERS: Final[dict[str, Callable[[Field, Any], IndexedValue | None]]] = {
    "keyword": _index_keyword,
    **dict.fromkeys(INTEGER_BOUNDS, _index_integer),
    **dict.fromkeys(FLOAT_TYPES, _index_float),
    "boolean": _index_boolean,
    "date": _index_date,
    "ip": _index_ip,
    "geo_point": _index_point,
    "geo_shape": _index_shape,
    "binary": _index_binary,
}
