"""Values of fields beside those for queries: which fields have them for sorts, aggregations and hits."""

from __future__ import annotations

from typing import Any

from kuzzle.storage.fields import Field
from kuzzle.storage.geo import decode_point
from kuzzle.storage.reading import bad_request
from kuzzle.storage.values import IndexedValue, ip_text


def check_doc_values(field: Field) -> None:
    """Refuse a field whose mapping says that its values are not kept.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if field.type == "text" and field.definition.get("fielddata") not in (True, "true"):
        raise bad_request(
            f"Fielddata is disabled on text fields by default. Set fielddata=true on [{field.path}] in order to "
            "load fielddata in memory by uninverting the inverted index. Note that this can however use "
            "significant memory. Alternatively use a keyword field instead."
        )
    if field.definition.get("doc_values") in (False, "false"):
        raise bad_request(
            f"Can't load fielddata on [{field.path}] because fielddata is unsupported on fields of type "
            f"[{field.type}]. Use doc values instead."
        )


def shown_value(field: Field, value: IndexedValue) -> Any:
    """Return a value of the index as hits show it; a date as its milliseconds."""
    if field.type == "boolean":
        return bool(value)
    if isinstance(value, bytes):
        if field.type == "ip":
            return ip_text(value)
        point = decode_point(value)
        return {"lat": point.lat, "lon": point.lon}
    return value
