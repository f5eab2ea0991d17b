"""Mappings as users write them: what is accepted, refused, merged and inferred."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.mapping import MAX_FIELDS, Mapping, infer_definition

BAD_REQUEST = "services.storage.unexpected_bad_request"


def refused(changes: Any, mapping: Mapping | None = None) -> tuple[str | None, str]:
    """Return id and text of the error that refuses a mapping."""
    with pytest.raises(KuzzleError) as caught:
        (mapping or Mapping()).merge(changes)
    assert caught.value.status == 400
    return caught.value.id, caught.value.message


@pytest.mark.parametrize(
    ("mapping", "error_id", "text"),
    [
        ({"propertys": {}}, "invalid_mapping",
         'Invalid mapping property "mapping.propertys". Did you mean "properties"?'),
        ({"zzz": {}}, "invalid_mapping", 'Invalid mapping property "mapping.zzz".'),
        ({"properties": {"a": {"properties": {}, "index": False}}}, "invalid_mapping",
         'Invalid mapping property "mapping.properties.a.index".'),
        ({"properties": {"a": {"properties": {"b": {"properties": {}, "foo": 1}}}}}, "invalid_mapping",
         'Invalid mapping property "mapping.properties.a.properties.b.foo".'),
        ([], "wrong_mapping_property", 'Cannot parse mapping property "mapping"'),
        ({"properties": []}, "wrong_mapping_property", 'Cannot parse mapping property "properties"'),
        ({"properties": {"a": "text"}}, "wrong_mapping_property", 'Cannot parse mapping property "a"'),
        ({"_meta": 1}, "wrong_mapping_property", 'Cannot parse mapping property "_meta"'),
        ({"dynamic": "maybe"}, "unexpected_bad_request",
         "Failed to parse value [maybe] as only [true], [false] or [strict] are allowed."),
        ({"properties": {"a": {"dynamic": 1, "properties": {}}}}, "unexpected_bad_request",
         "Failed to parse value [1] as only [true], [false] or [strict] are allowed."),
        ({"properties": {"a": {"type": "txet"}}}, "invalid_mapping_type",
         'Field "a": the data type "txet" doesn\'t exist'),
        ({"properties": {"a": {"properties": {"b": {"type": 1}}}}}, "invalid_mapping_type",
         'Field "a.b": the data type "1" doesn\'t exist'),
        ({"properties": {"a": {"type": "text", "fields": {"b": {"type": "object"}}}}}, "invalid_mapping_type",
         'Field "a.b": the data type "object" doesn\'t exist'),
        ({"properties": {"a": {}}}, "unexpected_bad_request", "No type specified for field [a]"),
        ({"properties": {"a": {"type": "long", "analyzer": "standard"}}}, "unexpected_properties",
         'Property "analyzer" is not supported for field "a".'),
        ({"properties": {"a": {"type": "text", "properties": {}}}}, "unexpected_properties",
         'Property "properties" is not supported for field "a".'),
        ({"properties": {"a": {"type": "text", "analyzer": "klingon"}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "analyzer".'),
        ({"properties": {"a": {"type": "keyword", "ignore_above": "many"}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "ignore_above".'),
        ({"properties": {"a": {"type": "date", "format": "nonsense"}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "format".'),
        ({"properties": {"a": {"type": "scaled_float"}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "scaling_factor".'),
        ({"properties": {"a": {"type": "text", "fields": []}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "fields".'),
        ({"properties": {"a": {"type": "text", "copy_to": 1}}}, "invalid_mapping_argument",
         'Field "a": invalid mapping property "copy_to".'),
        ({"properties": {"": {"type": "text"}}}, "unexpected_bad_request",
         "name cannot be empty string or begin or end with a [.]: []"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_is_refused(mapping: Any, error_id: str, text: str) -> None:
    assert refused(mapping) == (f"services.storage.{error_id}", text)


def test_a_mapping_nested_without_end_is_refused() -> None:
    nested: dict[str, Any] = {"type": "long"}
    for _ in range(2000):
        nested = {"properties": {"a": nested}}
    assert "Limit of mapping depth [20]" in refused({"properties": {"a": nested}})[1]
    assert "Limit of mapping depth [20]" in refused({"properties": {".".join("a" * 2000): {"type": "long"}}})[1]


def test_a_mapping_of_too_many_fields_is_refused() -> None:
    properties = {f"f{number}": {"type": "long"} for number in range(MAX_FIELDS)}
    mapping = Mapping().merge({"properties": properties})
    assert refused({"properties": {"more": {"type": "long"}, "most": {"type": "long"}}}, mapping) == (
        BAD_REQUEST,
        "Limit of total fields [1000] has been exceeded",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "long"}, {"type": "integer"}),
        ({"type": "long"}, {"properties": {}}),
        ({"properties": {"b": {"type": "long"}}}, {"type": "long"}),
        ({"type": "nested"}, {"type": "object"}),
        ({"type": "text"}, {"type": "text", "analyzer": "simple"}),
        ({"type": "date"}, {"type": "date", "format": "yyyy"}),
        ({"type": "keyword"}, {"type": "keyword", "index": False}),
    ],
)
def test_a_mapped_field_keeps_its_type(before: dict[str, Any], after: dict[str, Any]) -> None:
    mapping = Mapping().merge({"properties": {"o": {"properties": {"a": before}}}})
    assert refused({"properties": {"o.a": after}}, mapping) == (
        "services.storage.cannot_change_mapping",
        'Field "o.a" already has a mapping, and it cannot be changed',
    )


def test_parameters_that_may_change_do() -> None:
    mapping = Mapping().merge(
        {"properties": {"a": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "k": {"type": "keyword"}}}
    )
    mapping = mapping.merge(
        {
            "properties": {
                "a": {"type": "text", "copy_to": "k", "fields": {"len": {"type": "keyword", "ignore_above": 3}}},
                "k": {"type": "keyword", "null_value": "none"},
            }
        }
    )
    assert mapping.properties == {
        "a": {
            "type": "text",
            "copy_to": "k",
            "fields": {"raw": {"type": "keyword"}, "len": {"type": "keyword", "ignore_above": 3}},
        },
        "k": {"type": "keyword", "null_value": "none"},
    }


def test_merging_changes_neither_side() -> None:
    given_mapping = {"properties": {"o": {"properties": {"a": {"type": "long"}}}}}
    first = Mapping().merge(given_mapping)
    second = first.merge({"properties": {"o": {"properties": {"b": {"type": "long"}}}}})
    assert first.properties == given_mapping["properties"] == {"o": {"properties": {"a": {"type": "long"}}}}
    assert second.properties == {"o": {"properties": {"a": {"type": "long"}, "b": {"type": "long"}}}}


def test_metadata_is_part_of_every_mapping_and_cannot_be_redefined() -> None:
    mapping = Mapping().merge({"properties": {"_kuzzle_info": {"properties": {"author": {"type": "long"}}}}})
    assert mapping.properties == {}
    metadata = {path: field.type for path, field in mapping.fields.items()}
    assert metadata == {
        "_kuzzle_info.active": "boolean",
        "_kuzzle_info.author": "keyword",
        "_kuzzle_info.createdAt": "date",
        "_kuzzle_info.updatedAt": "date",
        "_kuzzle_info.updater": "keyword",
        "_kuzzle_info.deletedAt": "date",
    }


def test_booleans_of_dynamic_become_texts() -> None:
    mapping = Mapping().merge({"dynamic": False, "properties": {"a": {"dynamic": True, "properties": {}}}})
    assert (mapping.dynamic, mapping.properties) == ("false", {"a": {"dynamic": "true", "properties": {}}})


TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([], None),
        ([None, [None]], None),
        (True, {"type": "boolean"}),
        (1, {"type": "long"}),
        (1.0, {"type": "float"}),
        ("x", TEXT),
        ("", TEXT),
        ("2020", TEXT),
        ("2020-01", TEXT),
        ("2020-01-02", {"type": "date"}),
        ("2020-01-02T03:04:05.678+01:00", {"type": "date"}),
        ("2020-13-02", TEXT),
        ("2020-1-2", TEXT),
        ("10:20:30", TEXT),
        ("2020/01/02", {"type": "date", "format": "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"}),
        ([None, 1, "x"], {"type": "long"}),
        ({}, {"type": "object"}),
        ({"a": None}, {"type": "object"}),
        ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"type": "long"}}}}}),
        ({"a.b": 1}, {"properties": {"a": {"properties": {"b": {"type": "long"}}}}}),
        ([{"a": 1}, {}, {"b": "x"}, {"a": "y"}], {"properties": {"a": {"type": "long"}, "b": TEXT}}),
        ([{}, {"a": 1}], {"properties": {"a": {"type": "long"}}}),
    ],
)
def test_a_new_field_is_mapped_by_its_first_value(value: Any, expected: Any) -> None:
    assert infer_definition(value) == expected


NAMES = st.sampled_from(
    ["properties", "type", "dynamic", "_meta", "fields", "analyzer", "format", "copy_to", "a", "a.b", "", "index",
     "ignore_above", "null_value", "enabled", "dynamic_templates", "scaling_factor"]
)  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 500)
    | st.sampled_from(
        ["text", "keyword", "long", "date", "object", "nested", "scaled_float", "true", "strict", "x", ""]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.dictionaries(st.sampled_from(["properties", "dynamic", "_meta"]), JSON))
def test_any_mapping_is_merged_or_refused(first: Any, second: Any) -> None:
    mapping = Mapping()
    for changes in (first, second):
        status = 400
        try:
            mapping = mapping.merge(changes)
        except KuzzleError as error:
            status = error.status
        assert status == 400
