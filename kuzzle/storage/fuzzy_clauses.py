"""Reads how words may differ: the clause `fuzzy`, and the options that clauses which look for words take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.reading import bad_request, read_field, read_flag, read_number, read_scalar
from kuzzle.storage.text_tree import Fuzziness, Fuzzy
from kuzzle.storage.tree import Query

# Of clauses that look for words.
FUZZINESS_OPTIONS: Final = ("fuzziness", "prefix_length", "max_expansions", "fuzzy_transpositions")

# indices.query.bool.max_clause_count of Elasticsearch: each term is a look-up of its own.
MAX_EXPANSIONS: Final = 1024
# No word is longer.
MAX_PREFIX_LENGTH: Final = 1 << 15

_AUTO: Final = re.compile(r"AUTO(?::(\d{1,5}),(\d{1,5}))?", re.IGNORECASE | re.ASCII)


def read_fuzzy(content: Mapping[str, Any]) -> Query:
    """Read `{field: word}` or `{field: {value, fuzziness, prefix_length, max_expansions, transpositions, boost}}`."""
    field, value, boost = read_field("fuzzy", content)
    options: dict[str, Any] = dict(value) if isinstance(value, dict) else {"value": value}
    names = ("value", "term", "fuzziness", "prefix_length", "max_expansions", "transpositions", "boost", "_name")
    for name in options:
        if name not in names:
            raise bad_request(f"[fuzzy] query does not support [{name}]")
    word = read_scalar("fuzzy", options.get("value", options.get("term")))
    if word is None:
        raise bad_request("query value cannot be null")
    return Fuzzy(
        field,
        str(word).lower() if isinstance(word, bool) else str(word),
        _read("fuzzy", {"fuzziness": "AUTO", **options}, "transpositions"),
        read_number("fuzzy", "boost", options.get("boost", boost)),
    )


def read_fuzziness(clause: str, options: Mapping[str, Any]) -> Fuzziness | None:
    """Read `FUZZINESS_OPTIONS` of a clause; None without `fuzziness`, though the others are checked.

    Raises:
        KuzzleError: A value that cannot be.
    """
    found = _read(clause, options, "fuzzy_transpositions")
    return None if options.get("fuzziness") is None else found


def _read(clause: str, options: Mapping[str, Any], transpositions: str) -> Fuzziness:
    prefix_length = read_number(clause, "prefix_length", options.get("prefix_length", 0))
    if prefix_length < 0:
        raise bad_request(f"[{clause}] requires prefix length to be non-negative.")
    expansions = read_number(clause, "max_expansions", options.get("max_expansions", 50))
    if expansions < 1:
        raise bad_request(f"[{clause}] requires maxExpansions to be positive.")
    errors, one_from, two_from = _errors(clause, options.get("fuzziness"))
    return Fuzziness(
        errors,
        one_from,
        two_from,
        int(min(prefix_length, MAX_PREFIX_LENGTH)),
        read_flag(clause, transpositions, options.get(transpositions, True)),
        int(min(expansions, MAX_EXPANSIONS)),
    )


def _errors(clause: str, value: Any) -> tuple[int | None, int, int]:
    """Read `0`, `1`, `2`, `"AUTO"` or `"AUTO:3,6"`."""
    if value is None:
        return None, 3, 6
    auto = _AUTO.fullmatch(value) if isinstance(value, str) else None
    if auto is not None:
        one_from, two_from = int(auto[1] or 3), int(auto[2] or 6)
        if one_from > two_from:
            raise bad_request(f"fuzziness wrongly configured [{value}], the second length is less than the first")
        return None, one_from, two_from
    errors = read_number(clause, "fuzziness", value)
    if errors not in (0, 1, 2):
        raise bad_request(f"Valid edit distances are [0, 1, 2] but was [{value}]")
    return int(errors), 3, 6
