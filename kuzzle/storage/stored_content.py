"""The content of a document that was read: a JSON text (UTF-8) until somebody asks for the object.

Most contents only travel from the store to a client. Their text goes into the answer as it is, which takes a
fifth of the time of parsing it and writing it again.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import orjson

_METADATA: Final = "_kuzzle_info"
_MEMBER: Final = b'"_kuzzle_info":'
_IN_TRASH: Final = b'"active":false'


def encode_content(source: dict[str, Any]) -> tuple[bytes, int | None, int | None]:
    """Return the text of a content, and where in it its metadata are: the start and size of the value, None without.

    Raises:
        orjson.JSONEncodeError: It cannot be written: nested too deep, or a number beyond 64 bits.
    """
    text = orjson.dumps(source)
    if _METADATA not in source:
        return text, None, None
    size = len(orjson.dumps(source[_METADATA]))
    if next(reversed(source)) == _METADATA:  # as the server adds them
        return text, len(text) - 1 - size, size
    before = orjson.dumps(dict(itertools.takewhile(lambda member: member[0] != _METADATA, source.items())))
    comma = len(before) > len(b"{}")
    return text, len(before) - 1 + comma + len(_MEMBER), size


class StoredContent:
    """The content of a document, metadata (`_kuzzle_info`) included.

    The texts are those of `encode_content`: what is shown equals what parsing and writing would give.
    """

    __slots__ = ("_metadata_text", "_source", "_text")

    def __init__(self, text: bytes, start: int | None = None, size: int | None = None) -> None:
        """Take a content as it was read: what `encode_content` gave."""
        self._text = text
        self._metadata_text = None if start is None or size is None else text[start : start + size]
        self._source: dict[str, Any] | None = None

    @classmethod
    def of(cls, source: dict[str, Any]) -> StoredContent:
        """Return the content that an object is."""
        content = cls(b"")
        content._source = source
        return content

    @property
    def source(self) -> dict[str, Any]:
        """The content as an object, always the same one: what is changed in it is shown."""
        if self._source is None:
            self._source = orjson.loads(self._text)
        return self._source

    @property
    def is_in_trash(self) -> bool:
        """True of a document that was deleted but can still be revived."""
        if self._source is not None:
            return is_trashed(self._source)
        text = self._metadata_text
        # Anybody may import metadata that hold the same words elsewhere.
        return text is not None and _IN_TRASH in text and is_trashed({_METADATA: orjson.loads(text)})

    def shown(self) -> Any:
        """Return what stands for the content in an answer: the text, unless somebody has asked for the object."""
        return orjson.Fragment(self._text) if self._source is None else self._source

    def shown_metadata(self) -> Any:
        """Return what stands for the metadata in an answer; None where they are no object."""
        if self._source is not None:
            metadata = self._source.get(_METADATA)
            return metadata if isinstance(metadata, dict) else None
        text = self._metadata_text
        return orjson.Fragment(text) if text is not None and text.startswith(b"{") else None

    def __eq__(self, other: object) -> bool:
        return self.source == other.source if isinstance(other, StoredContent) else NotImplemented

    def __repr__(self) -> str:
        return f"StoredContent.of({self.source!r})"


def is_trashed(source: dict[str, Any]) -> bool:
    """Tell whether a content is that of a document in the trash."""
    metadata = source.get(_METADATA)
    return isinstance(metadata, dict) and metadata.get("active") is False
