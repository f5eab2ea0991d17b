"""The query language: the tree that backends translate, and the readers that build it from what clients write."""

from kuzzle.storage.clauses import parse_query
from kuzzle.storage.search_body import parse_search
from kuzzle.storage.source_filter import SourceFilter
from kuzzle.storage.tree import (
    MATCH_ALL,
    Bool,
    Exists,
    Ids,
    MatchAll,
    MatchNone,
    Query,
    Range,
    Scalar,
    Search,
    Sort,
    Term,
    Terms,
)

__all__ = [
    "MATCH_ALL",
    "Bool",
    "Exists",
    "Ids",
    "MatchAll",
    "MatchNone",
    "Query",
    "Range",
    "Scalar",
    "Search",
    "Sort",
    "SourceFilter",
    "Term",
    "Terms",
    "parse_query",
    "parse_search",
]
