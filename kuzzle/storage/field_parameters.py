"""Parameters of fields whose values are not all honoured: what is not is refused by name.

Some only say how Elasticsearch is to store or to load what it searches (`term_vector`, `eager_global_ordinals`):
they are checked, and change nothing there either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError

_BOOLEANS: Final = (True, False, "true", "false")
# Parameter to the values that it may have.
_VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "boost": (1, "1", "1.0"),
    "eager_global_ordinals": _BOOLEANS,
    "fielddata_frequency_filter": (),
    "include_in_all": _BOOLEANS,
    "index_options": ("docs", "freqs", "positions", "offsets"),
    "locale": ("", "ROOT", "en", "en_US", "en_GB"),
    "norms": _BOOLEANS,
    "similarity": ("BM25",),
    "term_vector": ("no", "yes", "with_positions", "with_offsets", "with_positions_offsets"),
}
# A keyword scores the boost of its clause, whatever the lengths and numbers of its values.
_VALUES_OF_KEYWORDS: Final[Mapping[str, tuple[Any, ...]]] = {"index_options": ("docs",), "norms": (False, "false")}


def check_honoured(path: str, definition: Mapping[str, Any]) -> None:
    """Refuse a parameter of a field that would have no effect.

    Raises:
        KuzzleError: 400 `services.storage.invalid_mapping_argument` naming it.
    """
    values = {**_VALUES, **_VALUES_OF_KEYWORDS} if definition.get("type") == "keyword" else _VALUES
    for parameter, value in definition.items():
        if parameter in values and (isinstance(value, dict | list) or value not in values[parameter]):
            raise KuzzleError("services.storage.invalid_mapping_argument", path, parameter)


def check_object_honoured(path: str, definition: Mapping[str, Any]) -> None:
    """Refuse a parameter of an object whose value is none of its.

    Raises:
        KuzzleError: 400 `services.storage.invalid_mapping_argument` naming it.
    """
    for parameter in ("include_in_parent", "include_in_root"):
        if definition.get(parameter, False) not in _BOOLEANS:
            raise KuzzleError("services.storage.invalid_mapping_argument", path, parameter)
