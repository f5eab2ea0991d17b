"""What a specification says of content: strictness, defaults, several values, validators."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kuzzle.specifications.reading import read_specification
from kuzzle.specifications.specification import Specification

NOW = 1_600_000_000_000


def specify(fields: dict[str, Any], **members: Any) -> Specification:
    specification, messages = read_specification({"fields": fields, **members}, "library.books", NOW)
    assert specification is not None, messages
    return specification


def wrong(specification: Specification, content: dict[str, Any]) -> list[str]:
    """Paths of what is wrong, `` for the whole."""
    return [".".join(fault.path) for fault in specification.faults(None, content, NOW)]


NESTED = {
    "title": {"type": "string", "mandatory": True},
    "author": {"type": "object"},
    "author/name": {"type": "string", "mandatory": True},
    "author/home": {"type": "object", "typeOptions": {"strict": False}},
    "author/home/city": {"type": "string"},
}


def test_a_mandatory_field_is_neither_absent_nor_null() -> None:
    specification = specify(NESTED)
    assert wrong(specification, {"title": "Emma"}) == []
    assert wrong(specification, {}) == ["title"]
    assert wrong(specification, {"title": None}) == ["title"]


def test_mandatory_fields_below_an_absent_object_are_not_missed() -> None:
    specification = specify(NESTED)
    assert wrong(specification, {"title": "Emma", "author": None}) == []
    assert wrong(specification, {"title": "Emma", "author": {}}) == ["author.name"]


def test_strictness_is_inherited_until_an_object_says_otherwise() -> None:
    specification = specify(NESTED, strict=True)
    content = {"title": "Emma", "author": {"name": "Jane", "home": {"city": "Bath", "street": "?"}}}
    assert wrong(specification, content) == []
    assert wrong(specification, {**content, "x": 1}) == [""]
    assert wrong(specification, {"title": "Emma", "author": {"name": "Jane", "x": 1}}) == ["author"]
    assert wrong(specify(NESTED), {**content, "x": 1}) == []


def test_an_object_may_be_strict_below_one_that_is_not() -> None:
    specification = specify({"a": {"type": "object", "typeOptions": {"strict": True}}, "a/b": {"type": "anything"}})
    assert wrong(specification, {"x": 1, "a": {"b": {"c": 1}}}) == []
    assert wrong(specification, {"a": {"c": 1}}) == ["a"]


def test_metadata_are_left_out() -> None:
    specification = specify({"a": {"type": "anything"}}, strict=True, validators=[{"not": {"exists": "_kuzzle_info"}}])
    assert wrong(specification, {"a": 1, "_kuzzle_info": {"author": "-1"}}) == []


def test_a_multivalued_field_is_an_array_of_right_values() -> None:
    specification = specify({"a": {"type": "integer", "multivalued": {"value": True, "minCount": 1, "maxCount": 2}}})
    assert wrong(specification, {"a": [1]}) == []
    assert wrong(specification, {"a": 1}) == ["a"]
    assert wrong(specification, {"a": []}) == ["a"]
    assert wrong(specification, {"a": [1, 2, 3]}) == ["a"]
    assert wrong(specification, {"a": ["x", None]}) == ["a", "a"]


def test_a_single_field_is_no_array() -> None:
    specification = specify({"a": {"type": "anything"}, "b": {"type": "geo_point"}})
    assert wrong(specification, {"a": [1]}) == ["a"]
    assert wrong(specification, {"b": [1, 2]}) == []


def test_objects_of_an_array_are_checked_each() -> None:
    specification = specify(
        {"a": {"type": "object", "multivalued": {"value": True}}, "a/b": {"type": "integer", "mandatory": True}}
    )
    assert wrong(specification, {"a": [{"b": 1}, {"b": 2}]}) == []
    assert wrong(specification, {"a": [{"b": 1}, {"b": "x"}, {}]}) == ["a.b", "a.b"]


def test_default_values_stand_in_for_what_is_absent_or_null() -> None:
    specification = specify(
        {
            "a": {"type": "string", "mandatory": True, "defaultValue": "x"},
            "b": {"type": "object"},
            "b/c": {"type": "integer", "defaultValue": 5},
            "d": {"type": "boolean", "defaultValue": False},
            "e": {"type": "integer", "multivalued": {"value": True}, "defaultValue": []},
        }
    )
    assert specification.with_defaults({}) == {"a": "x", "e": []}
    assert specification.with_defaults({"a": None, "b": {}, "d": None}) == {
        "a": "x",
        "b": {"c": 5},
        "d": None,
        "e": [],
    }
    assert wrong(specification, {}) == []


def test_an_update_gets_default_values_for_nulls_only() -> None:
    specification = specify(
        {
            "a": {"type": "string", "defaultValue": "x"},
            "b": {"type": "object", "multivalued": {"value": True}},
            "b/c": {"type": "integer", "defaultValue": 5},
            "d": {"type": "object"},
            "d/e": {"type": "string", "defaultValue": "y"},
        }
    )
    assert specification.with_defaults({}, is_update=True) == {}
    assert specification.with_defaults({"a": None, "d": {}}, is_update=True) == {"a": "x", "d": {}}
    assert specification.with_defaults({"d": {"e": None}}, is_update=True) == {"d": {"e": "y"}}
    assert specification.with_defaults({"b": [{}, {"c": 1}]}, is_update=True) == {"b": [{"c": 5}, {"c": 1}]}


def test_default_values_are_not_shared_between_documents() -> None:
    specification = specify({"a": {"type": "object", "defaultValue": {"b": []}}})
    specification.with_defaults({})["a"]["b"].append(1)
    assert specification.with_defaults({}) == {"a": {"b": []}}


def test_all_validators_must_match() -> None:
    validators = [{"equals": {"kind": "novel"}}, {"or": [{"exists": "year"}, {"equals": {"_id": "emma"}}]}]
    specification = specify({}, validators=validators)
    assert wrong(specification, {"kind": "novel", "year": 1815}) == []
    assert wrong(specification, {"kind": "novel"}) == [""]
    assert not list(specification.faults("emma", {"kind": "novel"}, NOW))
    assert wrong(specification, {"kind": "essay", "year": 1815}) == [""]


def test_validators_that_contradict_each_other_match_nothing() -> None:
    specification = specify({}, validators=[{"equals": {"a": 1}}, {"equals": {"a": 2}}])
    assert wrong(specification, {"a": 1}) == [""]


# --- against an evaluator that is plain and slow

KINDS = {"integer": int, "string": str, "boolean": bool}
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.none() | st.integers(0, 2) | st.sampled_from(["x", ""]) | st.booleans()
RULES = st.fixed_dictionaries(
    {"type": st.sampled_from(list(KINDS))},
    optional={
        "mandatory": st.booleans(),
        "multivalued": st.fixed_dictionaries({"value": st.booleans()}),
        "defaultValue": st.sampled_from([0, "", False, None, 1, "x"]),
    },
)


def is_right(rule: dict[str, Any], value: Any) -> bool:
    kind = KINDS[rule["type"]]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def plainly(
    rules: dict[str, Any], is_strict: bool, content: dict[str, Any]
) -> tuple[dict[str, Any], set[tuple[str, ...]]]:
    """Fill in defaults, then ask every rule; names are one level or `o/<name>`."""
    filled, faults = deepcopy(content), set()
    for path, rule in rules.items():
        *parents, name = path.split("/")
        holder = filled
        for parent in parents:
            holder = holder.get(parent)  # type: ignore[assignment]
        if not isinstance(holder, dict):
            continue
        if holder.get(name) is None and rule.get("defaultValue"):
            holder[name] = rule["defaultValue"]
        elif holder.get(name) is None:
            if rule.get("mandatory"):
                faults.add(tuple(path.split("/")))
            continue
        value, is_many = holder[name], rule.get("multivalued", {}).get("value", False)
        values = value if isinstance(value, list) and is_many else [value]
        if isinstance(value, list) != is_many or not all(is_right(rule, each) for each in values):
            faults.add(tuple(path.split("/")))
    if is_strict and not {path.split("/")[0] for path in [*rules, "o"]} >= set(content):
        faults.add(())
    below = filled.get("o")
    surplus = is_strict and isinstance(below, dict) and not {f"o/{name}" for name in below} <= set(rules)
    if surplus or not isinstance(below, dict | None):
        faults.add(("o",))
    return filled, faults


@given(
    st.dictionaries(NAMES, RULES),
    st.dictionaries(NAMES, RULES),
    st.booleans(),
    st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2)),
    st.none() | st.integers(0, 1) | st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2)),
)
def test_content_is_judged_as_plainly_read(
    outer: dict[str, Any], inner: dict[str, Any], is_strict: bool, content: dict[str, Any], below: Any
) -> None:
    rules = {**outer, **{f"o/{name}": rule for name, rule in inner.items()}}
    specification = specify({**rules, "o": {"type": "object"}}, strict=is_strict)
    content = content if below is None else {**content, "o": below}
    untouched = deepcopy(content)
    filled, faults = plainly(rules, is_strict, content)
    mine = specification.with_defaults(content)
    assert mine == filled
    assert content == untouched
    assert {fault.path for fault in specification.faults(None, mine, NOW)} == faults
