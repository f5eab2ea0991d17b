"""A specification that was read: fills in defaults and holds content against it.

Nothing here changes after it was made, reads a clock or does I/O: any thread may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from kuzzle.realtime.matcher import CollectionMatcher
from kuzzle.realtime.normal_form import NormalForm
from kuzzle.specifications.types import FieldType

# Kept by the server: neither specified nor checked.
METADATA: Final = "_kuzzle_info"

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContentFault:
    """What is wrong with a content.

    Attributes:
        path: Names from the root to the field; `()` is the content as a whole.
        message: A sentence for the author of the content.
    """

    path: tuple[str, ...]
    message: str


@dataclass(slots=True)
class FieldRule:
    """What a field must be like.

    Attributes:
        default: Stands in for an absent or null value; None: there is none.
        least, most: How many values a multivalued field has; None: any number.
        rules: Rules of the fields below, by name.
        is_strict: Whether other fields below are refused.
    """

    type: FieldType
    is_mandatory: bool = False
    default: Any = None
    is_multivalued: bool = False
    least: int | None = None
    most: int | None = None
    rules: dict[str, FieldRule] = field(default_factory=dict)
    is_strict: bool = False

    def faults(self, value: Any, path: tuple[str, ...], now_ms: int) -> Iterator[ContentFault]:
        """Yield what is wrong with the value of the field, which may be None for none."""
        if value is None:
            if self.is_mandatory and self.default is None:
                yield ContentFault(path, "The field is mandatory.")
            return
        if not self.is_multivalued:
            if isinstance(value, list) and not self.type.takes_arrays:
                yield ContentFault(path, "The field is not multivalued: an array was provided.")
                return
            yield from self._single_faults(value, path, now_ms)
            return
        if not isinstance(value, list):
            yield ContentFault(path, "The field is multivalued: an array is expected.")
            return
        if self.least is not None and len(value) < self.least:
            yield ContentFault(path, f"Not enough values: at least {self.least} expected.")
        if self.most is not None and len(value) > self.most:
            yield ContentFault(path, f"Too many values: at most {self.most} expected.")
        for item in value:
            yield from self._single_faults(item, path, now_ms)

    def _single_faults(self, value: Any, path: tuple[str, ...], now_ms: int) -> Iterator[ContentFault]:
        message = self.type.fault(value, now_ms)
        if message is not None:
            yield ContentFault(path, message)
        elif self.type.has_children:
            if self.is_strict:
                unknown = [name for name in value if name not in self.rules]
                if unknown:
                    yield ContentFault(path, f"The object is strict, unexpected fields: {', '.join(unknown)}.")
            yield from _field_faults(self.rules, value, path, now_ms)

    def with_defaults(self, value: Any, *, is_update: bool) -> Any:
        """Return a value of the field with the defaults of it and of the fields below."""
        if value is None:
            return None if self.default is None else deepcopy(self.default)
        if self.rules and isinstance(value, dict):
            return _with_defaults(self.rules, value, is_update=is_update)
        if self.rules and self.is_multivalued and isinstance(value, list):
            # An array replaces another one as a whole, so its objects are complete in updates, too.
            return [
                _with_defaults(self.rules, item, is_update=False) if isinstance(item, dict) else item for item in value
            ]
        return value


class Specification:
    """What the content of one collection must be like."""

    def __init__(self, rules: dict[str, FieldRule], *, is_strict: bool, validators: NormalForm | None) -> None:
        """Keep the rules.

        Args:
            rules: Of the fields at the root, by name.
            is_strict: Whether other fields are refused.
            validators: The filter that content must match; None: there is none.
        """
        self._rules = rules
        self._is_strict = is_strict
        self._validators: CollectionMatcher[bool] | None = None
        if validators is not None:
            self._validators = CollectionMatcher()
            self._validators.add(validators, True)

    def with_defaults(self, content: Content, *, is_update: bool = False) -> Content:
        """Return a content with the default values of fields that are null, or absent unless it is an update."""
        return _with_defaults(self._rules, content, is_update=is_update)

    def faults(self, document_id: str | None, content: Content, now_ms: int) -> Iterator[ContentFault]:
        """Yield what is wrong with a whole content, found one by one; its metadata are left out.

        Args:
            document_id: Seen by validators as the field `_id`.
            content: With its default values.
            now_ms: Milliseconds since the epoch.
        """
        if METADATA in content:
            content = {name: value for name, value in content.items() if name != METADATA}
        if self._is_strict:
            unknown = [name for name in content if name not in self._rules]
            if unknown:
                yield ContentFault((), f"The document is strict, unexpected fields: {', '.join(unknown)}.")
        yield from _field_faults(self._rules, content, (), now_ms)
        if self._validators is not None and not self._validators.match(document_id, content):
            yield ContentFault((), "The document does not match the validators.")


def unique(faults: Iterable[ContentFault]) -> list[ContentFault]:
    """Return faults in order, each once: several values of a field may have the same one."""
    return list(dict.fromkeys(faults))


def _field_faults(
    rules: Mapping[str, FieldRule], content: Content, path: tuple[str, ...], now_ms: int
) -> Iterator[ContentFault]:
    for name, rule in rules.items():
        yield from rule.faults(content.get(name), (*path, name), now_ms)


def _with_defaults(rules: Mapping[str, FieldRule], content: Content, *, is_update: bool) -> Content:
    filled = content
    for name, rule in rules.items():
        if name not in content and (is_update or rule.default is None):
            continue
        before = content.get(name)
        after = rule.with_defaults(before, is_update=is_update)
        if after is not before:
            if filled is content:
                filled = dict(content)
            filled[name] = after
    return filled
