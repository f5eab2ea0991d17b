"""The mapping of a collection: read as users write it, merged, grown by writes, asked about fields.

A Mapping never changes; merging gives another. The metadata of documents (`_kuzzle_info`) belongs to
every mapping and is not shown in its properties.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from copy import deepcopy
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.dates import DateError, date_format
from kuzzle.storage.fields import (
    OBJECT_PARAMETERS,
    Field,
    ObjectNode,
    compile_object,
    dynamic_policy,
    is_object,
)

METADATA: Final = "_kuzzle_info"
# index.mapping.total_fields.limit and index.mapping.depth.limit of Elasticsearch.
MAX_FIELDS: Final = 1000
MAX_DEPTH: Final = 20

ROOT_KEYS: Final = ("properties", "_meta", "dynamic", "dynamic_templates")
_METADATA_DEFINITION: Final[MappingType[str, Any]] = {
    # Metadata never grows: what clients put beside the documented members is stored and not indexed.
    "dynamic": "false",
    "properties": {
        "active": {"type": "boolean"},
        "author": {"type": "keyword"},
        "createdAt": {"type": "date"},
        "updatedAt": {"type": "date"},
        "updater": {"type": "keyword"},
        "deletedAt": {"type": "date"},
    },
}
# What every mapping has: the root, the metadata and its members.
_OWN_NODES: Final = 2 + len(_METADATA_DEFINITION["properties"])
# Parameters that decide how values were indexed, and so cannot change under them.
_FIXED_PARAMETERS: Final = (
    "analyzer",
    "format",
    "position_increment_gap",
    "scaling_factor",
    "index",
    "store",
    "doc_values",
)


class Mapping:
    """How the documents of one collection are indexed.

    Attributes:
        properties: Field name to its definition, as users wrote it.
        root: The same, compiled, with the metadata.
        fields: Every field that holds values, sub fields included, by path.
        copies: Copies of fields of nested objects in what is around them, by holder and path.
        nested: Every nested object by path.
    """

    def __init__(
        self, dynamic: str = "true", meta: dict[str, Any] | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        """Compile a checked mapping.

        Raises:
            KuzzleError: A definition that cannot be.
        """
        self.dynamic = dynamic
        self.meta = meta or {}
        self.properties = properties or {}
        definition = {"dynamic": dynamic, "properties": {**self.properties, METADATA: _METADATA_DEFINITION}}
        self.root: ObjectNode = compile_object("", definition, dynamic)
        self.fields: dict[str, Field] = {}
        self.copies: dict[tuple[str, str], Field] = {}
        self.objects: dict[str, ObjectNode] = {}
        self._collect(self.root, 1)
        self.nested = {path: node for path, node in self.objects.items() if node.is_nested}

    def _collect(self, node: ObjectNode, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _too_deep(node.path)
        self.objects[node.path] = node
        for child in node.children.values():
            if isinstance(child, ObjectNode):
                self._collect(child, depth + 1)
            else:
                for found in (child, *child.subfields):
                    self.fields[found.path] = found
                    self.copies.update({(copy.nested_path, copy.path): copy for copy in found.copies})
        if len(self.fields) + len(self.objects) > MAX_FIELDS + _OWN_NODES:
            raise _bad_request(f"Limit of total fields [{MAX_FIELDS}] has been exceeded")

    def merge(self, changes: MappingType[str, Any]) -> Mapping:
        """Return this mapping with another, as users write it, merged into it.

        Raises:
            KuzzleError: `invalid_mapping`, `invalid_mapping_type`, `cannot_change_mapping`,
                `unexpected_properties`, `invalid_mapping_argument` (all of `services.storage`), ...
        """
        check_mapping(changes)
        properties = split_dotted_names(changes.get("properties") or {})
        properties.pop(METADATA, None)
        merged = merge_properties(self.properties, properties, "")
        dynamic = dynamic_policy(changes["dynamic"]) if changes.get("dynamic") is not None else self.dynamic
        meta = changes["_meta"] if changes.get("_meta") is not None else self.meta
        return Mapping(dynamic, deepcopy(meta), merged)

    def mark_nested(self, properties: dict[str, Any]) -> None:
        """Give inferred definitions the type of the nested objects that they add fields to."""
        for path in self.nested:
            place: dict[str, Any] | None = {"properties": properties}
            for name in path.split("."):
                place = (place or {}).get("properties", {}).get(name)
            if place is not None:
                place["type"] = "nested"

    def check_nested(self, path: str) -> None:
        """Refuse a path that is not mapped as nested.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`.
        """
        if path in self.nested:
            return
        if path in self.objects or path in self.fields:
            raise _bad_request(f"[nested] nested object under path [{path}] is not of nested type")
        raise _bad_request(f"[nested] failed to find nested object under path [{path}]")

    def nested_around(self, path: str) -> str:
        """Return the path of the nested object around another; empty: it stands in the document itself."""
        parents = path.split(".")[:-1]
        while parents and ".".join(parents) not in self.nested:
            parents.pop()
        return ".".join(parents)

    def find_field(self, path: str, scope: str) -> Field | None:
        """Return the field of a path whose values are held by documents, or nested objects; None: there is none.

        Args:
            scope: Path of the nested objects, empty for documents.
        """
        found = self.fields.get(path)
        return found if found is not None and found.nested_path == scope else self.copies.get((scope, path))

    def fields_in(self, scope: str) -> Iterator[Field]:
        """Yield every field whose values are held by documents, or by the nested objects of a path."""
        for found in self.fields.values():
            if found.nested_path == scope:
                yield found
        for (holder, _), copy in self.copies.items():
            if holder == scope:
                yield copy

    def fields_below(self, path: str, scope: str) -> Iterator[Field]:
        """Yield the field of a path, or every field below it when it is an object's, of those in a scope."""
        found = self.find_field(path, scope)
        if found is not None:
            yield found
        elif path in self.objects:
            prefix = f"{path}." if path else ""
            yield from (below for below in self.fields_in(scope) if below.path.startswith(prefix))


def check_mapping(mapping: Any) -> None:
    """Refuse what is no mapping: unknown keys, wrong kinds of values.

    Raises:
        KuzzleError: `services.storage.invalid_mapping` naming the dotted path, or
            `wrong_mapping_property` for a value of the wrong kind.
    """
    if not isinstance(mapping, dict):
        raise KuzzleError("services.storage.wrong_mapping_property", "mapping")
    _check_object(mapping, ROOT_KEYS, "", "", 0)


def _check_object(
    definition: MappingType[str, Any], allowed: tuple[str, ...], written: str, path: str, depth: int
) -> None:
    """`written` is where the definition stands in what the user wrote, `path` is that of the field."""
    if depth > MAX_DEPTH:
        raise _too_deep(path)
    for key in definition:
        if key not in allowed:
            nearest = difflib.get_close_matches(key, allowed, 1)
            hint = f' Did you mean "{nearest[0]}"?' if nearest else ""
            raise KuzzleError("services.storage.invalid_mapping", f"{written}{key}", hint)
    if not isinstance(definition.get("_meta", {}), dict | None):
        raise KuzzleError("services.storage.wrong_mapping_property", f"{path}._meta" if path else "_meta")
    if definition.get("dynamic") is not None:
        dynamic_policy(definition["dynamic"])
    properties = definition.get("properties")
    if not isinstance(properties, dict | None):
        raise KuzzleError("services.storage.wrong_mapping_property", f"{path}.properties" if path else "properties")
    for name, child in (properties or {}).items():
        child_path = f"{path}.{name}" if path else name
        if not all(name.split(".")):
            raise _bad_request(f"name cannot be empty string or begin or end with a [.]: [{child_path}]")
        if depth + name.count(".") > MAX_DEPTH:
            raise _too_deep(child_path)
        if not isinstance(child, dict):
            raise KuzzleError("services.storage.wrong_mapping_property", child_path)
        if "properties" in child:
            _check_object(child, (*ROOT_KEYS, "type"), f"{written}properties.{name}.", child_path, depth + 1)
            if not isinstance(child.get("type", "object"), str) or not is_object(child):
                raise KuzzleError("services.storage.unexpected_properties", "properties", child_path)
        elif is_object(child):
            for key in child:
                if key not in OBJECT_PARAMETERS:
                    raise KuzzleError("services.storage.unexpected_properties", key, child_path)


def split_dotted_names(properties: MappingType[str, Any]) -> dict[str, Any]:
    """Return properties with `{"a.b": ...}` written as objects; definitions are copies."""
    split: dict[str, Any] = {}
    for name, definition in properties.items():
        *parents, last = name.split(".")
        place = split
        for parent in parents:
            place = place.setdefault(parent, {"properties": {}}).setdefault("properties", {})
        copied = deepcopy(dict(definition))
        copied.pop("dynamic_templates", None)
        if "dynamic" in copied:
            copied["dynamic"] = dynamic_policy(copied["dynamic"])
        if "properties" in copied:
            copied["properties"] = split_dotted_names(copied["properties"] or {})
        place[last] = merge_definition(place[last], copied, name) if last in place else copied
    return split


def merge_properties(current: MappingType[str, Any], changes: MappingType[str, Any], path: str) -> dict[str, Any]:
    """Return the definitions of an object's children with others merged into them.

    Raises:
        KuzzleError: `services.storage.cannot_change_mapping`.
    """
    merged = dict(current)
    for name, definition in changes.items():
        child_path = f"{path}.{name}" if path else name
        merged[name] = merge_definition(current[name], definition, child_path) if name in current else definition
    return merged


def merge_definition(current: MappingType[str, Any], change: MappingType[str, Any], path: str) -> dict[str, Any]:
    """Return a definition with another merged into it; the parameters of a field are replaced as a whole.

    Raises:
        KuzzleError: `services.storage.cannot_change_mapping`.
    """
    if is_object(current) != is_object(change):
        raise KuzzleError("services.storage.cannot_change_mapping", path)
    if is_object(current):
        if current.get("type", "object") != change.get("type", "object"):
            raise KuzzleError("services.storage.cannot_change_mapping", path)
        merged = {**current, **change}
        if "properties" in current or "properties" in change:
            merged["properties"] = merge_properties(current.get("properties", {}), change.get("properties", {}), path)
        return merged
    if current["type"] != change.get("type") or any(
        current.get(name) != change.get(name) for name in _FIXED_PARAMETERS
    ):
        raise KuzzleError("services.storage.cannot_change_mapping", path)
    merged = dict(change)
    if isinstance(change.get("fields", {}), dict) and ("fields" in current or "fields" in change):
        merged["fields"] = merge_properties(current.get("fields", {}), change.get("fields", {}), path)
    return merged


def infer_definition(value: Any) -> dict[str, Any] | None:
    """Return the definition that Elasticsearch 5 gives a new field with this value, None when it says nothing."""
    if isinstance(value, list):
        return _infer_list(value)
    if isinstance(value, dict):
        return {"properties": properties} if (properties := infer_properties(value)) else {"type": "object"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "long"}
    if isinstance(value, float):
        return {"type": "float"}
    if isinstance(value, str):
        return _infer_text(value)
    return None


def infer_properties(source: MappingType[str, Any]) -> dict[str, Any]:
    """Return the definitions of all fields of a new object."""
    properties: dict[str, Any] = {}
    for name, value in source.items():
        check_field_name(name)
        definition = infer_definition(value)
        if definition is not None:
            add_inferred(properties, name.split("."), definition)
    return properties


def add_inferred(properties: dict[str, Any], names: list[str], definition: dict[str, Any]) -> None:
    """Put the definition of a new field among others; what was inferred first stays."""
    for parent in names[:-1]:
        place = properties.setdefault(parent, {"properties": {}})
        if not is_object(place):
            raise KuzzleError("services.storage.wrong_mapping_property", ".".join(names))
        place.pop("type", None)
        properties = place.setdefault("properties", {})
    current = properties.setdefault(names[-1], definition)
    if current is not definition and is_object(current) and "properties" in definition:
        current.pop("type", None)
        place = current.setdefault("properties", {})
        for name, below in definition["properties"].items():
            add_inferred(place, [name], below)


def check_field_name(name: str) -> None:
    """Refuse a name that names no field.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if not all(name.split(".")):
        raise _bad_request(
            f"object field starting or ending with a [.] makes object resolution ambiguous: [{name}]"
            if name
            else "name cannot be empty string"
        )


def _infer_list(values: list[Any]) -> dict[str, Any] | None:
    merged: dict[str, Any] = {}
    for value in values:
        definition = infer_definition(value)
        if definition is not None:
            add_inferred(merged, ["value"], definition)
            if not is_object(definition):
                break
    found: dict[str, Any] | None = merged.get("value")
    return found


# Elasticsearch only tries a date where two of these signs stand, so that "1" is no year.
_DATE_SIGNS: Final = (":", "-", "/")
_SLASHED_DATE: Final = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"
_LOOKS_LIKE_DATE: Final = re.compile(r"\d{4}[-/T]", re.ASCII)


def _infer_text(value: str) -> dict[str, Any]:
    if len(value) < 40 and _LOOKS_LIKE_DATE.match(value) and any(value.count(sign) > 1 for sign in _DATE_SIGNS):
        for name, definition in (
            ("strict_date_optional_time", {"type": "date"}),
            ("yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", {"type": "date", "format": _SLASHED_DATE}),
        ):
            try:
                date_format(name).parse(value)
            except DateError:
                continue
            return dict(definition)
    return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


def _bad_request(message: str) -> KuzzleError:
    return KuzzleError("services.storage.unexpected_bad_request", message)


def _too_deep(path: str) -> KuzzleError:
    return _bad_request(f"Limit of mapping depth [{MAX_DEPTH}] has been exceeded due to object field [{path}]")
