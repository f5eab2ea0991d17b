"""What readers of single aggregations share: options by name, fields, values, orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.aggregations import BucketOrder
from kuzzle.storage.reading import bad_request, read_number
from kuzzle.storage.tree import Scalar

# Deeper trees are an attack or a defect: every level is one more key to group by.
MAX_DEPTH: Final = 10


def check_options(type_name: str, content: Any, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the options of an aggregation after refusing unknown ones by name."""
    if not isinstance(content, dict):
        raise bad_request(f"Expected [START_OBJECT] under [{type_name}]")
    for option in content:
        if option == "script":
            raise bad_request(f"[{type_name}] [script] is not supported")
        if option not in allowed:
            raise bad_request(f"[{type_name}] unknown field [{option}], parser not found")
    return content


def field_of(type_name: str, content: Mapping[str, Any]) -> str:
    """Return the field that an aggregation is about."""
    field = content.get("field")
    if not isinstance(field, str) or not field:
        raise bad_request(f"Required one of fields [field, script], but none were specified in [{type_name}]")
    return field


def single_value(type_name: str, name: str, value: Any) -> Scalar:
    """Return an option that is a single value."""
    if isinstance(value, dict | list):
        raise bad_request(f"[{type_name}] [{name}] must be a single value")
    scalar: Scalar = value
    return scalar


def read_count(type_name: str, name: str, value: Any, least: int) -> int:
    """Return an option that is a whole number; texts of digits count as numbers."""
    number = read_number(type_name, name, value)
    if not number.is_integer() or number < least:
        raise bad_request(f"[{name}] must be an integer of at least {least}. Found [{value}] in [{type_name}]")
    return int(number)


def read_orders(type_name: str, value: Any) -> tuple[BucketOrder, ...]:
    """Return `{path: direction}`, or a list of these; a path is `_count`, `_key`, `metric.part` or `bucket>metric`."""
    orders = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict) or len(item) != 1:
            raise bad_request(f"Must specify at least one field for [order] in [{type_name}]")
        ((path, direction),) = item.items()
        if str(direction).lower() not in ("asc", "desc"):
            raise bad_request(f"Unknown order direction [{direction}] in [{type_name}]")
        *around, last = path.split(">")
        name, dot, part = last.partition(".")
        names = ("_key",) if path in ("_term", "_time", "_key") else (*around, name)
        if around and last == "_count":
            names, dot, part = tuple(around), ".", "doc_count"
        orders.append(BucketOrder(names, str(direction).lower() == "desc", part if dot else None))
    if len(orders) > MAX_DEPTH:
        raise bad_request(f"Too many orders in [{type_name}]: at most [{MAX_DEPTH}] are allowed")
    return tuple(orders)
