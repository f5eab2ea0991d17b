"""Forms: urlencoded and multipart bodies as objects.

Names are taken literally (`a[b]` is a name), the last of a repeated name wins, and a file is
`{filename, encoding, mimetype, file}` with `file` in base64.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from kuzzle.errors import KuzzleError

_MAX_FIELDS: Final = 1000
_MAX_PART_HEAD_BYTES: Final = 10_240
_DEFAULT_ENCODING: Final = "7bit"
_DEFAULT_TYPE: Final = "text/plain"
_PARAMETER: Final = re.compile(r';\s*([\w!#$&+.^`|~*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)')
# Quotes and backslashes are escaped; a lone backslash stands for itself (old browsers send whole paths).
_ESCAPED: Final = re.compile(r'\\(["\\])')


def decode_urlencoded(body: bytes) -> dict[str, Any]:
    """Return the fields of an `application/x-www-form-urlencoded` body.

    Raises:
        KuzzleError: `network.http.unexpected_error`, beyond 1000 fields.
    """
    try:
        fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise KuzzleError("network.http.unexpected_error", f"Form: more than {_MAX_FIELDS} fields") from None
    return dict(fields)


def find_boundary(content_type: str) -> bytes:
    """Return the boundary that a `multipart/form-data` content type names.

    Raises:
        KuzzleError: `network.http.unexpected_error`.
    """
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise KuzzleError("network.http.unexpected_error", "Multipart: Boundary not found")
    return boundary.encode("latin-1", "replace")


def decode_multipart(body: bytes, boundary: bytes, max_file_bytes: int) -> dict[str, Any]:
    """Return the fields and files of a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1).

    Raises:
        KuzzleError: `network.http.unexpected_error` for a broken body, `file_too_large`.
    """
    if not body:
        return {}
    # With a line end of its own in front, the first delimiter looks like the others.
    _preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MAX_FIELDS + 2)
    fields: dict[str, Any] = {}
    for position, part in enumerate(parts):
        if part.startswith(b"--"):
            return fields
        if position == _MAX_FIELDS:
            raise _broken(f"more than {_MAX_FIELDS} parts")
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator or len(head) > _MAX_PART_HEAD_BYTES:
            raise _broken("malformed part header")
        name, value = _decode_part(head, content, max_file_bytes)
        fields[name] = value
    raise _broken("unexpected end of the body")


def _decode_part(head: bytes, content: bytes, max_file_bytes: int) -> tuple[str, Any]:
    headers = {}
    for line in head.decode(errors="replace").split("\r\n"):
        header, _, value = line.partition(":")
        headers[header.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    parameters = _parameters(disposition)
    if not disposition.lower().startswith("form-data") or "name" not in parameters:
        raise _broken("part without a name")
    filename = _filename(parameters)
    if filename is None:
        return parameters["name"], content.decode(errors="replace")
    if len(content) > max_file_bytes:
        raise KuzzleError("network.http.file_too_large")
    return parameters["name"], {
        "filename": filename,
        "encoding": headers.get("content-transfer-encoding", _DEFAULT_ENCODING),
        "mimetype": headers.get("content-type", _DEFAULT_TYPE).partition(";")[0].strip(),
        "file": base64.b64encode(content).decode(),
    }


def _parameters(header: str) -> dict[str, str]:
    parameters = {}
    for name, value in _PARAMETER.findall(header):
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        parameters[name.lower()] = value
    return parameters


def _filename(parameters: dict[str, str]) -> str | None:
    """Return the name of a file without any folder; None for a field that is no file."""
    name = parameters.get("filename")
    extended = parameters.get("filename*")  # RFC 5987: charset'language'percent-encoded
    if extended is not None and extended.lower().startswith("utf-8'"):
        name = unquote(extended.split("'", 2)[-1])
    return None if name is None else re.split(r"[/\\]", name)[-1]


def _broken(reason: str) -> KuzzleError:
    return KuzzleError("network.http.unexpected_error", f"Multipart: {reason}")
