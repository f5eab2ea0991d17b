"""What readers of single clauses share: the error they raise, and the small values that clauses hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.tree import Query, Scalar

# index.max_terms_count of Elasticsearch.
MAX_TERMS: Final = 65536

# Clauses whose options stand below the name of their field.
_FIELD_CLAUSES: Final = frozenset(
    {"fuzzy", "match", "match_bool_prefix", "match_phrase", "match_phrase_prefix", "prefix", "range", "regexp", "term",
     "wildcard"}
)  # fmt: skip

ReadInner = Callable[[Any], Query | None]
"""Reads a query inside a clause; None for an empty one."""


def bad_request(message: str) -> KuzzleError:
    """Build the error of a search that cannot be served."""
    return KuzzleError("services.storage.unexpected_bad_request", message)


def read_number(clause: str, name: str, value: Any) -> float:
    """Return a number given as such or as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", value):
        return float(value)
    raise bad_request(f"[{clause}] [{name}] must be a number")


def read_flag(clause: str, name: str, value: Any) -> bool:
    """Return a boolean given as such or as text."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise bad_request(f"[{clause}] [{name}] must be a boolean")


def read_options(clause: str, content: Mapping[str, Any], allowed: tuple[str, ...]) -> float:
    """Check the keys of a clause that has no field; return its boost."""
    for name in content:
        if name not in (*allowed, "boost", "_name"):
            raise bad_request(f"[{clause}] query does not support [{name}]")
    return read_number(clause, "boost", content.get("boost", 1.0))


def read_field(clause: str, content: Mapping[str, Any]) -> tuple[str, Any, float]:
    """Return field, value and boost of a clause that names one field."""
    boost = 1.0
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if name == "boost" and not isinstance(value, dict | list):
            boost = read_number(clause, name, value)
        elif name != "_name" or isinstance(value, dict | list):
            found.append((name, value))
    if len(found) > 1:
        raise bad_request(
            f"[{clause}] query doesn't support multiple fields, found [{found[0][0]}] and [{found[1][0]}]"
        )
    if not found:
        raise bad_request(f"[{clause}] requires fieldName: field name is null or empty")
    if not found[0][0]:
        raise bad_request("field name is null or empty")
    return found[0][0], found[0][1], boost


def read_name(clause: str, content: Mapping[str, Any]) -> str | None:
    """Return the name of a clause (`_name`), which stands beside its field or among the options of that.

    Raises:
        KuzzleError: It is no text.
    """
    name = content.get("_name")
    if isinstance(name, dict | list):  # a field of that name
        name = None
    if name is None and clause in _FIELD_CLAUSES:
        options = next((value for value in content.values() if isinstance(value, dict)), {})
        name = options.get("_name")
    if not isinstance(name, str | None):
        raise bad_request(f"[{clause}] [_name] must be a text")
    return name


def read_scalar(clause: str, value: Any) -> Scalar:
    """Return a value that is neither an object nor a list."""
    if isinstance(value, dict | list):
        raise bad_request(f"[{clause}] query does not support [{'object' if isinstance(value, dict) else 'array'}]")
    scalar: Scalar = value
    return scalar


def minimum_should_match(wanted: Any, clauses: int) -> int:
    """Return how many of `clauses` must match: `3`, `-1` (all but one), `"75%"`, `"-25%"`, `"2<75%"`, `"2<-25% 9<-3"`.

    Raises:
        KuzzleError: Another form.
    """
    text = str(wanted).strip()
    if isinstance(wanted, bool) or not isinstance(wanted, int | str):
        raise bad_request("[bool] query does not support [minimum_should_match] of this type")
    chosen: str | None = text
    if "<" in text:
        chosen = None
        for condition in re.sub(r"\s*<\s*", "<", text).split():
            limit, _, then = condition.partition("<")
            if not re.fullmatch(r"\d{1,9}", limit):
                raise bad_request(f'For input string: "{text}"')
            if clauses > int(limit):
                chosen = then
        if chosen is None:
            return clauses
    match = re.fullmatch(r"(-?)(\d{1,9})(%?)", chosen or "")
    if match is None:
        raise bad_request(f'For input string: "{text}"')
    amount = clauses * int(match[2]) // 100 if match[3] else int(match[2])
    return max(0, clauses - amount if match[1] else amount)
