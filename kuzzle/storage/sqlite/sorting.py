"""Sort keys: the fields they name, and what is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.doc_values import check_doc_values
from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS, Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.tree import Sort
from kuzzle.storage.values import IndexedValue, index_value, ip_text

_UNSORTABLE: Final = frozenset({"geo_point", "geo_shape", "binary"})
_NUMBERS: Final = frozenset({*INTEGER_BOUNDS, *FLOAT_TYPES, "date", "boolean"})
_CALCULATED: Final = frozenset({"sum", "avg", "median"})
_GREATEST: Final = "1.7976931348623157e308"
_DOCUMENT_KEYS: Final = frozenset({"_score", "_doc", "_id", "_uid"})


@dataclass(frozen=True, slots=True)
class Key:
    """A sort key and the field it names.

    Attributes:
        field: None for `_score`, `_doc`, `_id`, `_uid`, and for a field nobody has (`unmapped_type`).
        missing: What stands for the value of a document that has none; None: it comes first or last.
    """

    sort: Sort
    field: Field | None = None
    number: int = 0
    missing: IndexedValue | None = None

    @property
    def direction(self) -> str:
        """The direction in SQL."""
        return self.sort.order.upper()

    @property
    def is_calculated(self) -> bool:
        """True when the key is none of the values but made of all of them."""
        return self.sort.mode in _CALCULATED

    @property
    def is_real(self) -> bool:
        """True when values are numbers with a fraction."""
        return self.field is not None and self.field.type in FLOAT_TYPES

    @property
    def nulls(self) -> str:
        """Where documents without a value stand, in SQL."""
        return "NULLS FIRST" if self.sort.missing == "_first" else "NULLS LAST"

    @property
    def is_index_order(self) -> bool:
        """True when the index has the documents in the order of this key."""
        counts_first = self.sort.mode in (None, "min" if self.sort.order == "asc" else "max")
        is_plain = self.missing is None and self.sort.distance is None
        is_plain = is_plain and all(level.filter is None for level in self.sort.nested)
        return self.field is not None and counts_first and is_plain

    def picked(self, column: str) -> str:
        """Return the SQL expression of the value that counts, or is made, of several in a column."""
        match self.sort.mode:
            case "sum":
                return _finite(f"sum({column})") if self.is_real else f"whole_sum({column})"
            case "avg":
                return _finite(f"avg({column})") if self.is_real else f"whole_average({column})"
            case "median":
                return _finite(f"real_median({column})") if self.is_real else f"whole_median({column})"
        return f"{self.sort.mode or ('min' if self.sort.order == 'asc' else 'max')}({column})"

    def shown(self, value: Any) -> Any:
        """Return a value of the index as a hit shows it."""
        if self.sort.distance is not None and value in (None, math.inf):
            return "Infinity"  # as Elasticsearch writes it: JSON has no such number
        return ip_text(value) if isinstance(value, bytes) else value


def _finite(made: str) -> str:
    """Keep what is made of great numbers among those that JSON has: clients send it back to get the next page."""
    return f"min(max({made}, -{_GREATEST}), {_GREATEST})"


def resolve_keys(sorts: tuple[Sort, ...], state: CollectionState, scope: str = "") -> list[Key]:
    """Find the fields of sort keys.

    Args:
        scope: Path of the nested objects that are sorted, empty for documents.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: no such field, or one that cannot be
            sorted by.
    """
    return [_resolve_distance(sort, state, scope) if sort.distance else _resolve(sort, state, scope) for sort in sorts]


def _resolve_distance(sort: Sort, state: CollectionState, scope: str) -> Key:
    field = _find_field(sort, state, scope)
    if field is None:
        if sort.distance is not None and sort.distance.ignore_unmapped:
            return Key(sort)
        raise bad_request(f"failed to find mapper for [{sort.field}] for geo distance based sort")
    if field.type != "geo_point":
        raise bad_request(f"field [{sort.field}] is not a geo_point field")
    check_doc_values(field)
    return Key(sort, field, state.field_numbers[field.key])


def _resolve(sort: Sort, state: CollectionState, scope: str) -> Key:
    if sort.field in _DOCUMENT_KEYS:
        return Key(sort)
    field = _find_field(sort, state, scope)
    if field is None:
        if sort.unmapped_type is None:
            raise bad_request(f"No mapping found for [{sort.field}] in order to sort on")
        return Key(sort)
    check_doc_values(field)
    if field.type in _UNSORTABLE:
        raise bad_request(f"can't sort on {field.type} field [{sort.field}] without using specific sorting feature")
    if sort.mode in _CALCULATED and field.type not in _NUMBERS:
        raise bad_request(f"we only support AVG, MEDIAN and SUM on number based fields, not on [{sort.field}]")
    return Key(sort, field, state.field_numbers[field.key], _missing_value(sort, field))


def _find_field(sort: Sort, state: CollectionState, scope: str) -> Field | None:
    """Return the field of a sort, None if there is none of that name where the sort looks for it."""
    if scope and sort.nested:
        raise bad_request(f"[nested_path] is not supported in a sort of the nested objects [{scope}]")
    around = scope
    for level in sort.nested:
        state.mapping.check_nested(level.path)
        if around and state.mapping.nested_around(level.path) != around:
            raise bad_request(f"[nested] the path [{level.path}] does not stand directly in [{around}]")
        around = level.path
    found = state.mapping.find_field(sort.field, around)
    field = state.mapping.fields.get(sort.field)
    if found is not None or field is None:
        return found
    if scope:
        raise bad_request(f"the nested objects [{scope}] do not directly hold the field [{sort.field}]")
    if not around:
        raise bad_request(
            f"[nested_path] is needed to sort on [{sort.field}], a field of the nested objects [{field.nested_path}]"
        )
    raise bad_request(f"[nested_path] [{around}] does not directly hold the field [{sort.field}]")


def _missing_value(sort: Sort, field: Field) -> IndexedValue | None:
    if sort.missing in ("_last", "_first"):
        return None
    try:
        return str(sort.missing) if field.type == "text" else index_value(field, sort.missing)
    except KuzzleError:
        raise bad_request(f"[missing] of [{sort.field}] is no value of its type: [{sort.missing}]") from None
