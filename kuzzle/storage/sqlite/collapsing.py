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
    # Behind the order of storing nothing is compared any more: these keys only bring the values of the field.
    ends = [Key(Sort(field.path, mode="min"), field, number), Key(Sort(field.path, mode="max"), field, number)]
    found: dict[Any, Group] = {}
    if not size:
        return []
    for row in matches.stream([*order, Key(Sort("_doc")), *ends]):
        *shown, _place, value, last = row.sort or []
        if value != last:
            raise bad_request(f"failed to collapse on [{field.path}], the collapse field must be single valued")
        if value not in found:
            found[value] = Group(value, PageRow(row.rid, row.score, shown if keys else None))
            if len(found) == offset + size:
                break
    return list(found.values())[offset:]


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
