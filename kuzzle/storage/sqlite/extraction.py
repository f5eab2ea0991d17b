"""What the index keeps of a document: for each of its fields, each of its values once.

Objects in arrays are flattened, as Elasticsearch does: the values of all of them belong to one field. Nested
objects keep their values apart: `nested_rows.py` says how.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.errors import StrictMappingError
from kuzzle.storage.fields import Field, ObjectNode
from kuzzle.storage.mapping import Mapping, add_inferred, check_field_name, infer_definition
from kuzzle.storage.sqlite.analysis import tokens_of
from kuzzle.storage.sqlite.nested_rows import MAX_NESTED_OBJECTS, NestedObject
from kuzzle.storage.sqlite.places import Places, encode_places
from kuzzle.storage.values import PRESENT, IndexedValue, index_value, text_of

IndexRow = tuple[int, IndexedValue, int, int, Places | None]
"""Number of a field, one of its values, the number of the nested object that holds it (0: the document itself),
and of a word its weight (`pack_weight`) and places; of other values 0 and None."""

# Places between two values of a field, so that no phrase reaches from one into the next, unless the mapping says it:
# position_increment_gap of Elasticsearch.
VALUE_GAP: Final = 100
# A weight holds how often a word is in a text, in these low bits, and above how many words the text has.
FREQUENCY_BITS: Final = 20
MAX_FREQUENCY: Final = (1 << FREQUENCY_BITS) - 1


def pack_weight(frequency: int, length: int) -> int:
    """Return what relevance needs of a word in a text as one number: both stand in the row that a look-up finds."""
    return length << FREQUENCY_BITS | min(frequency, MAX_FREQUENCY)


class _Text:
    """The words of a field in one document or nested object: all its values are one text."""

    def __init__(self) -> None:
        self._places: dict[str, list[int]] = {}
        self._length = 0
        self._end = 0

    def add(self, tokens: list[str | None], gap: int) -> None:
        """Add a value, `gap` places behind the one before."""
        start = self._end + gap if self._end else 0
        places = self._places
        for place, word in enumerate(tokens, start):
            if word is None:
                continue
            self._length += 1
            if word in places:
                places[word].append(place)
            else:
                places[word] = [place]
        self._end = start + len(tokens)

    def rows(self, number: int, holder: int) -> list[IndexRow]:
        """Return a row for each word."""
        weight_of_one = pack_weight(1, self._length)
        return [
            (number, word, holder, weight_of_one, places[0])
            if len(places) == 1  # as most are
            else (number, word, holder, pack_weight(len(places), self._length), encode_places(places))
            for word, places in self._places.items()
        ]


class Extraction:
    """Reads one document under one mapping.

    Attributes:
        rows: The values of the document by the numbers of their fields.
        objects: Its nested objects, by their numbers less one.
        unknown: Fields that the mapping does not know and is to learn: definitions by name, nested.
    """

    def __init__(
        self, mapping: Mapping, numbers: MappingType[str, int], collection: str, *, is_lenient: bool = False
    ) -> None:
        """`is_lenient`: what the mapping refuses is left out; the document was written under another one."""
        self.rows: set[IndexRow] = set()
        self.objects: list[NestedObject] = []
        self.unknown: dict[str, Any] = {}
        self._mapping = mapping
        self._numbers = numbers
        self._collection = collection
        self._is_lenient = is_lenient
        self._texts: dict[tuple[int, int], _Text] = {}
        # Path of each nested object around what is read, and its number; the document's path is empty.
        self._around: dict[str, int] = {"": 0}

    def read(self, source: MappingType[str, Any]) -> None:
        """Collect the rows of a document.

        Raises:
            KuzzleError: A value that does not fit its field, or a field that a strict mapping refuses.
        """
        self._read_object(self._mapping.root, source)
        for (number, place), text in self._texts.items():
            self.rows.update(text.rows(number, place))

    def _read_object(self, node: ObjectNode, source: MappingType[str, Any]) -> None:
        if not node.is_enabled:
            return
        children = node.children
        for name, value in source.items():
            child = children.get(name)
            try:
                if child is None:
                    self._read_other(node, name, value)
                elif isinstance(child, Field):
                    self._read_field(child, value)
                else:
                    self._read_below(child, value)
            except KuzzleError:
                if not self._is_lenient:
                    raise

    def _read_below(self, node: ObjectNode, value: Any, offset: int = 0) -> None:
        if isinstance(value, dict):
            if node.is_nested and node.is_enabled:
                self._read_nested(node, value, offset)
            else:
                self._read_object(node, value)
        elif isinstance(value, list):
            for position, item in enumerate(value):
                self._read_below(node, item, position)
        elif value is not None and node.is_enabled:
            raise KuzzleError("services.storage.wrong_mapping_property", node.path)

    def _read_nested(self, node: ObjectNode, source: MappingType[str, Any], offset: int) -> None:
        if len(self.objects) >= MAX_NESTED_OBJECTS:
            raise KuzzleError(
                "services.storage.unexpected_bad_request",
                f"The number of nested documents has exceeded the allowed limit of [{MAX_NESTED_OBJECTS}].",
            )
        around = self._around
        parent = list(around.values())[-1]
        self.objects.append(NestedObject(node.path, offset, parent, source))
        place = len(self.objects)
        number = self._numbers.get(node.path)
        if number is not None:
            self.rows.add((number, parent, place, 0, None))
        self._around = {**around, node.path: place}
        self._read_object(node, source)
        self._around = around

    def _read_other(self, node: ObjectNode, name: str, value: Any) -> None:
        """Read a member that is no child of its object by name: a dotted path, or an unknown field."""
        first, separator, rest = name.partition(".")
        child = node.children.get(first)
        if separator and isinstance(child, ObjectNode):
            self._read_below(child, {rest: value})
        elif separator and isinstance(child, Field):
            raise KuzzleError("services.storage.wrong_mapping_property", child.path)
        elif node.dynamic == "strict":
            raise StrictMappingError(name, node.path or self._collection)
        elif node.dynamic == "true":
            check_field_name(name)
            definition = infer_definition(value)
            if definition is not None:
                path = f"{node.path}.{name}" if node.path else name
                add_inferred(self.unknown, path.split("."), definition)

    def _read_field(self, field: Field, value: Any) -> None:
        if value is None:
            value = field.definition.get("null_value")
            if value is None:
                return
        if isinstance(value, list) and not (field.type == "geo_point" and _is_pair(value)):
            for item in value:
                self._read_field(field, item)
            return
        self._add(field, value)
        for subfield in field.subfields:
            self._add(subfield, value)
        for path in field.copy_to:
            self._copy(path, value)

    def _copy(self, path: str, value: Any) -> None:
        target = self._mapping.fields.get(path)
        if target is not None:
            self._add(target, value)
            for subfield in target.subfields:
                self._add(subfield, value)
        elif path in self._mapping.objects:
            raise KuzzleError("services.storage.wrong_mapping_property", path)
        else:
            self._read_other(self._mapping.root, path, value)

    def _add(self, field: Field, value: Any) -> None:
        if field.type == "text":
            self._add_words(field, value)
            return
        indexed = index_value(field, value)
        if indexed is not None:
            for number, holder in self._holders(field):
                self.rows.add((number, indexed, holder, 0, None))

    def _add_words(self, field: Field, value: Any) -> None:
        tokens = tokens_of(field.definition.get("analyzer", "standard"), text_of(field, value))
        has_words = any(tokens)
        for number, holder in self._holders(field):
            if has_words:
                text = self._texts.setdefault((number, holder), _Text())
                text.add(tokens, field.definition.get("position_increment_gap", VALUE_GAP))
            else:
                self.rows.add((number, PRESENT, holder, 0, None))

    def _holders(self, field: Field) -> list[tuple[int, int]]:
        """Return the number of a field and that of what holds its values now, and the same of its copies."""
        around = self._around
        if not field.copies:
            path = field.nested_path
            return [(self._numbers[field.key], around[path])] if path in around else []
        return [
            (self._numbers[one.key], around[one.nested_path])
            for one in (field, *field.copies)
            if one.nested_path in around
        ]


def _is_pair(value: list[Any]) -> bool:
    return len(value) in (2, 3) and all(isinstance(part, int | float) for part in value)
