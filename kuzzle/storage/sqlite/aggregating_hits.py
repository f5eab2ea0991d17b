"""Some documents of each bucket: `top_hits`. One statement chooses those of all buckets, one counts."""

from __future__ import annotations

from typing import Any

from kuzzle.storage.aggregations import TopHits
from kuzzle.storage.hits import Hit, SearchPage
from kuzzle.storage.sqlite.aggregating_scope import Computed, Path, Scope, Space
from kuzzle.storage.sqlite.hits import HitReader
from kuzzle.storage.sqlite.nested import root_of
from kuzzle.storage.sqlite.sort_columns import key_column, order_by
from kuzzle.storage.sqlite.sorting import Key, resolve_keys


def compute_top_hits(space: Space, kind: TopHits, scope: Scope) -> Computed:
    """Choose the hits of each bucket.

    A nested object scores as its document does.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: a sort that cannot be, or too many hits.
    """
    page = kind.page
    keys = resolve_keys(page.sort, space.state, space.nested_path)
    has_score = not keys or page.parts.has_score or any(key.sort.field == "_score" for key in keys)
    hits = _scored(space, scope, keys)
    pages: dict[Path, SearchPage] = {}
    for *around, total, best in space.rows(f"SELECT {scope.keys()}count(*), max(score) FROM ({hits}) {scope.grouping}"):
        if total:
            pages[tuple(around)] = SearchPage([], total, best if has_score else None, 0)
    reader = HitReader(space.connection, space.index, space.state, page, space.query, space.nested_path)
    order = f"{order_by(keys) if keys else 'score DESC'}, tie"
    # Keys of buckets and of the sort have names of one form: those of buckets are renamed.
    names = "".join(f"b{level}, " for level in range(scope.depth))
    partition = f"PARTITION BY {names[:-2]}" if scope.depth else ""
    columns = "".join(f", k{position}" for position in range(len(keys)))
    chosen = (
        f"SELECT {names}rid, score{columns} FROM (SELECT *, row_number() OVER ({partition} ORDER BY {order}) AS place "
        f"FROM ({_renamed(scope, hits, len(keys))})) WHERE place > {page.offset} "
        f"AND place <= {page.offset + page.size} ORDER BY {names}place"
    )
    found: list[tuple[Path, int, float | None, list[Any] | None]] = []
    for row in space.rows(chosen):
        path, (rid, score, *values) = row[: scope.depth], row[scope.depth :]
        space.count_hits(1)
        sort = [key.shown(value) for key, value in zip(keys, values, strict=True)] if keys else None
        found.append((path, rid, score if has_score else None, sort))
    for path, rid, score, sort in found:
        hit: Hit | None = reader.read(rid, score, sort)
        if hit is not None:
            pages[path].hits.append(hit)
    return Computed({path: {"hits": one} for path, one in pages.items()}, lambda: {"hits": SearchPage([], 0, None, 0)})


def _scored(space: Space, scope: Scope, keys: list[Key]) -> str:
    """Return the statement that gives `(keys, rid, score, tie, s0, s1...)` of each hit, `s0`... being the sort keys."""
    translation, documents = space.translation, space.state.documents_table
    with translation.scopes.inside(""):
        score = translation.score(space.query)
    number = translation.number(score)
    if isinstance(score, str) and space.nested_path:
        number = (
            f"(SELECT {score} FROM (SELECT d.rid AS rid) AS inside, {documents} AS d "
            f"WHERE d.rid = {root_of('inside.rid')})"
        )
    columns = "".join(
        f", {key_column(translation, space.state, key, number)} AS s{position}" for position, key in enumerate(keys)
    )
    rows = f"({scope.select}) AS d"
    if not space.nested_path:
        # Scores and keys may be about more of a document than its rid.
        rows = f"({scope.select}) AS p CROSS JOIN {documents} AS d ON d.rid = p.rid"
    prefix = "d" if space.nested_path else "p"
    tie = translation.scopes.place_column
    return f"SELECT {scope.keys(prefix)}d.rid AS rid, {number} AS score, {tie} AS tie{columns} FROM {rows}"


def _renamed(scope: Scope, hits: str, count: int) -> str:
    around = "".join(f"k{level} AS b{level}, " for level in range(scope.depth))
    columns = "".join(f", s{position} AS k{position}" for position in range(count))
    return f"SELECT {around}rid, score, tie{columns} FROM ({hits})"
