"""Every parameter of every type of field, and what shows that it is honoured.

As of clauses (`clause_options.py`): `Changes` in what is stored and found, `Refused`, or a `Hint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clause_options import Hint, Refused

from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS


@dataclass(frozen=True)
class Shown:
    """What a search finds after documents were written, each with one content of the field `f`, changes with a value.

    Attributes:
        contents: The contents of `f`, in turn.
        body: The search.
        beside: Other parameters of `f`, with and without the value.
        others: Other fields of the mapping.
    """

    value: Any
    contents: tuple[Any, ...]
    body: dict[str, Any]
    beside: dict[str, Any] | None = None
    others: dict[str, Any] | None = None


Parameter = Shown | Refused | Hint
TERMS: dict[str, tuple[Any, Any]] = {
    # A value that each type takes, and one that it does not.
    "keyword": ("x", {}),
    **dict.fromkeys(INTEGER_BOUNDS, (1, "x")),
    **dict.fromkeys(FLOAT_TYPES, (1.5, "x")),
    "boolean": (True, "maybe"),
    "date": ("2020-01-01", "soon"),
    "ip": ("10.0.0.1", "here"),
}
BOOLEANS = (True, False, "true", "false")
INDEX = "index"
KEYWORD = {"type": "keyword"}


def of_values(kind: str) -> dict[str, Parameter]:
    """Return the parameters of types that are found by terms."""
    value, wrong = TERMS[kind]
    term = {"query": {"term": {"f": value}}}
    table: dict[str, Parameter] = {
        "index": Shown(False, (value,), term),
        "doc_values": Shown(False, (value,), {"sort": "f"}),
        "null_value": Shown(value, (None,), term),
        **shared(value),
    }
    if kind in INTEGER_BOUNDS or kind in FLOAT_TYPES:
        table["coerce"] = Shown(False, ("1",), {})
        table["ignore_malformed"] = Shown(True, (wrong,), {})
    if kind == "scaled_float":
        table["scaling_factor"] = Shown(1, (1.5,), {"query": {"range": {"f": {"gt": 1.6}}}})
    return table


def shared(value: Any) -> dict[str, Parameter]:
    """Return the parameters that most types have."""
    return {
        "fields": Shown({"sub": KEYWORD}, (value,), {"query": {"exists": {"field": "f.sub"}}}),
        "copy_to": Shown("g", (value,), {"query": {"exists": {"field": "g"}}}, others={"g": KEYWORD}),
        "store": Shown(True, (value,), {"stored_fields": "f"}),
        "boost": Refused(2),
        "include_in_all": Shown(False, (value,), {"query": {"multi_match": {"query": value, "fields": "_all"}}}),
    }


TEXT: dict[str, Parameter] = {
    **shared("x"),
    "index": Shown(False, ("x",), {"query": {"match": {"f": "x"}}}),
    "analyzer": Shown("keyword", ("x y",), {"query": {"term": {"f": "x"}}}),
    "search_analyzer": Shown("keyword", ("x y",), {"query": {"match": {"f": "x y"}}}),
    "search_quote_analyzer": Shown("keyword", ("x y",), {"query": {"match_phrase": {"f": "x y"}}}),
    "fielddata": Shown(True, ("x",), {"sort": "f"}),
    "norms": Shown(False, ("x", "x y z"), {"query": {"match": {"f": "x"}}}),
    "index_options": Shown("docs", ("x x", "x y"), {"query": {"match": {"f": "x"}}}),
    "position_increment_gap": Shown(0, (["x", "y"],), {"query": {"match_phrase": {"f": "x y"}}}),
    "similarity": Refused("classic"),
    "fielddata_frequency_filter": Refused({"min": 1}),
    "eager_global_ordinals": Hint(BOOLEANS, "perhaps"),
    "term_vector": Hint(("no", "yes", "with_positions", "with_offsets", "with_positions_offsets"), "some"),
}
PLACE = {"query": {"geo_distance": {"f": "0,0", "distance": "1km"}}}
# How Elasticsearch cuts shapes into cells; here they are only stored.
SHAPE: dict[str, Parameter] = {
    "ignore_malformed": Shown(True, ("round",), {}),
    **{
        name: Hint((value,), None)
        for name, value in (
            ("tree", "quadtree"), ("precision", "1m"), ("tree_levels", 9), ("strategy", "recursive"),
            ("distance_error_pct", 0.1), ("orientation", "cw"), ("points_only", True), ("coerce", True),
        )
    },
}  # fmt: skip
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "text": TEXT,
    **{kind: of_values(kind) for kind in TERMS},
    "geo_point": {
        **shared("0,0"),
        "fields": Shown({"sub": KEYWORD}, ("0,0",), {"query": {"exists": {"field": "f.sub"}}}),
        "include_in_all": Hint(BOOLEANS, "perhaps"),  # no text is a place
        "index": Shown(False, ("0,0",), PLACE),
        "doc_values": Shown(False, ("0,0",), {"sort": {"_geo_distance": {"f": "0,0"}}}),
        "ignore_malformed": Shown(True, ("far away",), {}),
    },
    "geo_shape": SHAPE,
    # Blobs are neither searched nor sorted.
    "binary": {"doc_values": Hint(BOOLEANS, "perhaps"), "store": Shown(True, ("AA==",), {"stored_fields": ["f"]})},
}
PARAMETERS["keyword"].update(
    {
        "ignore_above": Shown(1, ("xy",), {"query": {"exists": {"field": "f"}}}),
        "eager_global_ordinals": Hint(BOOLEANS, "perhaps"),
        "index_options": Refused("freqs"),
        "norms": Refused(True),
        "similarity": Refused("classic"),
    }
)
PARAMETERS["date"].update(
    {
        "format": Shown("yyyy", ("2020-01-01",), {}),
        "ignore_malformed": Shown(True, ("soon",), {}),
        "locale": Refused("fr"),
    }
)
# What a definition of each type needs.
NEEDED: dict[str, dict[str, Any]] = {"scaled_float": {"scaling_factor": 10}}
