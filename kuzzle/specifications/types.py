"""The types of fields: which options each has, and which values it accepts.

A type is a class of FIELD_TYPES: made with its options it checks them, afterwards it checks values.
Values are never changed nor converted: `"5"` is no integer.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from kuzzle.errors import KuzzleError
from kuzzle.specifications import dates, geography
from kuzzle.specifications.faults import check_keys, check_order, demand, is_integer, is_number, read_bounds
from kuzzle.specifications.texts import is_email, is_url, text_length


class FieldType(ABC):
    """A type of fields with its options.

    Attributes:
        options: Names of the options it has.
        has_children: Whether fields may lie below one of this type.
        takes_arrays: Whether a single value may be an array.
    """

    options: ClassVar[tuple[str, ...]] = ()
    has_children: ClassVar[bool] = False
    takes_arrays: ClassVar[bool] = False

    def __init__(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        """Check and keep the options.

        Args:
            options: `typeOptions` of the field.
            path: Where they stand, for messages.
            now_ms: Milliseconds since the epoch.

        Raises:
            KuzzleError: What is wrong, of `validation.assert` or `validation.types`.
        """
        check_keys(options, self.options, path)
        self.read(options, path, now_ms)

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:  # noqa: B027 - a type may have none
        """Check and keep the options of this type, which have the right names."""

    @abstractmethod
    def fault(self, value: Any, now_ms: int) -> str | None:
        """Return why a value is refused, None when it is accepted."""


class Anything(FieldType):
    """Any value."""

    def fault(self, value: Any, now_ms: int) -> str | None:
        return None


class Boolean(FieldType):
    """True or false."""

    def fault(self, value: Any, now_ms: int) -> str | None:
        return None if isinstance(value, bool) else "The value must be a boolean."


class Date(FieldType):
    """A date in one of some formats; a range has ends in ISO 8601, or `NOW`."""

    options = ("range", "formats")

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        formats = options.get("formats")
        if formats is None:
            formats = dates.DEFAULT_FORMATS
        else:
            demand(isinstance(formats, list) and bool(formats), f"{path}.formats", "non-empty array")
            unknown = [str(name) for name in formats if not isinstance(name, str) or name not in dates.FORMATS]
            if unknown:
                raise KuzzleError("validation.types.invalid_date_format", ", ".join(unknown))
        self._formats = tuple(formats)
        self._low, self._high = read_bounds(options, "range", path)
        fixed: list[int] = []
        for end in (self._low, self._high):
            found = None if end is None else dates.parse_bound(end, now_ms)
            if end is not None and found is None:
                raise KuzzleError("validation.types.invalid_date", end)
            if found is not None and not dates.is_relative(end):
                fixed.append(found)
        if fixed != sorted(fixed):  # an end that moves may be right some day
            raise KuzzleError("validation.assert.invalid_range", "range", self._low, self._high)

    def fault(self, value: Any, now_ms: int) -> str | None:
        found = dates.parse_date(value, self._formats, now_ms)
        if found is None:
            return f"The date format is invalid (allowed: {', '.join(self._formats)})."
        # Ends that are relative to now move, so they are read anew.
        low = None if self._low is None else dates.parse_bound(self._low, now_ms)
        if low is not None and found < low:
            return f"The provided date is before the defined minimum ({self._low})."
        high = None if self._high is None else dates.parse_bound(self._high, now_ms)
        if high is not None and found > high:
            return f"The provided date is after the defined maximum ({self._high})."
        return None


class _Text(FieldType):
    """A text of some form; the empty text passes unless `notEmpty` is set."""

    options = ("notEmpty",)
    form: ClassVar[str]

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        not_empty = options.get("notEmpty")
        demand(not_empty is None or isinstance(not_empty, bool), f"{path}.notEmpty", "boolean")
        self._is_needed = bool(not_empty)

    def fault(self, value: Any, now_ms: int) -> str | None:
        if not isinstance(value, str):
            return "The value must be a string."
        if not value:
            return "The string must not be empty." if self._is_needed else None
        return None if self.is_right(value) else f"The string must be a valid {self.form}."

    @abstractmethod
    def is_right(self, text: str) -> bool:
        """Tell whether a text has the form."""


class Email(_Text):
    """An e-mail address."""

    form = "email address"

    def is_right(self, text: str) -> bool:
        return is_email(text)


class IpAddress(_Text):
    """An IP address, version 4 or 6."""

    form = "IP address"

    def is_right(self, text: str) -> bool:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return False
        return "%" not in text  # a zone belongs to one machine


class Url(_Text):
    """A URL of the web."""

    form = "URL"

    def is_right(self, text: str) -> bool:
        return is_url(text)


class Enum(FieldType):
    """One of some texts."""

    options = ("values",)

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        values = options.get("values")
        if values is None or values == []:
            raise KuzzleError("validation.types.missing_enum_values")
        is_right = isinstance(values, list) and all(isinstance(value, str) for value in values)
        demand(is_right, f"{path}.values", "array of strings")
        self._values = dict.fromkeys(values)

    def fault(self, value: Any, now_ms: int) -> str | None:
        if not isinstance(value, str):
            return "The value must be a string."
        if value not in self._values:
            return f"The value must be one of: {', '.join(self._values)}."
        return None


class GeoPoint(FieldType):
    """A point on the earth."""

    takes_arrays = True

    def fault(self, value: Any, now_ms: int) -> str | None:
        return None if geography.is_point(value) else "The value must be a valid geo-point."


class GeoShape(FieldType):
    """A shape on the earth."""

    options = ("shapeTypes",)

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        shapes = options.get("shapeTypes")
        if shapes is None:
            shapes = geography.SHAPES
        else:
            demand(isinstance(shapes, list) and bool(shapes), f"{path}.shapeTypes", "non-empty array")
            unknown = [str(name) for name in shapes if name not in geography.SHAPES]
            if unknown:
                raise KuzzleError("validation.types.invalid_geoshape", ", ".join(unknown))
        self._shapes = frozenset(shapes)

    def fault(self, value: Any, now_ms: int) -> str | None:
        fault = geography.shape_fault(value, self._shapes)
        return None if fault is None else f"The value must be a valid geo-shape: {fault}."


class Numeric(FieldType):
    """A number."""

    options = ("range",)

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        self._low, self._high = read_bounds(options, "range", path)
        for name, end in (("min", self._low), ("max", self._high)):
            demand(end is None or is_number(end), f"{path}.range.{name}", "number")
        check_order("range", self._low, self._high)

    def fault(self, value: Any, now_ms: int) -> str | None:
        if not is_number(value):
            return "The value must be a number."
        if self._low is not None and value < self._low:
            return f"The value is lesser than the minimum ({self._low})."
        if self._high is not None and value > self._high:
            return f"The value is greater than the maximum ({self._high})."
        return None


class Integer(Numeric):
    """A whole number."""

    def fault(self, value: Any, now_ms: int) -> str | None:
        return super().fault(value, now_ms) if is_integer(value) else "The value must be an integer."


class Object(FieldType):
    """An object; its fields are specified below its path.

    Attributes:
        is_strict: Whether other fields are refused; None: as the object around it.
    """

    options = ("strict",)
    has_children = True

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        strict = options.get("strict")
        demand(strict is None or isinstance(strict, bool), f"{path}.strict", "boolean")
        self.is_strict: bool | None = strict

    def fault(self, value: Any, now_ms: int) -> str | None:
        return None if isinstance(value, dict) else "The value must be an object."


class String(FieldType):
    """A text."""

    options = ("length",)

    def read(self, options: Mapping[str, Any], path: str, now_ms: int) -> None:
        self._shortest, self._longest = read_bounds(options, "length", path)
        for name, end in (("min", self._shortest), ("max", self._longest)):
            demand(end is None or is_integer(end), f"{path}.length.{name}", "integer")
        check_order("length", self._shortest, self._longest)

    def fault(self, value: Any, now_ms: int) -> str | None:
        if not isinstance(value, str):
            return "The value must be a string."
        length = text_length(value)
        if self._shortest is not None and length < self._shortest:
            return f"The string is shorter than the minimum ({self._shortest})."
        if self._longest is not None and length > self._longest:
            return f"The string is longer than the maximum ({self._longest})."
        return None


FIELD_TYPES: Final[Mapping[str, type[FieldType]]] = {
    "anything": Anything,
    "boolean": Boolean,
    "date": Date,
    "email": Email,
    "enum": Enum,
    "geo_point": GeoPoint,
    "geo_shape": GeoShape,
    "integer": Integer,
    "ip_address": IpAddress,
    "numeric": Numeric,
    "object": Object,
    "string": String,
    "url": Url,
}
"""The types by their wire names."""
