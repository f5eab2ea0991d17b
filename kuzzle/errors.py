"""The errors clients see.

Every id, number, status and text stands in `schemas/errors.json`; code names an id and fills its
placeholders. Anything else that reaches the funnel is a defect and goes out as
`core.fatal.unexpected_error`, without its details.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Self

from kuzzle.schemas import load_schema


class KuzzleError(Exception):
    """An error of the table `schemas/errors.json`, with its placeholders filled.

    Attributes:
        id: `<domain>.<subdomain>.<name>`, None for the few texts without one.
        code: 32-bit number of the id, None without id.
        status: HTTP status.
        message: Text sent to the client.
    """

    id: str | None
    code: int | None
    status: int
    message: str

    def __init__(self, error_id: str, *placeholders: object) -> None:
        self._define(error_id, error_table()[error_id], placeholders)
        super().__init__(self.message)

    def _define(self, error_id: str, definition: Mapping[str, Any], placeholders: Sequence[object]) -> None:
        wording = definition["1"]
        self.id = error_id
        self.code = definition["code"]
        self.status = wording["status"]
        self.message = fill(wording["message"], placeholders)

    @classmethod
    def of_definition(cls, error_id: str, definition: Mapping[str, Any], *placeholders: object) -> Self:
        """Build an error of another table of the same form: that of a plugin."""
        error = cls.__new__(cls)
        error._define(error_id, definition, placeholders)
        Exception.__init__(error, error.message)
        return error

    @classmethod
    def without_id(cls, status: int, message: str) -> Self:
        """Build one of the errors that carry neither id nor code."""
        error = cls.__new__(cls)
        Exception.__init__(error, message)
        error.id = None
        error.code = None
        error.status = status
        error.message = message
        return error


class PartialError(KuzzleError):
    """Some of the parts of a request failed: status 206, beside the result of what worked.

    Attributes:
        errors: One entry per failure, in the shape of the API generation that reports it.
        result: What worked.
    """

    def __init__(self, error_id: str, errors: Sequence[Any], result: Any, *placeholders: object) -> None:
        super().__init__(error_id, *placeholders)
        self.errors = list(errors)
        self.result = result


class CacheUnavailableError(KuzzleError):
    """`services.cache.not_connected` (503): the server of the cache, or of the memory storage, does not answer."""

    def __init__(self) -> None:
        super().__init__("services.cache.not_connected")


class ResultingError(KuzzleError):
    """An error that goes out together with a full result (`server:healthCheck`)."""

    def __init__(self, error_id: str, *placeholders: object, result: Any) -> None:
        super().__init__(error_id, *placeholders)
        self.result = result


@functools.cache
def error_table() -> Mapping[str, Mapping[str, Any]]:
    """Return the table of errors: id to `{"code", "1": {"status", "message", "deprecated"?}}`."""
    table: Mapping[str, Mapping[str, Any]] = load_schema("errors.json")
    return table


def fill(text: str, values: Sequence[object]) -> str:
    """Put values in place of each %s, left to right; surplus values follow after a blank."""
    for position, value in enumerate(values):
        if "%s" not in text:
            return " ".join([text, *(str(rest) for rest in values[position:])])
        text = text.replace("%s", str(value).replace("%s", "%\u200bs"), 1)
    return text.replace("%\u200bs", "%s")
