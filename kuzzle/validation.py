"""Checks against JSON Schema (draft 2020-12), fast when the value is right.

`jsonschema-rs` says yes or no in about a microsecond; only after a no does `jsonschema` look for the
reason, and its verdict wins. Without `jsonschema-rs` the slower library does both, with equal answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

try:
    import jsonschema_rs
except ImportError:  # pragma: no cover - a test runs the suite of answers without it
    jsonschema_rs = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import jsonschema


class SchemaError(ValueError):
    """A schema is not valid itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value was refused.

    Attributes:
        path: Where in the value, as keys and positions from the root.
        keyword: The keyword of JSON Schema that failed (`type`, `required`, `enum`...).
        expected: The value of that keyword.
        found: What stands at the path.
        message: The library's wording, for logs and configuration errors.
        error_id: The member `error` beside that keyword, by which our schemas name the error of a
            wrong value; None without.
        named: The member `named` there, or of what is absent, unless it has an error of its own: what error texts
            call it; None without.
        wording: The member `expected` there: what error texts say would be right; None without.
    """

    path: tuple[str | int, ...]
    keyword: str
    expected: Any
    found: Any
    message: str
    error_id: str | None = None
    named: str | None = None
    wording: str | None = None


class Validator:
    """A compiled schema.

    Attributes:
        is_valid: Tells whether a value obeys the schema. A fast no may be overruled by `faults`.
    """

    __slots__ = ("_schema", "_slow", "is_valid")

    is_valid: Callable[[Any], bool]

    def __init__(self, schema: dict[str, Any], *, use_fast: bool = True) -> None:
        self._schema = schema
        self._slow: jsonschema.Draft202012Validator | None = None
        if jsonschema_rs is not None and use_fast:
            try:
                self.is_valid = jsonschema_rs.Draft202012Validator(schema).is_valid
            except ValueError as error:
                raise SchemaError(str(error)) from error
        else:
            self.is_valid = lambda value: not self.faults(value)

    def faults(self, value: Any) -> list[Fault]:
        """Return every reason to refuse a value, in the order of the schema; none: it is valid."""
        if self._slow is None:
            # Loading jsonschema takes 0.1 s, which a start without faults does not pay.
            from jsonschema import Draft202012Validator

            self._slow = Draft202012Validator(self._schema)
        return [_fault(error) for error in self._slow.iter_errors(value)]


def _fault(error: Any) -> Fault:
    schema = error.schema if isinstance(error.schema, dict) else {}
    error_id, named = schema.get("error"), schema.get("named")
    if error.validator == "required" and error_id is None:
        absent = next(name for name in error.validator_value if name not in error.instance)
        member = schema.get("properties", {}).get(absent, {})
        named = None if "error" in member else member.get("named")
    return Fault(
        tuple(error.absolute_path),
        error.validator,
        error.validator_value,
        error.instance,
        error.message,
        error_id,
        named,
        schema.get("expected"),
    )
