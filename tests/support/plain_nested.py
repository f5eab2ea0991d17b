"""Nested objects, searched and sorted by the obvious way; and random ones. Each is looked at by itself.

Fields: `k` keyword of the document; `k` keyword and `n` long of nested `items`, and of nested `parts` in these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plain_queries
from hypothesis import strategies as st

from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.nested_tree import Nested, NestedLevel
from kuzzle.storage.query import Bool, Exists, MatchAll, Query, Range, Sort, Term

PART = {"k": {"type": "keyword"}, "n": {"type": "long"}}
MAPPING = {
    "properties": {
        "items": {"type": "nested", "properties": {**PART, "parts": {"type": "nested", "properties": PART}}},
        "k": {"type": "keyword"},
    }
}

KEYS, NUMBERS = st.sampled_from(["red", "blue"]), st.integers(0, 2)
LEAF = {"k": KEYS, "n": NUMBERS}


def objects(optional: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Make what a path of objects holds: one, a list of some, or nothing."""
    one = st.fixed_dictionaries({}, optional=optional)
    return st.one_of(one, st.none(), st.lists(st.one_of(one, st.none()), max_size=3))


ITEMS = objects({**LEAF, "parts": objects(LEAF)})
DOCUMENTS = st.lists(st.fixed_dictionaries({}, optional={"items": ITEMS, "k": KEYS}), min_size=1, max_size=6)


def leaves(prefix: str) -> st.SearchStrategy[Query]:
    """Make clauses on the fields below a path."""
    return st.one_of(
        st.builds(Term, st.just(f"{prefix}k"), KEYS, st.sampled_from([1.0, 2.0])),
        st.builds(Range, st.just(f"{prefix}n"), NUMBERS, st.none()),
        st.builds(Exists, st.sampled_from([f"{prefix}k", f"{prefix}n"])),
        st.builds(MatchAll, st.sampled_from([1.0, 3.0])),
    )


def bools(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    """Make clauses of clauses."""
    some = st.lists(inner, max_size=2).map(tuple)
    return st.one_of(inner, st.builds(Bool, some, st.just(()), some, some))


def nesteds(path: str, inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    """Make nested queries."""
    modes = st.sampled_from(["avg", "sum", "min", "max", "none"])
    return st.builds(Nested, st.just(path), bools(inner), modes, boost=st.sampled_from([1.0, 2.0]))


IN_PARTS = leaves("items.parts.")
IN_ITEMS = st.one_of(leaves("items."), nesteds("items.parts", IN_PARTS))
QUERIES = bools(
    st.one_of(nesteds("items", IN_ITEMS), nesteds("items.parts", IN_PARTS), st.builds(Term, st.just("k"), KEYS))
)


def listed(value: Any) -> list[Any]:
    """Return what a path holds as a list of objects."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def below(place: str, thing: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """Return the nested objects of a path below a thing that stands at a place."""
    found = [thing]
    for name in path.removeprefix(f"{place}." if place else "").split("."):
        found = [item for outer in found for item in listed(outer.get(name))]
    return found


def score(query: Query, place: str, thing: Mapping[str, Any]) -> float | None:
    """Return the score of a document or nested object, None when it does not match."""
    if isinstance(query, MatchAll):
        return query.boost
    if isinstance(query, Nested):
        scores = [
            found
            for item in below(place, thing, query.path)
            if (found := score(query.query, query.path, item)) is not None
        ]
        if not scores:
            return None
        picked = {
            "avg": sum(scores) / len(scores), "sum": sum(scores), "min": min(scores), "max": max(scores), "none": 0.0
        }  # fmt: skip
        return picked[query.score_mode] * query.boost
    if isinstance(query, Bool):
        must = [score(inner, place, thing) for inner in query.must]
        should = [score(inner, place, thing) for inner in query.should]
        is_refused = None in must or any(score(inner, place, thing) is not None for inner in query.must_not)
        if is_refused or sum(found is not None for found in should) < query.required_should:
            return None
        return sum(found for found in (*must, *should) if found is not None)
    assert isinstance(query, Term | Range | Exists)
    values = values_below(place, thing, query.field)
    if isinstance(query, Term):
        is_match = query.value in values
    else:
        is_match = any(not isinstance(query, Range) or value >= query.lower for value in values)
    return query.boost if is_match else None


def values_below(place: str, thing: Mapping[str, Any], field: str) -> list[Any]:
    """Return the values of a field in a thing that stands at a place, and in all that stand in it."""
    prefix = f"{place}." if place else ""
    return plain_queries.values_of(thing, field.removeprefix(prefix)) if field.startswith(prefix) else []


def sorts_by(*levels: tuple[str, st.SearchStrategy[Query]]) -> st.SearchStrategy[Sort]:
    """Make sort keys on a field of the last of some paths; of each its clauses are given too."""
    nested = st.tuples(
        *(st.builds(NestedLevel, st.just(path), st.one_of(st.none(), bools(inner))) for path, inner in levels)
    )
    path = levels[-1][0]
    orders, missing = st.sampled_from(["asc", "desc"]), st.sampled_from(["_last", "_first"])
    ends = st.sampled_from([None, "min", "max"])
    modes = st.sampled_from([None, "min", "max", "sum", "avg", "median"])
    return st.one_of(
        st.builds(Sort, st.just(f"{path}.k"), orders, ends, missing, nested=nested),
        st.builds(Sort, st.just(f"{path}.n"), orders, modes, missing, nested=nested),
    )


# Where each nested object says what holds its values too, besides the flags that say so.
INCLUDED: Mapping[str, tuple[dict[str, Any], dict[str, Any], dict[str, tuple[str, ...]]]] = {
    "items in the document": (
        {"include_in_root": True},
        {},
        {"items": ("",), "items.parts": ()},
    ),
    "parts in items": (
        {},
        {"include_in_parent": True},
        {"items": (), "items.parts": ("items",)},
    ),
    "parts in the document": (
        {"include_in_parent": "false"},
        {"include_in_root": "true"},
        {"items": (), "items.parts": ("",)},
    ),
    "all in the document": (
        {"include_in_parent": True, "include_in_root": True},
        {"include_in_parent": True},
        {"items": ("",), "items.parts": ("items", "")},
    ),
}


def leaves_at(place: str, holders: Mapping[str, tuple[str, ...]]) -> st.SearchStrategy[Query]:
    """Make clauses on fields of nested objects that are included in what stands at a place."""
    paths = [path for path, found in holders.items() if place in found]
    return st.one_of(*(leaves(f"{path}.") for path in paths)) if paths else st.just(MatchAll())


@st.composite
def included_queries(draw: st.DrawFn, holders: Mapping[str, tuple[str, ...]]) -> Query:
    """Make queries that ask what is around nested objects for their values."""
    in_items = st.one_of(IN_ITEMS, leaves_at("items", holders))
    return draw(bools(st.one_of(leaves_at("", holders), nesteds("items", in_items), QUERIES)))


@st.composite
def included_sorts(draw: st.DrawFn, holders: Mapping[str, tuple[str, ...]]) -> tuple[Sort, ...]:
    """Make sorts of documents, or of their items, by the values of what stands in them."""
    keys = []
    for path, found in holders.items():
        for holder in found:
            nested = (NestedLevel(holder),) if holder else ()
            modes = st.sampled_from([None, "min", "max", "sum", "avg", "median"])
            keys.append(st.builds(Sort, st.just(f"{path}.n"), st.sampled_from(["asc", "desc"]), modes,
                                  nested=st.just(nested)))  # fmt: skip
    return draw(st.lists(st.one_of(*keys), min_size=1, max_size=2).map(tuple))


SORTS = st.lists(
    st.one_of(
        sorts_by(("items", IN_ITEMS)),
        sorts_by(("items.parts", IN_PARTS)),
        sorts_by(("items", IN_ITEMS), ("items.parts", IN_PARTS)),
        st.builds(Sort, st.just("k"), st.sampled_from(["asc", "desc"])),
    ),
    min_size=1,
    max_size=2,
).map(tuple)


def sort_values(source: Mapping[str, Any], sort: Sort) -> list[Any]:
    """Return the values of a document that a sort key is about."""
    place, things = "", [source]
    for level in sort.nested:
        things = [item for thing in things for item in below(place, thing, level.path)]
        place = level.path
        if level.filter is not None:
            things = [item for item in things if score(level.filter, place, item) is not None]
    return [value for thing in things for value in set(values_below(place, thing, sort.field))]


# --- documents and nested objects as things that are aggregated


@dataclass(eq=False)
class Thing:
    """A document, or a nested object.

    Attributes:
        place: Path of the nested objects that it is one of, empty for a document.
        around: What it stands in.
        steps: Name and place in its list of each nested object, from the document inwards.
        document_score: How well its document matches.
    """

    document_id: str
    content: Mapping[str, Any]
    document_score: float
    place: str = ""
    around: Thing | None = None
    steps: tuple[tuple[str, int], ...] = ()

    def below(self, path: str) -> list[Thing]:
        """Return the nested objects of a path."""
        name, _, rest = path.removeprefix(f"{self.place}." if self.place else "").partition(".")
        value = self.content.get(name)
        place = f"{self.place}.{name}" if self.place else name
        found = [
            Thing(self.document_id, item, self.document_score, place, self, (*self.steps, (name, offset)))
            for offset, item in enumerate(value if isinstance(value, list) else [value])
            if isinstance(item, dict)
        ]
        return [inner for thing in found for inner in thing.below(path)] if rest else found

    def standing_in(self, path: str) -> Thing:
        """Return the document, or the nested object of a path, around."""
        return self if self.place == path or self.around is None else self.around.standing_in(path)

    def matches(self, query: Query) -> bool:
        """Tell whether a query on such things finds it."""
        return score(query, self.place, self.content) is not None

    def values_of(self, field: str) -> list[Any]:
        """Return all its values of a field."""
        return values_below(self.place, self.content, field)


def top_hits(page: HitPage, things: Sequence[Thing]) -> dict[str, Any]:
    """Return the page of hits of a bucket: `[id, steps, score, sort, content]` each."""
    ordered = list(things) if page.sort else sorted(things, key=lambda thing: -thing.document_score)
    for sort in reversed(page.sort):
        keyed = [(_top_key(thing, sort), thing) for thing in ordered]
        with_key = sorted((one for one in keyed if one[0] is not None), key=lambda one: one[0],
                          reverse=sort.order == "desc")  # fmt: skip
        without = [one for one in keyed if one[0] is None]
        ordered = [thing for _, thing in (without + with_key if sort.missing == "_first" else with_key + without)]
    has_score = not page.sort or page.parts.has_score or any(sort.field == "_score" for sort in page.sort)
    hits = [
        {
            "id": thing.document_id,
            "nested": list(thing.steps) or None,
            "score": thing.document_score if has_score else None,
            "sort": [_top_key(thing, sort) for sort in page.sort] or None,
            "source": thing.content,
        }
        for thing in ordered[page.offset : page.offset + page.size]
    ]
    best = max((thing.document_score for thing in things), default=None) if has_score else None
    return {"total": len(things), "max_score": best, "hits": hits}


def _top_key(thing: Thing, sort: Sort) -> Any:
    if sort.field == "_score":
        return thing.document_score
    values = thing.values_of(sort.field)
    return plain_queries.picked(values, sort) if values else None
