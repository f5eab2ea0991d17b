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
from urllib.parse import quote

from kuzzle.config import Config
from kuzzle.encoding import encode_json
from kuzzle.generation.documents import DESCRIPTIONS
from kuzzle.shell.credentials import add_credentials, read_credentials
from kuzzle.shell.errors import ShellError, UsageError
from kuzzle.shell.generated_folder import GeneratedFolder
from kuzzle.shell.http_client import HttpClient
from kuzzle.shell.values import read_object


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
    add_credentials(parser.add_argument_group("who reads the mappings at --url"))
    parser.set_defaults(command=_generate_client, parser=parser)


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
        return HttpClient(options.url).get(f"/{kind}.json")
    from kuzzle.builders.controllers import build_catalogue  # much of the server: `--url` need not wait for it
    from kuzzle.plugins.loading import load_plugins

    config = Config.load(options.config, os.environ)
    return DESCRIPTIONS[kind].make(build_catalogue(config, load_plugins(config)), config.section("protocols"))


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
    """Write a client; what an earlier run wrote into the folder is replaced.

    Raises:
        ConfigError, ShellError: It is not, or not wholly, written.
    """
    from kuzzle.generation.client.api import Api  # what no other command needs
    from kuzzle.generation.client.python_client import python_client
    from kuzzle.generation.client.typescript_client import typescript_client

    make = python_client if options.lang == "python" else typescript_client
    mappings = _mappings(options)
    files = make(Api(read_document(options, "schema"), read_document(options, "openapi")), mappings)
    for name in GeneratedFolder(options.out).write(files):
        sys.stderr.write(f"kuzzle: {options.out / name}: left, since it was changed after an earlier run wrote it\n")
    sys.stdout.write(f"Wrote {options.out} ({len(files)} files)\n")


def _mappings(options: argparse.Namespace) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the mappings of the collections that get models, by index and collection.

    Raises:
        ShellError: One cannot be had.
    """
    if options.collections and options.mappings is None and options.url is None:
        raise UsageError("--collections needs --url or --mappings")
    is_from_server = bool(options.collections) and options.mappings is None
    credentials = read_credentials(options)
    if any(credentials) and not is_from_server:
        raise UsageError("who you are is asked only for the mappings of --collections at --url")
    names = [_collection_name(text) for text in options.collections]
    find: Callable[[str, str], Any]
    if is_from_server:
        client = HttpClient(options.url)
        client.act_as(credentials)

        def find(index: str, collection: str) -> Any:
            answer = client.get(f"/{quote(index, safe='')}/{quote(collection, safe='')}/_mapping")
            return answer["result"][index]["mappings"][collection]

    else:
        listed: Any = {} if options.mappings is None else read_object(options.mappings)

        def find(index: str, collection: str) -> Any:
            return listed[index][collection]

    found = {}
    for index, collection in names:
        try:
            mapping = find(index, collection)
        except (KeyError, TypeError):
            mapping = None
        if not isinstance(mapping, dict):
            raise ShellError(f"no mapping of {index}/{collection}")
        found[index, collection] = mapping
    return found


def _collection_name(text: str) -> tuple[str, str]:
    index, slash, collection = text.partition("/")
    if not slash:
        raise UsageError(f"--collections {text}: expected INDEX/COLLECTION")
    return index, collection
