"""The fields of a collection as its mapping defines them, compiled for reading documents and queries.

A node is either an object, whose children are nodes, or a field of one of the types of `TYPES`. Nodes
are immutable: a changed mapping is compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.dates import DEFAULT_FORMAT, DateError, DateFormat, date_format
from kuzzle.storage.field_parameters import check_honoured, check_object_honoured

INTEGER_BOUNDS: Final = {
    "long": (-(1 << 63), (1 << 63) - 1),
    "integer": (-(1 << 31), (1 << 31) - 1),
    "short": (-(1 << 15), (1 << 15) - 1),
    "byte": (-(1 << 7), (1 << 7) - 1),
}
FLOAT_TYPES: Final = frozenset({"double", "float", "half_float", "scaled_float"})
# Those of Elasticsearch that need no settings; what they do stands where texts are analysed.
ANALYZERS: Final = frozenset({"standard", "simple", "whitespace", "keyword", "pattern", "stop", "english"})

# Far above what keeps any phrase from reaching over it, and low enough for many values of one field.
MAX_VALUE_GAP: Final = 1_000_000

_EVERY: Final = frozenset({"type", "fields", "copy_to", "store", "boost", "include_in_all", "index"})
_VALUES: Final = _EVERY | {"doc_values", "null_value"}
_NUMBERS: Final = _VALUES | {"coerce", "ignore_malformed"}
_TEXT: Final = _EVERY | {
    "analyzer", "search_analyzer", "search_quote_analyzer", "eager_global_ordinals", "fielddata",
    "fielddata_frequency_filter", "index_options", "norms", "position_increment_gap", "similarity", "term_vector",
}  # fmt: skip
_KEYWORD: Final = _VALUES | {"ignore_above", "eager_global_ordinals", "index_options", "norms", "similarity"}

# Type of a field: the parameters it takes.
TYPES: Final[Mapping[str, frozenset[str]]] = {
    "text": _TEXT,
    "keyword": _KEYWORD,
    **dict.fromkeys(INTEGER_BOUNDS, _NUMBERS),
    **dict.fromkeys(("double", "float", "half_float"), _NUMBERS),
    "scaled_float": _NUMBERS | {"scaling_factor"},
    "boolean": _VALUES,
    "date": _VALUES | {"format", "ignore_malformed", "locale"},
    "ip": _VALUES,
    "geo_point": _EVERY | {"doc_values", "ignore_malformed"},
    "geo_shape": frozenset(
        {"type", "tree", "precision", "tree_levels", "strategy", "distance_error_pct", "orientation", "points_only",
         "coerce", "ignore_malformed"}
    ),
    "binary": frozenset({"type", "doc_values", "store"}),
}  # fmt: skip
OBJECT_TYPES: Final = frozenset({"object", "nested"})
# What an object without `properties` may say about itself.
OBJECT_PARAMETERS: Final = frozenset({"type", "dynamic", "enabled", "include_in_all", "include_in_parent",
                                      "include_in_root", "_meta", "properties", "dynamic_templates"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """A field that holds values.

    Attributes:
        path: Dotted, from the root; of a sub field, with its name behind its field's.
        definition: As users wrote it.
        subfields: The same value, indexed in other ways.
        nested_path: Of the nested object around it, empty without one.
        is_in_all: False when the mapping leaves it out of `_all`.
        copies: The same values, held by what is around the nested object (`include_in_parent`, `include_in_root`).
        is_copy: It is one of these: `nested_path` is that of its holder.
    """

    path: str
    type: str
    definition: Mapping[str, Any]
    subfields: tuple[Field, ...] = ()
    copy_to: tuple[str, ...] = ()
    date_format: DateFormat | None = None
    nested_path: str = ""
    is_in_all: bool = True
    copies: tuple[Field, ...] = ()
    is_copy: bool = False

    @property
    def key(self) -> str:
        """The name by which the field is numbered; no path has two dots side by side."""
        return f"{self.path}..{self.nested_path}" if self.is_copy else self.path

    @property
    def is_hidden(self) -> bool:
        """True below a nested object: only clauses inside of a `nested` see it."""
        return bool(self.nested_path)

    @property
    def is_searchable(self) -> bool:
        """False when the mapping says `index: false`."""
        return self.definition.get("index", True) not in (False, "false", "no")

    @property
    def has_norms(self) -> bool:
        """False when the lengths of texts do not count in their relevance (`norms: false`)."""
        return self.definition.get("norms", True) not in (False, "false")

    @property
    def has_frequencies(self) -> bool:
        """False when it does not count how often a word is in a text (`index_options: docs`)."""
        return bool(self.definition.get("index_options", "positions") != "docs")

    @property
    def has_places(self) -> bool:
        """False when nobody may ask where in a text a word is."""
        return self.definition.get("index_options", "positions") in ("positions", "offsets")


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """An object and what it may hold.

    Attributes:
        dynamic: What becomes of unknown fields: `"true"`, `"false"` or `"strict"`.
        is_enabled: False: nothing below is looked at.
        nested_path: Of the nearest nested object: itself, or one around it; empty without one.
    """

    path: str
    dynamic: str
    children: dict[str, Field | ObjectNode] = field(default_factory=dict)
    is_nested: bool = False
    is_enabled: bool = True
    nested_path: str = ""


def compile_object(
    path: str,
    definition: Mapping[str, Any],
    inherited_dynamic: str,
    *,
    holders: tuple[str, ...] = ("",),
    is_in_all: bool = True,
) -> ObjectNode:
    """Compile an object's definition with all that is below.

    Args:
        holders: What holds values below: paths of nested objects, empty for the document; what is nearest first, the
            others hold copies.
        is_in_all: Whether fields that do not say it are part of `_all`.

    Raises:
        KuzzleError: A definition that cannot be, with the documented error.
    """
    check_object_honoured(path, definition)
    dynamic = dynamic_policy(definition.get("dynamic", inherited_dynamic))
    is_nested = definition.get("type") == "nested"
    if is_nested:
        holders = _nested_holders(path, definition, holders)
    is_in_all = definition.get("include_in_all", is_in_all) not in (False, "false")
    children: dict[str, Field | ObjectNode] = {}
    for name, child in definition.get("properties", {}).items():
        child_path = f"{path}.{name}" if path else name
        if is_object(child):
            children[name] = compile_object(child_path, child, dynamic, holders=holders, is_in_all=is_in_all)
        else:
            children[name] = compile_field(child_path, child, holders=holders, is_in_all=is_in_all)
    is_enabled = definition.get("enabled", True) not in (False, "false")
    return ObjectNode(path, dynamic, children, is_nested, is_enabled, holders[0])


def _nested_holders(path: str, definition: Mapping[str, Any], around: tuple[str, ...]) -> tuple[str, ...]:
    """Return what holds the values of nested objects: these, and what they say to be included in."""
    found = [path]
    if definition.get("include_in_parent", False) not in (False, "false"):
        found += around
    if definition.get("include_in_root", False) not in (False, "false"):
        found.append("")
    return tuple(dict.fromkeys(found))


def is_object(definition: Mapping[str, Any]) -> bool:
    """Tell whether a definition is that of an object."""
    if "type" in definition:
        # Compared one by one: what a user wrote may be a list, which no set takes.
        return definition["type"] in tuple(OBJECT_TYPES)
    return "properties" in definition or set(definition) == {"enabled"}


def compile_field(
    path: str,
    definition: Mapping[str, Any],
    *,
    holders: tuple[str, ...],
    is_subfield: bool = False,
    is_in_all: bool = True,
) -> Field:
    """Compile the definition of a field that holds values.

    Args:
        holders: As those of an object.

    Raises:
        KuzzleError: No such type, parameter or value of a parameter.
    """
    if "type" not in definition:
        raise KuzzleError("services.storage.unexpected_bad_request", f"No type specified for field [{path}]")
    kind = definition["type"]
    if not isinstance(kind, str) or kind not in TYPES or (is_subfield and kind in OBJECT_TYPES):
        raise KuzzleError("services.storage.invalid_mapping_type", path, kind)
    for parameter in definition:
        if parameter not in TYPES[kind] or (is_subfield and parameter in ("fields", "copy_to")):
            raise KuzzleError("services.storage.unexpected_properties", parameter, path)
    _check_parameters(path, definition)
    copy_to = definition.get("copy_to", ())
    is_in_all = definition.get("include_in_all", is_in_all) not in (False, "false")
    subfields = tuple(
        compile_field(f"{path}.{name}", subfield, holders=holders, is_subfield=True, is_in_all=is_in_all)
        for name, subfield in definition.get("fields", {}).items()
    )
    nearest, *others = holders
    found = Field(
        path,
        kind,
        definition,
        subfields,
        (copy_to,) if isinstance(copy_to, str) else tuple(copy_to),
        _date_format(path, definition) if kind == "date" else None,
        nearest,
        is_in_all,
    )
    copies = [replace(found, nested_path=holder, is_copy=True, subfields=(), copy_to=()) for holder in others]
    return replace(found, copies=tuple(copies)) if copies else found


def dynamic_policy(value: Any) -> str:
    """Return what a `dynamic` option says, as text.

    Raises:
        KuzzleError
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value not in ("true", "false", "strict"):
        raise KuzzleError(
            "services.storage.unexpected_bad_request",
            f"Failed to parse value [{value}] as only [true], [false] or [strict] are allowed.",
        )
    return str(value)


def _date_format(path: str, definition: Mapping[str, Any]) -> DateFormat:
    try:
        return date_format(definition.get("format", DEFAULT_FORMAT))
    except DateError:
        raise KuzzleError("services.storage.invalid_mapping_argument", path, "format") from None


def _is_analyzer(value: Any) -> bool:
    return isinstance(value, str) and value in ANALYZERS


_BOOLEANS: Final = (True, False, "true", "false")


def _check_parameters(path: str, definition: Mapping[str, Any]) -> None:
    checks: dict[str, Callable[[Any], bool]] = {
        "fields": lambda value: isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()),
        "copy_to": lambda value: (
            isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        ),
        "analyzer": _is_analyzer,
        "search_analyzer": _is_analyzer,
        "search_quote_analyzer": _is_analyzer,
        "format": lambda value: isinstance(value, str),
        "position_increment_gap": lambda value: (
            isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_VALUE_GAP
        ),
        "ignore_above": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        "scaling_factor": lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        ),
        "index": lambda value: value in (*_BOOLEANS, "no", "analyzed", "not_analyzed"),
        "doc_values": lambda value: value in _BOOLEANS,
        "store": lambda value: value in (*_BOOLEANS, "yes", "no"),
        "coerce": lambda value: value in _BOOLEANS,
        "fielddata": lambda value: value in _BOOLEANS,
        "ignore_malformed": lambda value: value in _BOOLEANS,
        "null_value": lambda value: value is not None and not isinstance(value, dict | list),
    }
    for parameter, value in definition.items():
        if parameter in checks and not checks[parameter](value):
            raise KuzzleError("services.storage.invalid_mapping_argument", path, parameter)
    check_honoured(path, definition)
    if definition["type"] == "scaled_float" and "scaling_factor" not in definition:
        raise KuzzleError("services.storage.invalid_mapping_argument", path, "scaling_factor")
