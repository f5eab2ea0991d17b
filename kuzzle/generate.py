"""`kuzzle generate`: descriptions of the API, from the files or from a running server.

Every kind is a sub-command. One is added by an `add_...` function in `_KINDS`, which gets the subparsers.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from kuzzle.catalogue import Catalogue
from kuzzle.config import Config
from kuzzle.encoding import JsonError, decode_json, encode_json
from kuzzle.generation.documents import DESCRIPTIONS
from kuzzle.shell.errors import ShellError, UsageError

_TIMEOUT_S: Final = 30.0
# A server with hundreds of plugins' actions stays far below this; what is larger is no description of an API.
_MAX_BYTES: Final = 64 * 1024 * 1024


def add_generate(parsers: Any) -> None:
    """Add `generate` to the subparsers of the command line."""
    text = "describe the API for tools, as its files or a running server have it"
    parser = parsers.add_parser("generate", help=text, description=f"{text[0].upper()}{text[1:]}.")
    kinds = parser.add_subparsers(title="what to generate", metavar="KIND", required=True)
    for add in _KINDS:
        add(kinds)


def _add_documents(kinds: Any) -> None:
    for name, described in DESCRIPTIONS.items():
        parser = kinds.add_parser(name, help=described.text, description=f"Write {described.text}, as JSON.")
        add_source(parser)
        parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write; without it, standard output")
        parser.set_defaults(command=_generate, kind=name)


def _add_client(kinds: Any) -> None:
    text = "a typed client for a programming language, as a package"
    parser = kinds.add_parser("client", help=text, description=f"Write {text}.")
    parser.add_argument("--lang", choices=("python", "typescript"), required=True, help="the language")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="the folder to write into")
    add_source(parser)
    parser.add_argument(
        "--collections",
        nargs="+",
        metavar="INDEX/COLLECTION",
        default=[],
        help="collections whose documents get models, by their mappings: those at --url, or of --mappings",
    )
    parser.add_argument(
        "--mappings",
        type=Path,
        metavar="FILE",
        help="mappings as JSON, {index: {collection: mapping}}, instead of --url's",
    )
    parser.set_defaults(command=_generate_client)


_KINDS: Final[tuple[Callable[[Any], None], ...]] = (_add_documents, _add_client)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a description comes from; `read_document` reads them."""
    parser.add_argument("--url", help="of a running server, as http://localhost:7512; without it, the files are read")
    parser.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="the configuration file")


def read_document(options: argparse.Namespace, kind: str) -> dict[str, Any]:
    """Return a description of the API, from where the options say.

    Args:
        kind: One of `openapi`, `asyncapi` and `schema`.

    Raises:
        ConfigError, ShellError: It cannot be had.
    """
    if options.url is not None:
        return _fetch(options.url, f"/{kind}.json")
    from kuzzle.builders.controllers import controllers_switched_off  # much of the server: `--url` need not wait for it

    config = Config.load(options.config, os.environ)
    catalogue = Catalogue.load(1).without(controllers_switched_off(config))
    return DESCRIPTIONS[kind].make(catalogue, config.section("protocols"))


def _generate(options: argparse.Namespace) -> None:
    """Write a description of the API.

    Raises:
        ConfigError, ShellError: Nothing was written.
    """
    text = encode_json(read_document(options, options.kind), pretty=True) + b"\n"
    if options.out is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        return
    try:
        options.out.write_bytes(text)
    except OSError as error:
        raise ShellError(f"{options.out}: cannot be written: {error.strerror}") from error
    sys.stdout.write(f"Wrote {options.out}\n")


def _generate_client(options: argparse.Namespace) -> None:
    """Write a client; files of an earlier run are overwritten.

    Raises:
        ConfigError, ShellError: It is not, or not wholly, written.
    """
    from kuzzle.generation.client.api import Api  # what no other command needs
    from kuzzle.generation.client.python_client import python_client
    from kuzzle.generation.client.typescript_client import typescript_client

    make = python_client if options.lang == "python" else typescript_client
    mappings = _mappings(options)
    files = make(Api(read_document(options, "schema"), read_document(options, "openapi")), mappings)
    for name, text in files.items():
        path: Path = options.out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ShellError(f"{path}: cannot be written: {error.strerror}") from error
    sys.stdout.write(f"Wrote {options.out} ({len(files)} files)\n")


def _mappings(options: argparse.Namespace) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the mappings of the collections that get models, by index and collection.

    Raises:
        ShellError: One cannot be had.
    """
    if options.collections and options.mappings is None and options.url is None:
        raise UsageError("--collections needs --url or --mappings")
    listed: Any = {}
    answer: dict[str, Any] = {}
    if options.mappings is not None:
        try:
            listed = decode_json(options.mappings.read_bytes())
        except OSError as error:
            raise ShellError(f"{options.mappings}: cannot be read: {error.strerror}") from error
        except JsonError as error:
            raise ShellError(f"{options.mappings}: no JSON: {error}") from error
    found = {}
    for name in options.collections:
        index, slash, collection = name.partition("/")
        if not slash:
            raise UsageError(f"--collections {name}: expected INDEX/COLLECTION")
        if options.mappings is None:
            path = f"/{quote(index, safe='')}/{quote(collection, safe='')}/_mapping"
            answer = _fetch(options.url, path)
        try:
            if options.mappings is None:
                listed = {index: answer["result"][index]["mappings"]}
            mapping = listed[index][collection]
        except (KeyError, TypeError):
            mapping = None
        if not isinstance(mapping, dict):
            raise ShellError(f"no mapping of {name}")
        found[index, collection] = mapping
    return found


def _fetch(url: str, path: str) -> dict[str, Any]:
    """Return a JSON object that a server has at a path.

    Raises:
        ShellError: It has none.
    """
    from http.client import HTTPConnection, HTTPException, HTTPSConnection  # 10 ms that a start need not wait for

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"--url {url}: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"--url {url}: expected http://host:port or https://host:port")
    address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}"
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}{path}", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        text = answer.read(_MAX_BYTES + 1)
    except (OSError, HTTPException, UnicodeError) as error:
        raise ShellError(f"{address}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise ShellError(f"{address}: answered {answer.status}")
    try:
        document = decode_json(text) if len(text) <= _MAX_BYTES else None
    except JsonError as error:
        raise ShellError(f"{address}: no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ShellError(f"{address}: no JSON object of at most {_MAX_BYTES} bytes")
    return document
