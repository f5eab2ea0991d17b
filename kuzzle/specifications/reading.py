"""Reads specifications as users write them. Every fault is found, not only the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import read_filter
from kuzzle.realtime.normal_form import NormalForm
from kuzzle.specifications.faults import check_keys, check_order, demand, is_integer
from kuzzle.specifications.specification import FieldRule, Specification
from kuzzle.specifications.types import FIELD_TYPES, FieldType, Object

# As many fields and levels as a mapping has: nothing else could be stored in a searchable way.
MAX_FIELDS: Final = 1000
MAX_DEPTH: Final = 20

_ROOT_KEYS: Final = ("strict", "fields", "validators")
_FIELD_KEYS: Final = ("mandatory", "type", "defaultValue", "description", "multivalued", "typeOptions")
_MULTIVALUED_KEYS: Final = ("value", "minCount", "maxCount")


def read_specification(written: Any, path: str, now_ms: int) -> tuple[Specification | None, list[str]]:
    """Read a specification.

    Args:
        written: `{"strict", "fields", "validators"}`, all optional.
        path: Where it stands, for messages: `<index>.<collection>`.
        now_ms: Milliseconds since the epoch.

    Returns:
        The specification, None when it is wrong; and what is wrong, a sentence each.
    """
    reader = _Reader(path, now_ms)
    specification = reader.attempt(reader.read, written)
    return (None if reader.messages else specification), reader.messages


class _Reader:
    """Reads one specification and collects what is wrong."""

    def __init__(self, path: str, now_ms: int) -> None:
        self._path = path
        self._now_ms = now_ms
        self.messages: list[str] = []

    def attempt(self, read: Any, *arguments: Any) -> Any:
        """Return what a reading method gives, None when it refuses; then the reason is noted."""
        try:
            return read(*arguments)
        except KuzzleError as error:
            self.messages.append(error.message)
            return None

    def read(self, written: Any) -> Specification:
        demand(isinstance(written, dict), self._path, "object")
        self.attempt(check_keys, written, _ROOT_KEYS, self._path)
        strict = written.get("strict")
        self.attempt(demand, strict is None or isinstance(strict, bool), f"{self._path}.strict", "boolean")
        rules = self.attempt(self._fields, written.get("fields"), strict is True)
        validators = self.attempt(self._validators, written.get("validators"))
        return Specification(rules or {}, is_strict=strict is True, validators=validators)

    # --- fields

    def _fields(self, written: Any, is_strict: bool) -> dict[str, FieldRule]:
        """Read the fields and put them below each other."""
        if written is None:
            return {}
        demand(isinstance(written, dict), f"{self._path}.fields", "object")
        if len(written) > MAX_FIELDS:
            demand(False, f"{self._path}.fields", f"at most {MAX_FIELDS} fields")
        by_path: dict[tuple[str, ...], FieldRule | None] = {}
        for name, definition in written.items():
            parts = tuple(name.split("/"))
            if len(parts) > MAX_DEPTH:
                self.attempt(demand, False, f"{self._path}.{name}", f"at most {MAX_DEPTH} levels")
            by_path[parts] = self.attempt(self._field, definition, f"{self._path}.{name}")
        depths = {len(parts) for parts in by_path}
        if depths and depths != set(range(1, max(depths) + 1)):
            raise KuzzleError("validation.assert.missing_nested_spec")
        roots: dict[str, FieldRule] = {}
        for parts in sorted(by_path, key=len):
            self.attempt(self._place, parts, by_path, roots, is_strict)
        return roots

    def _place(
        self,
        parts: tuple[str, ...],
        by_path: Mapping[tuple[str, ...], FieldRule | None],
        roots: dict[str, FieldRule],
        is_strict: bool,
    ) -> None:
        """Put a field below its parent, whose own place is found already."""
        siblings = roots
        if len(parts) > 1:
            if parts[:-1] not in by_path:
                raise KuzzleError("validation.assert.missing_parent", "/".join(parts))
            parent = by_path[parts[:-1]]
            if parent is None:  # reported already
                return
            if not parent.type.has_children:
                raise KuzzleError("validation.assert.unexpected_children", _name_of(parent.type))
            siblings, is_strict = parent.rules, parent.is_strict
        rule = by_path[parts]
        if rule is None:
            return
        own = rule.type.is_strict if isinstance(rule.type, Object) else None
        rule.is_strict = is_strict if own is None else own
        siblings[parts[-1]] = rule

    def _field(self, written: Any, path: str) -> FieldRule:
        demand(isinstance(written, dict), path, "object")
        check_keys(written, _FIELD_KEYS, path)
        kind = written.get("type")
        if kind is None:
            raise KuzzleError("validation.assert.missing_type", path)
        demand(isinstance(kind, str), f"{path}.type", "string")
        if kind not in FIELD_TYPES:
            raise KuzzleError("validation.assert.unknown_type", path, kind)
        mandatory, description = written.get("mandatory"), written.get("description")
        demand(mandatory is None or isinstance(mandatory, bool), f"{path}.mandatory", "boolean")
        demand(description is None or isinstance(description, str), f"{path}.description", "string")
        options = written.get("typeOptions")
        demand(options is None or isinstance(options, dict), f"{path}.typeOptions", "object")
        rule = FieldRule(
            FIELD_TYPES[kind](options or {}, f"{path}.typeOptions", self._now_ms),
            is_mandatory=mandatory is True,
            default=_default(written.get("defaultValue")),
        )
        self._multivalued(written.get("multivalued"), rule, path)
        return rule

    def _multivalued(self, written: Any, rule: FieldRule, path: str) -> None:
        if written is None:
            return
        place = f"{path}.multivalued"
        demand(isinstance(written, dict), place, "object")
        check_keys(written, _MULTIVALUED_KEYS, place)
        value = written.get("value")
        if value is None:
            raise KuzzleError("validation.assert.missing_value", place)
        demand(isinstance(value, bool), f"{place}.value", "boolean")
        for name in _MULTIVALUED_KEYS[1:]:
            count = written.get(name)
            if count is not None and not value:
                raise KuzzleError("validation.assert.not_multivalued", path, name)
            demand(count is None or (is_integer(count) and count >= 0), f"{place}.{name}", "positive integer")
        rule.is_multivalued, rule.least, rule.most = value, written.get("minCount"), written.get("maxCount")
        check_order(place, rule.least, rule.most)

    # --- validators

    def _validators(self, written: Any) -> NormalForm | None:
        """Read the filters that content must match, all of them."""
        if written is None or written == []:
            return None
        demand(isinstance(written, list), f"{self._path}.validators", "array")
        try:
            return read_filter({"and": written})
        except KuzzleError as error:
            raise KuzzleError("validation.assert.invalid_filters", error.message) from error


def _default(value: Any) -> Any:
    """Return a default value if it counts: what JavaScript takes for false does not."""
    is_falsy = value is None or value is False or value == "" or (type(value) in (int, float) and value == 0)
    return None if is_falsy else value


def _name_of(kind: FieldType) -> str:
    return next(name for name, each in FIELD_TYPES.items() if each is type(kind))
