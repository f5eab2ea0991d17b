"""Buckets of nested objects, and of what these stand in: `nested` and `reverse_nested`.

Within `nested` a scope has nested objects for its rows: their rids lie in the table of values like those of
documents, so whatever aggregates documents aggregates them.
"""

from __future__ import annotations

from kuzzle.storage.aggregations import NestedBucket, ReverseNestedBucket
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.aggregating_filters import compute_bucket
from kuzzle.storage.sqlite.aggregating_scope import Below, Computed, Scope, Space
from kuzzle.storage.sqlite.expressions import EVERYTHING
from kuzzle.storage.sqlite.nested import number_in_document, object_rid, objects_in, root_of


def compute_nested(space: Space, kind: NestedBucket, scope: Scope, below: Below) -> Computed:
    """Compute one bucket of the nested objects in the documents, or nested objects, of a scope.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: the path is that of something else.
    """
    mapping = space.state.mapping
    if kind.path in mapping.fields or (kind.path in mapping.objects and kind.path not in mapping.nested):
        raise bad_request(f"[nested] nested path [{kind.path}] is not nested")
    inner = _inside(space, scope, kind.path)
    with space.translation.scopes.inside(kind.path):
        return compute_bucket(space, inner, below)


def _inside(space: Space, scope: Scope, path: str) -> Scope:
    levels = _levels(space, path, space.nested_path)
    if not levels:
        # Nobody mapped it, or it stands somewhere else.
        return Scope(scope.depth, f"SELECT * FROM ({scope.select}) WHERE 0")
    table, select = space.state.values_table, scope.select
    if not space.nested_path:
        number = space.state.field_numbers[path]
        walk = _walk(space, scope)
        if walk is not None:
            return Scope(0, f"SELECT d.rid AS rid FROM {table} AS d WHERE d.field = {number} AND {walk}", walk)
        select = (
            f"SELECT {scope.keys('p')}v.rid AS rid FROM ({select}) AS p CROSS JOIN {table} AS v "
            f"INDEXED BY {space.state.values_index} ON {objects_in('p.rid', 'v.rid')} AND v.field = {number}"
        )
        return Scope(scope.depth, select)
    for level in levels:
        select = (
            f"SELECT {scope.keys('p')}v.rid AS rid FROM ({select}) AS p CROSS JOIN {table} AS v "
            f"ON v.field = {space.state.field_numbers[level]} AND v.value = {number_in_document('p.rid')} "
            f"AND {objects_in(root_of('p.rid'), 'v.rid')}"
        )
    return Scope(scope.depth, select)


def _levels(space: Space, path: str, around: str) -> list[str]:
    """Return the paths of nested objects from below one down to another; none: they do not stand so."""
    mapping = space.state.mapping
    levels: list[str] = []
    while path and path != around:
        if path not in mapping.nested:
            return []
        levels.insert(0, path)
        path = mapping.nested_around(path)
    return levels if path == around else []


def _walk(space: Space, scope: Scope) -> str | None:
    if scope.walk is None or scope.walk == EVERYTHING:
        return scope.walk
    documents = f"SELECT d.rid FROM {space.state.documents_table} AS d WHERE {scope.walk}"
    return f"{root_of('d.rid')} IN ({documents})"


def compute_reverse_nested(space: Space, kind: ReverseNestedBucket, scope: Scope, below: Below) -> Computed:
    """Compute one bucket of the documents, or of the nested objects, that those of a scope stand in.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: there is nothing around.
    """
    if not space.nested_path:
        raise bad_request("Reverse nested aggregation can not be used outside a [nested] aggregation")
    path = kind.path or ""
    if path:
        space.state.mapping.check_nested(path)
        if not _levels(space, space.nested_path, path):
            raise bad_request(
                f"[reverse_nested] nested path [{path}] does not stand around the nested objects [{space.nested_path}]"
            )
    inner = _around(space, scope, path)
    with space.translation.scopes.inside(path):
        return compute_bucket(space, inner, below)


def _around(space: Space, scope: Scope, path: str) -> Scope:
    select = scope.select
    if not path:
        select = f"SELECT {scope.keys('p')}{root_of('p.rid')} AS rid FROM ({select}) AS p"
    else:
        for level in reversed(_levels(space, space.nested_path, path)):
            select = (
                f"SELECT {scope.keys('p')}{object_rid(root_of('p.rid'), 'v.value')} AS rid FROM ({select}) AS p "
                f"CROSS JOIN {space.state.values_table} AS v INDEXED BY {space.state.values_index} "
                f"ON v.rid = p.rid AND v.field = {space.state.field_numbers[level]}"
            )
    return Scope(scope.depth, f"SELECT DISTINCT * FROM ({select})")
