"""Which fields have values for sorts, aggregations and hits, beside those for queries."""

from __future__ import annotations

from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request


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
