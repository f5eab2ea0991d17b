"""Which specifications are refused, and with which documented messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.specifications.reading import MAX_DEPTH, MAX_FIELDS, read_specification
from kuzzle.specifications.types import FIELD_TYPES

NOW = 1_600_000_000_000


def faults(written: Any) -> list[str]:
    specification, messages = read_specification(written, "library.books", NOW)
    assert (specification is None) == bool(messages)
    return messages


def field(**members: Any) -> dict[str, Any]:
    return {"fields": {"a": {"type": "string", **members}}}


def message(error_id: str, *values: Any) -> str:
    return KuzzleError(f"validation.{error_id}", *values).message


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"strict": True},
        {"strict": None, "fields": None, "validators": None},
        {"fields": {}, "validators": []},
        field(mandatory=True, defaultValue="x", description="A name.", typeOptions={"length": {"min": 1, "max": 9}}),
        field(multivalued={"value": True, "minCount": 0, "maxCount": 5}),
        field(multivalued={"value": False}),
        {"fields": {"a": {"type": "object", "typeOptions": {"strict": True}}, "a/b": {"type": "anything"}}},
        {"fields": {"a/b": {"type": "integer"}, "a": {"type": "object"}}},
        {"validators": [{"equals": {"a": 1}}, {"not": {"exists": "b"}}]},
        {"fields": {"a": {"type": "date", "typeOptions": {"range": {"min": "2010-01-01", "max": "NOW"}}}}},
        {"fields": {"a": {"type": "date", "typeOptions": {"range": {"min": "NOW", "max": "2010-01-01"}}}}},
        {"fields": {"a": {"type": "date", "typeOptions": {"range": {"min": 0, "max": "T14:12:44"}}}}},
        {"fields": {"a": {"type": "enum", "typeOptions": {"values": ["x", "y"]}}}},
        {"fields": {"a": {"type": "geo_shape", "typeOptions": {"shapeTypes": ["point", "circle"]}}}},
    ],
    ids=json.dumps,
)
def test_right_specifications_are_accepted(written: Any) -> None:
    assert faults(written) == []


ROOT_KEYS = "strict, fields, validators"
FIELD_KEYS = "mandatory, type, defaultValue, description, multivalued, typeOptions"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (5, message("assert.invalid_type", "library.books", "object")),
        ({"strikt": 1}, message("assert.unexpected_properties", "library.books", ROOT_KEYS)),
        ({"strict": "yes"}, message("assert.invalid_type", "library.books.strict", "boolean")),
        ({"fields": []}, message("assert.invalid_type", "library.books.fields", "object")),
        ({"fields": {"a": 1}}, message("assert.invalid_type", "library.books.a", "object")),
        ({"fields": {"a": {}}}, message("assert.missing_type", "library.books.a")),
        ({"fields": {"a": {"type": 5}}}, message("assert.invalid_type", "library.books.a.type", "string")),
        ({"fields": {"a": {"type": "text"}}}, message("assert.unknown_type", "library.books.a", "text")),
        (field(kind=1), message("assert.unexpected_properties", "library.books.a", FIELD_KEYS)),
        (field(mandatory=1), message("assert.invalid_type", "library.books.a.mandatory", "boolean")),
        (field(description=1), message("assert.invalid_type", "library.books.a.description", "string")),
        (field(typeOptions=[]), message("assert.invalid_type", "library.books.a.typeOptions", "object")),
        (
            field(typeOptions={"range": {}}),
            message("assert.unexpected_properties", "library.books.a.typeOptions", "length"),
        ),
        (field(multivalued=True), message("assert.invalid_type", "library.books.a.multivalued", "object")),
        (field(multivalued={"minCount": 1}), message("assert.missing_value", "library.books.a.multivalued")),
        (
            field(multivalued={"value": 1}),
            message("assert.invalid_type", "library.books.a.multivalued.value", "boolean"),
        ),
        (
            field(multivalued={"value": True, "max": 1}),
            message("assert.unexpected_properties", "library.books.a.multivalued", "value, minCount, maxCount"),
        ),
        (
            field(multivalued={"value": False, "maxCount": 1}),
            message("assert.not_multivalued", "library.books.a", "maxCount"),
        ),
        (
            field(multivalued={"value": True, "minCount": -1}),
            message("assert.invalid_type", "library.books.a.multivalued.minCount", "positive integer"),
        ),
        (
            field(multivalued={"value": True, "minCount": 3, "maxCount": 2}),
            message("assert.invalid_range", "library.books.a.multivalued", 3, 2),
        ),
        (field(typeOptions={"length": {"min": 3, "max": 2}}), message("assert.invalid_range", "length", 3, 2)),
        (
            field(typeOptions={"length": {"min": 1.5}}),
            message("assert.invalid_type", "library.books.a.typeOptions.length.min", "integer"),
        ),
        (
            field(typeOptions={"length": {"least": 1}}),
            message("assert.unexpected_properties", "library.books.a.typeOptions.length", "min, max"),
        ),
        (
            field(type="integer", typeOptions={"range": {"min": 5, "max": 1}}),
            message("assert.invalid_range", "range", 5, 1),
        ),
        (
            field(type="numeric", typeOptions={"range": {"max": "5"}}),
            message("assert.invalid_type", "library.books.a.typeOptions.range.max", "number"),
        ),
        (
            field(type="date", typeOptions={"formats": ["date", "yyyy", 5]}),
            message("types.invalid_date_format", "yyyy, 5"),
        ),
        (
            field(type="date", typeOptions={"formats": "date"}),
            message("assert.invalid_type", "library.books.a.typeOptions.formats", "non-empty array"),
        ),
        (field(type="date", typeOptions={"range": {"min": "soon"}}), message("types.invalid_date", "soon")),
        (
            field(type="date", typeOptions={"range": {"min": "2020", "max": "2019"}}),
            message("assert.invalid_range", "range", "2020", "2019"),
        ),
        (field(type="enum"), message("types.missing_enum_values")),
        (field(type="enum", typeOptions={"values": []}), message("types.missing_enum_values")),
        (
            field(type="enum", typeOptions={"values": ["a", 1]}),
            message("assert.invalid_type", "library.books.a.typeOptions.values", "array of strings"),
        ),
        (
            field(type="geo_shape", typeOptions={"shapeTypes": ["point", "square"]}),
            message("types.invalid_geoshape", "square"),
        ),
        (
            field(type="email", typeOptions={"notEmpty": "yes"}),
            message("assert.invalid_type", "library.books.a.typeOptions.notEmpty", "boolean"),
        ),
        (
            field(type="object", typeOptions={"strict": "yes"}),
            message("assert.invalid_type", "library.books.a.typeOptions.strict", "boolean"),
        ),
        (
            {"fields": {"a": {"type": "string"}, "a/b": {"type": "string"}}},
            message("assert.unexpected_children", "string"),
        ),
        ({"fields": {"a": {"type": "object"}, "b/c": {"type": "string"}}}, message("assert.missing_parent", "b/c")),
        ({"fields": {"a/b": {"type": "string"}}}, message("assert.missing_nested_spec")),
        (
            {"fields": {"a": {"type": "object"}, "a/b/c": {"type": "string"}}},
            message("assert.missing_nested_spec"),
        ),
        ({"validators": {}}, message("assert.invalid_type", "library.books.validators", "array")),
        (
            {"validators": [{"equals": {"a": []}}]},
            message("assert.invalid_filters", '"and.equals.a": must be a string, a number, a boolean or null'),
        ),
        ({"validators": [{}]}, message("assert.invalid_filters", '"and": can only contain non-empty objects')),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_wrong_specification_is_refused_with_its_message(written: Any, expected: str) -> None:
    assert faults(written) == [expected]


def test_every_fault_is_found() -> None:
    written = {
        "strict": 1,
        "surplus": 1,
        "fields": {"a": {"type": "text"}, "b": {}, "c": {"type": "string"}, "c/d": {"type": "string"}},
        "validators": 5,
    }
    assert len(faults(written)) == 6


def test_the_size_of_a_specification_is_bounded() -> None:
    one = {"type": "object"}
    assert faults({"fields": {str(number): one for number in range(MAX_FIELDS)}}) == []
    assert len(faults({"fields": {str(number): one for number in range(MAX_FIELDS + 1)}})) == 1
    levels = ["/".join("a" * depth) for depth in range(1, MAX_DEPTH + 2)]
    assert faults({"fields": dict.fromkeys(levels[:-1], one)}) == []
    assert len(faults({"fields": dict.fromkeys(levels, one)})) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OPTIONS = st.dictionaries(
    st.sampled_from(["range", "formats", "length", "notEmpty", "strict", "values", "shapeTypes", "x"]),
    JSON | st.fixed_dictionaries({}, optional={"min": JSON, "max": JSON}) | st.lists(JSON, max_size=3),
    max_size=2,
)
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "a/b", "a/b/c", "", "/", "d/e"]),
    JSON
    | st.fixed_dictionaries(
        {"type": st.sampled_from([*FIELD_TYPES, "x"]) | JSON},
        optional={
            "typeOptions": OPTIONS | JSON,
            "multivalued": JSON | st.fixed_dictionaries({"value": JSON}, optional={"minCount": JSON, "maxCount": JSON}),
            "mandatory": JSON,
            "defaultValue": JSON,
        },
    ),
    max_size=4,
)


@given(
    st.fixed_dictionaries({}, optional={"strict": JSON, "fields": FIELDS | JSON, "validators": JSON}) | JSON,
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), JSON, max_size=3),
)
def test_anything_is_a_specification_or_refused_with_reasons(written: Any, content: dict[str, Any]) -> None:
    specification, messages = read_specification(written, "library.books", NOW)
    if specification is None:
        assert messages
        assert all(isinstance(each, str) for each in messages)
    else:
        list(specification.faults(None, specification.with_defaults(content), NOW))
