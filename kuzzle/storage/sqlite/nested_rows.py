"""The rows of nested objects in the table of values.

The nested objects of a document are numbered from 1 in the order of its text. The values of one lie in the
table of values like those of a document, under an `rid` of their own below 0: `-(rid of the document * 2^20 +
number)`. One row more, under the number of the nested path itself, says that the object is there; its value is
the number of the nested object around it, 0 for the document. So whatever finds documents by `rid` finds nested
objects too, and never takes one for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# index.mapping.nested_objects.limit of Elasticsearch; below 2^20, which the numbers of rows allow.
MAX_NESTED_OBJECTS: Final = 10000
NUMBER_BITS: Final = 20
LAST_NUMBER: Final = (1 << NUMBER_BITS) - 1


@dataclass(frozen=True, slots=True)
class NestedObject:
    """A nested object as it stands in a document.

    Attributes:
        offset: Its place in its list, 0 outside of one.
        parent: Number of the nested object around it, 0 for the document.
    """

    path: str
    offset: int
    parent: int
    source: Mapping[str, Any]


def nested_rid(rid: int, number: int) -> int:
    """Return the rid of a nested object of a document."""
    return -((rid << NUMBER_BITS) + number)


def nested_rids(rid: int) -> tuple[int, int]:
    """Return the lowest and highest rid that nested objects of a document can have."""
    return -((rid << NUMBER_BITS) + LAST_NUMBER), -((rid << NUMBER_BITS) + 1)


def root_rid(rid: int) -> int:
    """Return the rid of the document that a nested object is part of."""
    return -rid >> NUMBER_BITS


def nested_number(rid: int) -> int:
    """Return the number of a nested object from its rid."""
    return -rid & LAST_NUMBER
