"""One hit for each value of a field, and the hits of a value.

All matches are met in their order, and the first of each group is taken, until the page is full: what is
kept is bounded by the end of the page, not by the number of groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS, Field
from kuzzle.storage.hit_tree import Collapse
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.pages import Matches, PageRow
from kuzzle.storage.sqlite.sorting import Key
from kuzzle.storage.tree import Bool, Exists, Query, Sort, Term

# Stands for several values: neither a keyword nor a number is a blob.
_SEVERAL: Final = "x''"
_TYPES: Final = frozenset({"keyword", *INTEGER_BOUNDS, *FLOAT_TYPES})


@dataclass(frozen=True, slots=True)
class Group:
    """A group of documents, and the first hit among them; `value` is None for documents without one."""

    value: Any
    first: PageRow


def find_groups(
    matches: Matches, state: CollectionState, collapse: Collapse, keys: list[Key], offset: int, size: int
) -> list[Group]:
    """Return the groups of a page in the order of their first hits.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: the field cannot be collapsed on, or a hit
            has several values of it.
    """
    field = _resolve(state, collapse)
    number = state.field_numbers[field.key]
    order = keys or [Key(Sort("_score", "desc"))]
    value_column = (
        f"(SELECT iif(count(*) > 1, {_SEVERAL}, min(value)) FROM {state.values_table} INDEXED BY {state.values_index} "
        f"WHERE rid = d.rid AND field = {number})"
    )
    found: dict[Any, Group] = {}
    if not size:
        return []
    for rid, value, *values in matches.stream_with(value_column, order):
        if value in found:
            continue
        if isinstance(value, bytes):
            raise bad_request(f"failed to collapse on [{field.path}], the collapse field must be single valued")
        found[value] = Group(value, _row(rid, values, order, is_sorted=bool(keys)))
        if len(found) == offset + size:
            break
    return list(found.values())[offset:]


def _row(rid: int, values: list[Any], order: list[Key], *, is_sorted: bool) -> PageRow:
    scores = [value for key, value in zip(order, values, strict=True) if key.sort.field == "_score"]
    shown = [key.shown(value) for key, value in zip(order, values, strict=True)] if is_sorted else None
    return PageRow(rid, scores[0] if scores else None, shown)


def _resolve(state: CollectionState, collapse: Collapse) -> Field:
    field = state.mapping.find_field(collapse.field, "")
    if field is None:
        raise bad_request(f"no mapping found for `{collapse.field}` in order to collapse on")
    if field.type not in _TYPES:
        raise bad_request(f"unknown type for collapse field `{collapse.field}`, only keywords and numbers are accepted")
    if field.definition.get("doc_values") in (False, "false"):
        raise bad_request(f"cannot collapse on field `{collapse.field}` without `doc_values`")
    if collapse.inner and not field.is_searchable:
        raise bad_request(
            f"cannot expand `inner_hits` for collapse field `{collapse.field}`, only indexed field can retrieve "
            "`inner_hits`"
        )
    return field


def in_group(query: Query, field: str, group: Group) -> Query:
    """Return the query that finds, of what `query` matches, the documents of a group; scores stay."""
    if group.value is None:
        return Bool(must=(query,), must_not=(Exists(field),))
    return Bool(must=(query,), filter=(Term(field, group.value),))
